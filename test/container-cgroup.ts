/** Cgroups as managers of containers make them: by their names vpcd knows whose a process is. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Make one, by the name of its scope. Gives its directory, which the caller removes. */
export function makeCgroup(scope: string): string {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const [, root] = mounts.map((line) => / (\/sys\/fs\/cgroup\S*) \S+ .*- cgroup2? /.exec(line)).find((found) => found !== null) ?? []
  const path = join(root ?? assert.fail('there is no cgroup file system'), scope)
  mkdirSync(path, { recursive: true })
  return path
}
