/** Whether something keeps the system's clock in step. adjtimex(2). */
import { check, libc } from './libc.ts'

const adjtimex = libc.func('int adjtimex(void *timex)')

/** struct timex has 208 bytes; `modes` 0 changes nothing. */
const TIMEX_SIZE = 208
const STATUS_OFFSET = 40
const STA_UNSYNC = 0x40

/** False: nobody has set the clock by another one for a while. */
export function isClockInStep(): boolean {
  const timex = new Uint8Array(TIMEX_SIZE)
  check('adjtimex', adjtimex(timex))
  return (new DataView(timex.buffer).getInt32(STATUS_OFFSET, true) & STA_UNSYNC) === 0
}
