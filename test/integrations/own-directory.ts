/** Directories of the host's that programs write to wherever they are: a test has its own in their place. */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'

/**
 * Cover a directory with an empty one, in the mount namespace of the test. One that was not there stays, empty: another
 * test may have covered it, too, and the kernel ends all mounts on a directory that is removed.
 */
export function coverDirectory(path: string): Disposable {
  mkdirSync(path, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', path])
  return { [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', path]) }
}
