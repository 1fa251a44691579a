/** A process by its pid and start time, so that a later process with the same pid is not taken for it. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

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

/** Whether the very process of the mark still runs. */
export const isRunning = ({ pid, startTicks }: ProcessMark): boolean => markProcess(pid)?.startTicks === startTicks

/** End processes: SIGTERM, then SIGKILL for those that do not end in time. Gives those that still run after that. */
export async function endProcesses(marks: readonly ProcessMark[], graceMs: number): Promise<ProcessMark[]> {
  let left = send(marks, 'SIGTERM')
  left = await waitForEnd(left, graceMs)
  if (left.length === 0) return []
  return waitForEnd(send(left, 'SIGKILL'), 5000)
}

function send(marks: readonly ProcessMark[], signal: NodeJS.Signals): ProcessMark[] {
  return marks.filter((mark) => {
    if (!isRunning(mark)) return false
    try {
      process.kill(mark.pid, signal)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
      throw error
    }
  })
}

async function waitForEnd(marks: readonly ProcessMark[], timeoutMs: number): Promise<ProcessMark[]> {
  const deadline = performance.now() + timeoutMs
  let left = marks.filter(isRunning)
  while (left.length > 0 && performance.now() < deadline) {
    await sleep(10)
    left = left.filter(isRunning)
  }
  return left
}
