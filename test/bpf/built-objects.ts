/** The real objects, compiled when they are older than their sources. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** Directory of the compiled objects. */
export function builtObjects(): string {
  execFileSync(join(root, 'scripts/build-bpf'), { stdio: ['ignore', 'ignore', 'inherit'] })
  return join(root, 'build/bpf')
}
