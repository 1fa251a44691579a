/** Random numbers and mutilated frames, the same for the same seed. */
import { concat } from '#wire/struct.ts'

/** A number from 0 on, below this one. */
export type Random = (below: number) => number

/** xorshift32 */
export function randomness(start: number): Random {
  let state = start | 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** Up to three changes of a frame. */
export function mutilate(frame: Uint8Array, random: Random): Uint8Array {
  let out: Uint8Array = frame.slice()
  for (let changes = random(4); changes > 0; changes--) {
    const at = random(Math.min(out.length, 120))
    const kind = random(5)
    if (kind === 0) out[at] = random(256)
    if (kind === 1) out[at] = out[at]! ^ (1 << random(8))
    if (kind === 2) out = out.slice(0, Math.max(14, at))
    if (kind === 3) out = concat(out.subarray(0, at), out.subarray(random(out.length)))
    if (kind === 4) out = concat(out, new Uint8Array(random(64)))
  }
  return out.slice(0, 1900)
}
