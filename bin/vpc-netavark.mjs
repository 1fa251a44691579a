#!/bin/sh
':' /* For a shell these lines are a program: it becomes the Node that npm installed with us.
self=$(readlink -f -- "$0")
root=${self%/bin/*}
for node in "$root/node_modules/.bin/node" "$root/../.bin/node"; do
  [ -x "$node" ] && exec "$node" "$self" "$@"
done
command -v node >/dev/null && exec node "$self" "$@"
echo "vpc-netavark finds no Node; run npm install in $root" >&2
exit 1
*/

/** The plugin of netavark `vpc-netavark`: podman starts it, and it runs src/oci/netavark.ts. */
import { useCompileCache } from './compile-cache.mjs'

useCompileCache()
const { main } = await import('../src/oci/netavark.ts')
process.exit(await main(process.argv.slice(2)))
