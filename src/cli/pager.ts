/** A pager between our results and a terminal. */
import { spawn } from 'node:child_process'
import { finished, type Writable } from 'node:stream'

export interface Pager {
  readonly stream: Writable
  /** Everything is written: wait until the reader has seen it. */
  close(): Promise<void>
}

/** Start $PAGER, or less. */
export function startPager(environment: Readonly<Record<string, string | undefined>>): Pager {
  const child = spawn(environment['PAGER'] || 'less', {
    shell: true,
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { LESS: 'FRX', ...environment },
  })
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
  // A user who quits the pager early has read enough.
  finished(child.stdin, () => {})
  child.stdin.on('error', () => {})
  return {
    stream: child.stdin,
    async close() {
      child.stdin.end()
      await ended
    },
  }
}
