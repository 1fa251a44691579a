/**
 * Processes that are not our children: named so that a later process of the same pid is not taken for them, and waited
 * for.
 */
import { closeSync, readFileSync } from 'node:fs'
import { openPidfd } from '#kernel/pidfd.ts'
import { onReadable } from '#kernel/readiness.ts'

export interface ProcessMark {
  readonly pid: number
  /** Field 22 of /proc/PID/stat: clock ticks after boot. */
  readonly startTicks: number
}

/** The mark of a running process; undefined when there is none (a zombie is none). */
export function markOf(pid: number): ProcessMark | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name, in brackets, may contain spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : { pid, startTicks: Number(fields[19]) }
  } catch {
    return undefined
  }
}

/** Whether the marked process runs. */
export const runs = (mark: ProcessMark | null | undefined): boolean => (mark ? markOf(mark.pid)?.startTicks === mark.startTicks : false)

/** Send a signal to the marked process; false when it is gone. */
export function signal(mark: ProcessMark, name: NodeJS.Signals): boolean {
  try {
    return runs(mark) && process.kill(mark.pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

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
  if (!runs(mark)) {
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
