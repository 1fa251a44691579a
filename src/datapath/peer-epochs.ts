/**
 * Table `peer_epochs`: what programs decided about a peer counts until its epoch or everybody's rises. To be raised
 * after the tables are written, since programs read it before them.
 */
import type { BpfMap } from '#kernel/bpf-map.ts'
import { peerEpochs } from './policy-layout.ts'

export class PeerEpochs {
  readonly #map: BpfMap

  constructor(map: BpfMap) {
    this.#map = map
  }

  /** What was decided about anybody. */
  raiseAll(): void {
    this.#raise(0)
  }

  /** What was decided about an address of a vpc. */
  raise(vpc: number, address: Uint8Array): void {
    this.#raise(placeOf(vpc, address))
  }

  /** What was decided about many addresses of a vpc. */
  raiseMany(vpc: number, addresses: Iterable<Uint8Array>): void {
    const places = new Set<number>()
    for (const address of addresses) places.add(placeOf(vpc, address))
    for (const place of places) this.#raise(place)
  }

  #raise(index: number): void {
    const key = new Uint8Array(Uint32Array.of(index).buffer)
    const value = this.#map.lookup(key)!
    const words = new Uint32Array(value.buffer, value.byteOffset, 1)
    words[0]!++
    this.#map.update(key, value)
  }
}

const placeOf = (vpc: number, address: Uint8Array): number => 1 + (peerHash(vpc, address) % (peerEpochs - 1))

/** peer_hash of bpf/lib/policy.h. */
export function peerHash(vpc: number, address: Uint8Array): number {
  const view = new DataView(address.buffer, address.byteOffset, 16)
  let hash = vpc >>> 0
  for (let i = 0; i < 4; i++) {
    hash = Math.imul(hash ^ view.getUint32(i * 4, true), 0x85ebca6b) >>> 0
    hash = (hash ^ (hash >>> 15)) >>> 0
  }
  return hash
}
