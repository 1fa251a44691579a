#!/bin/sh
':' /* For a shell these lines are a program: it becomes the Node that npm installed with us, so that signals reach vpc itself.
self=$(readlink -f -- "$0")
root=${self%/bin/*}
for node in "$root/node_modules/.bin/node" "$root/../.bin/node"; do
  [ -x "$node" ] && exec "$node" "$self" "$@"
done
command -v node >/dev/null && exec node "$self" "$@"
echo "vpc: there is no Node in $root/node_modules; run \`npm install\` in $root" >&2
exit 1
*/

/**
 * The command `vpc`: under Node 26 it runs src/cli/main.ts; an older Node, started by hand, starts the installed one.
 */
import { constants } from 'node:os'
import { existsSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const wantedMajor = 26
const self = fileURLToPath(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))

if (Number.parseInt(process.versions.node, 10) >= wantedMajor) {
  const { useCompileCache } = await import('./compile-cache.mjs')
  useCompileCache()
  const { main } = await import('../src/cli/main.ts')
  process.exit(await main(process.argv.slice(2)))
}

const node = [`${root}node_modules/.bin/node`, `${root}../.bin/node`].find((path) => existsSync(path))
if (node === undefined) {
  console.error(
    `vpc: needs Node ${wantedMajor}, this is ${process.version}, and none is in ${root}node_modules; run \`npm install\` in ${root}`,
  )
  process.exit(1)
}
const child = spawn(node, [self, ...process.argv.slice(2)], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
