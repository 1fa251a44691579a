/**
 * Giving back the memory that large requests leave behind. 100 000 entries that are read, checked and encoded leave a
 * hundred megabytes of garbage, and V8 sees no reason to collect it in a process that is idle afterwards.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** From so many bytes on, a request or an answer is large. */
const largeBytes = 128 * 1024
/** So long after the last large one, so that a series of them is not held up. */
const quietMs = 200

let timer: NodeJS.Timeout | undefined
let collect: (() => void) | undefined

/** A request and its answer were so long. */
export function collectAfter(bytes: number): void {
  if (bytes < largeBytes) return
  clearTimeout(timer)
  timer = setTimeout(() => {
    collect ??= collector()
    collect()
  }, quietMs).unref()
}

function collector(): () => void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options?: object) => void
  return () => gc({ type: 'major', flavor: 'last-resort' })
}
