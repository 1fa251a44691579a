/** A lock on a file, told in words when somebody else has it. */
import { FileLock, LockHeld } from '#kernel/lock.ts'
import { LaunchError } from './launch-error.ts'

/** Take a lock without waiting; it ends with the process at the latest. Throws LaunchError EBUSY that begins with `held`. */
export function lockFile(path: string, held: string): Disposable {
  try {
    return FileLock.acquire(path)
  } catch (error) {
    if (!(error instanceof LockHeld)) throw error
    throw new LaunchError(`${held}${error.pid === undefined ? '' : ` (process ${error.pid})`}`, 'EBUSY', { cause: error })
  }
}
