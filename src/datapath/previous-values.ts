/** The values of a map's keys before many of them are set, to restore them if not all could be set. */
import type { MapBatch } from '#kernel/bpf-map-batch.ts'
import { mapType, type BpfMap } from '#kernel/bpf-map.ts'

/** Values of before a batch. */
export interface PreviousValues {
  /** Restore the first `count` keys. */
  restore(count: number): void
}

type Lookup = (key: Uint8Array) => Uint8Array | undefined

/** One lookup costs as much as this many elements of a dump. */
const LOOKUP_COST = 16

/** Remember the current values of keys, given back to back. */
export function remember(map: BpfMap, keys: Uint8Array): PreviousValues {
  const { keySize } = map
  const total = keys.length / keySize
  const first = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => keys.subarray(i * keySize, (i + 1) * keySize))
  // A lookup in a trie finds the prefix that a key lies in.
  const exact = map.type !== mapType.lpmTrie
  const before = exact && total * LOOKUP_COST < map.maxEntries ? lookedUp(map, first(total)) : dumped(map)
  return { restore: (count) => restore(map, first(count), before()) }
}

// Each key gets its value from before the batch, so a key that was given twice comes out right.
function restore(map: BpfMap, keys: readonly Uint8Array[], before: Lookup): void {
  for (const key of keys) {
    const value = before(key)
    if (value) map.update(key, value)
    else map.delete(key)
  }
}

const textOf = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')

function lookedUp(map: BpfMap, keys: readonly Uint8Array[]): () => Lookup {
  const values = keys.map((key) => map.lookup(key))
  return () => {
    const byKey = new Map(keys.map((key, i) => [textOf(key), values[i]]))
    return (key) => byKey.get(textOf(key))
  }
}

/** Copies the whole map, and looks into the copy only when something must be put back. */
function dumped(map: BpfMap): () => Lookup {
  const batches = [...map.batches()]
  return () => {
    const byKey = new Map(batches.flatMap((batch) => elements(map, batch)))
    return (key) => byKey.get(textOf(key))
  }
}

function elements({ keySize, slotSize }: BpfMap, { keys, values, count }: MapBatch): [string, Uint8Array][] {
  return Array.from({ length: count }, (_, i) => [
    textOf(keys.bytes.subarray(i * keySize, (i + 1) * keySize)),
    values.bytes.subarray(i * slotSize, (i + 1) * slotSize),
  ])
}
