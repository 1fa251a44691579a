#!/bin/sh
':' /* For a shell these lines are a program: it becomes the Node that npm installed with us.
self=$(readlink -f -- "$0")
root=${self%/bin/*}
for node in "$root/node_modules/.bin/node" "$root/../.bin/node"; do
  [ -x "$node" ] && exec "$node" "$self" "$@"
done
command -v node >/dev/null && exec node "$self" "$@"
echo '{"code":5,"msg":"vpc-cni finds no Node; run npm install where it is"}'
exit 1
*/

/** The CNI plugin `vpc-cni`: container runtimes start it, and it runs src/cni/main.ts. */
import { useCompileCache } from './compile-cache.mjs'

useCompileCache(/^[A-Z]{1,16}$/.exec(process.env.CNI_COMMAND ?? '')?.[0])
const { main } = await import('../src/cni/main.ts')
process.exit(await main(process.env))
