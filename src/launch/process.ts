/** The end of processes that are not our children. */
import { closeSync } from 'node:fs'
import { openPidfd } from '#kernel/pidfd.ts'
import { onReadable } from '#kernel/readiness.ts'
import { isRunning, type ProcessMark } from '#system/process-mark.ts'

/**
 * Call back once when a process that need not be a child has ended; at once when it has already. Keeps nothing alive.
 */
export function onEnd(mark: ProcessMark, callback: () => void): void {
  let pidfd: number
  try {
    pidfd = openPidfd(mark.pid)
  } catch {
    return callback()
  }
  if (!isRunning(mark)) {
    closeSync(pidfd)
    return callback()
  }
  const subscription = onReadable(pidfd, () => {
    subscription.stop()
    closeSync(pidfd)
    callback()
  })
}

/** Whether a process ended within a time. */
export function endsWithin(mark: ProcessMark, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), timeoutMs)
  onEnd(mark, () => resolve(true))
  return promise.finally(() => clearTimeout(timer))
}
