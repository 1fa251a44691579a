/** The generation of the tables: slots of the programs from an earlier one no longer count (bpf/lib/generation.h). */
import type { BpfMap } from '#kernel/bpf-map.ts'

const key = new Uint8Array(4)

export class Generation {
  readonly #map: BpfMap
  readonly #value = new Uint32Array(1)

  /** Begin a new one: an earlier process may have ended between its last write and the new generation. */
  constructor(map: BpfMap) {
    this.#map = map
    const bytes = map.lookup(key)
    if (bytes) new Uint8Array(this.#value.buffer).set(bytes)
    this.next()
  }

  /** To be called after each write to a table whose entries programs remember or read: see bpf/lib/entry.h. */
  next(): void {
    this.#value[0]!++
    this.#map.update(key, new Uint8Array(this.#value.buffer))
  }
}
