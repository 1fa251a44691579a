/** A process by its pid and start time, so that a later process with the same pid is not mistaken for it. */
import { readFileSync } from 'node:fs'

export interface ProcessMark {
  readonly pid: number
  /** Field 22 of /proc/PID/stat: clock ticks after boot. */
  readonly startTicks: number
}

/** The mark of a running process, or undefined when there is none (a zombie counts as none). */
export function markProcess(pid: number): ProcessMark | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The second field, the program's name in brackets, may contain spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : { pid, startTicks: Number(fields[19]) }
}

/** Whether exactly this process still runs. */
export const isRunning = (mark: ProcessMark | null | undefined): boolean =>
  mark ? markProcess(mark.pid)?.startTicks === mark.startTicks : false

/** Send a signal to exactly this process; false when it is gone. */
export function signalProcess(mark: ProcessMark, name: NodeJS.Signals): boolean {
  try {
    return isRunning(mark) && process.kill(mark.pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
