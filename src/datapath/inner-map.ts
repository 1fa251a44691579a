/** Maps in a map of maps: each is found by the number that is its key. */
import { u32 } from '#abi/c-struct.ts'
import { BpfMap } from '#kernel/bpf-map.ts'

/** A u32 in the host's byte order: a key, or the descriptor of an inner map. */
export const wordBytes = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)

/** The reverse. */
export const wordOf = (bytes: Uint8Array): number => u32.read(new DataView(bytes.buffer, bytes.byteOffset), 0)

/** The inner map at a key, with a descriptor of its own; undefined: there is none. */
export function openInner(outer: BpfMap, key: number): BpfMap | undefined {
  const id = outer.lookup(wordBytes(key))
  return id === undefined || wordOf(id) === 0 ? undefined : BpfMap.fromId(wordOf(id))
}
