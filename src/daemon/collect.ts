/**
 * Returns the memory that large requests leave behind. Reading, checking and encoding 100 000 entries leaves a hundred
 * megabytes of garbage, and V8 does not collect it in an idle process.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Minimal size of a large request or answer. */
const largeBytes = 128 * 1024
/** Wait after the last large one, so that a series of them is not delayed. */
const quietMs = 200

let timer: NodeJS.Timeout | undefined
let collect: (() => void) | undefined

/** Report the length of a request and its answer. */
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
