/** Table `pickups`: until when TCP connections that are under way become flows of a port. */
import type { BpfMap } from '#kernel/bpf-map.ts'

/** How long a port takes them, after it was attached or its flows were imported. */
export const pickupSeconds = 30

/** Seconds of the clock that flows have. */
export const flowSeconds = (): number => Number(process.hrtime.bigint() / 1_000_000_000n)

export class Pickups {
  readonly #map: BpfMap

  constructor(map: BpfMap) {
    this.#map = map
  }

  /** Until when a port takes them, in those seconds. */
  until(port: number): number {
    return new Uint32Array(this.#map.lookup(new Uint8Array(Uint32Array.of(port).buffer))!.buffer, 0, 1)[0]!
  }

  /** A port takes connections that are under way, from now on. */
  open(port: number, seconds = pickupSeconds): void {
    const words = (word: number): Uint8Array => new Uint8Array(Uint32Array.of(word).buffer)
    this.#map.update(words(port), words(flowSeconds() + seconds))
  }
}
