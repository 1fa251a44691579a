/** A lock on a file, with an error in words when another process has it. */
import { FileLock, LockHeld } from '#kernel/lock.ts'
import { LaunchError } from './launch-error.ts'

/**
 * Take a lock without waiting. The lock ends with the process at the latest. Throws LaunchError EBUSY that begins with
 * `held`.
 */
export function lockFile(path: string, held: string): Disposable {
  try {
    return FileLock.acquire(path)
  } catch (error) {
    if (!(error instanceof LockHeld)) throw error
    throw new LaunchError(`${held}${error.pid === undefined ? '' : ` (process ${error.pid})`}`, 'EBUSY', { cause: error })
  }
}

/** How long to wait for a lock that others hold for moments only. */
const soonMs = 3000
const retryMs = 10

/**
 * Take a lock that others hold for moments only: wait for it, blocking this thread. Throws LaunchError EBUSY that
 * begins with `held`.
 */
export function lockFileSoon(path: string, held: string): Disposable {
  const deadline = performance.now() + soonMs
  for (;;) {
    try {
      return lockFile(path, held)
    } catch (error) {
      if (!(error instanceof LaunchError) || error.code !== 'EBUSY' || performance.now() > deadline) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs)
    }
  }
}
