/** Ending processes that are not children: politely, then for certain. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning, signalProcess, type ProcessMark } from '#system/process-mark.ts'

/** End processes: SIGTERM, then SIGKILL for those that do not end in time. Gives those that still run after that. */
export async function endProcesses(marks: readonly ProcessMark[], graceMs: number): Promise<ProcessMark[]> {
  const left = await waitForEnd(send(marks, 'SIGTERM'), graceMs)
  return left.length === 0 ? [] : waitForEnd(send(left, 'SIGKILL'), 5000)
}

const send = (marks: readonly ProcessMark[], signal: NodeJS.Signals): ProcessMark[] => marks.filter((mark) => signalProcess(mark, signal))

async function waitForEnd(marks: readonly ProcessMark[], timeoutMs: number): Promise<ProcessMark[]> {
  const deadline = performance.now() + timeoutMs
  let left = marks.filter(isRunning)
  while (left.length > 0 && performance.now() < deadline) {
    await sleep(10)
    left = left.filter(isRunning)
  }
  return left
}
