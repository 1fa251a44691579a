/**
 * `npm run package`: Debian packages in build/package. Options: --arch amd64|arm64 (repeatable), --version VERSION;
 * --npm: the library as an npm package instead.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildDeb } from './deb.ts'
import { readManifest } from './javascript.ts'
import { architectureHere, architectures, type Architecture } from './native.ts'
import { buildNpm } from './npm.ts'

const root = join(import.meta.dirname, '../..')

/** The time of the last commit: what is built of it is the same everywhere. */
function epochOf(): number {
  const given = process.env['SOURCE_DATE_EPOCH']
  return Number(given ?? execFileSync('git', ['-C', root, 'log', '-1', '--format=%ct'], { encoding: 'utf8' }))
}

const { values } = parseArgs({
  options: {
    arch: { type: 'string', multiple: true },
    version: { type: 'string' },
    npm: { type: 'boolean', default: false },
    out: { type: 'string', default: join(root, 'build/package') },
  },
})
const wanted = values.arch ?? [architectureHere()]
const unknown = wanted.find((name) => !Object.hasOwn(architectures, name))
if (unknown !== undefined) {
  console.error(`package: there is no package for '${unknown}'; they are for ${Object.keys(architectures).join(' and ')}`)
  process.exit(2)
}
mkdirSync(values.out, { recursive: true })
const build = (architecture: Architecture): Promise<string> =>
  buildDeb({ architecture, version: values.version ?? `${readManifest().version}-1`, out: values.out, epoch: epochOf() })
const files = values.npm ? [buildNpm(values.out)] : []
if (!values.npm) for (const architecture of wanted as Architecture[]) files.push(await build(architecture))
for (const file of files) {
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex')
  console.log(`${file}\n  ${(statSync(file).size / 2 ** 20).toFixed(1)} MiB, sha256 ${digest}`)
}
