/** Directories of the host's that programs write to wherever they are: a test has its own in their place. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmdirSync } from 'node:fs'

/** Cover a directory with an empty one, in the mount namespace of the test. */
export function coverDirectory(path: string): Disposable {
  const isNew = !existsSync(path)
  mkdirSync(path, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', path])
  return {
    [Symbol.dispose]() {
      execFileSync('umount', ['--lazy', path])
      if (isNew) rmdirSync(path)
    },
  }
}
