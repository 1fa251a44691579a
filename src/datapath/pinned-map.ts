/** Maps that an earlier vpcd left pinned: whether the objects of this one can take them over. */
import { existsSync } from 'node:fs'
import { BpfMap } from '#kernel/bpf-map.ts'
import { Btf } from '#kernel/btf.ts'
import type { BpfObject, MapDefinition } from '#kernel/libbpf.ts'
import { removeHalfMade, resizePinned } from './resize-map.ts'

/** A pinned map that does not fit the objects that are to be loaded. */
export class PinnedMapDiffers extends Error {
  readonly table: string
  readonly path: string
  readonly difference: string
  constructor(table: string, path: string, difference: string) {
    super(`table ${table}, pinned at ${path}, is of another version: ${difference}; the datapath must be taken down to make it anew`)
    this.name = 'PinnedMapDiffers'
    this.table = table
    this.path = path
    this.difference = difference
  }
}

const fieldNames = { type: 'type', keySize: 'key size', valueSize: 'value size', flags: 'flag word' } as const

/**
 * Prepare an object for the pinned maps that it will find: their sizes become its own; one for which another size is asked gets that first.
 * Throws PinnedMapDiffers when one is of another kind or layout, and TableHoldsMore.
 */
export function adoptPinnedMaps(object: BpfObject, btf: Btf, asked: Readonly<Record<string, number>>): void {
  for (const name of object.maps()) {
    const path = object.pinPath(name)
    if (path === undefined || !existsSync(path)) continue
    removeHalfMade(path)
    using pinned = BpfMap.fromPin(path)
    const definition = object.definition(name)
    const difference = differenceBetween(pinned, definition) ?? layoutDifference(pinned, btf, definition)
    if (difference !== undefined) throw new PinnedMapDiffers(name, path, difference)
    const { maxEntries } = pinned
    const wanted = asked[name] ?? maxEntries
    object.setMaxEntries(name, wanted === maxEntries ? maxEntries : resizePinned(name, path, pinned, wanted))
  }
}

function differenceBetween(pinned: BpfMap, definition: MapDefinition): string | undefined {
  for (const field of Object.keys(fieldNames) as (keyof typeof fieldNames)[]) {
    if (pinned[field] !== definition[field]) return `its ${fieldNames[field]} is ${pinned[field]}, not ${definition[field]}`
  }
  return undefined
}

function layoutDifference(pinned: BpfMap, btf: Btf, definition: MapDefinition): string | undefined {
  const raw = definition.keyTypeId === 0 ? undefined : pinned.readBtf()
  if (!raw) return undefined
  const theirs = new Btf(raw)
  const parts = { key: [pinned.btf.keyTypeId, definition.keyTypeId], value: [pinned.btf.valueTypeId, definition.valueTypeId] } as const
  for (const [part, [before, now]] of Object.entries(parts)) {
    if (theirs.layout(before) !== btf.layout(now)) return `its ${part} is ${theirs.layout(before)}, not ${btf.layout(now)}`
  }
  return undefined
}
