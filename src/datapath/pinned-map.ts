/** Decides whether the objects of this vpcd can take over maps that an earlier one left pinned. */
import { existsSync } from 'node:fs'
import { BpfMap, mapType } from '#kernel/bpf-map.ts'
import { Btf } from '#kernel/btf.ts'
import type { BpfObject, MapDefinition } from '#kernel/libbpf.ts'
import type { Unfit } from './rebuild-map.ts'
import { removeHalfMade, resizePinned } from './resize-map.ts'

const fieldNames = { type: 'type', keySize: 'key size', valueSize: 'value size', flags: 'flag word' } as const

/**
 * Prepare an object for the pinned maps that it will find. Their sizes become its own; a map for which another size is
 * asked is resized first. Returns the maps that the object cannot use, by name: it will make its own in their place,
 * without a pin. A ring buffer is never taken over, since nothing says which records it has. `earlier`: for the maps of
 * objects that were loaded before, whether each is still without a pin, since it replaces another. Throws
 * TableHoldsMore.
 */
export function adoptPinnedMaps(
  object: BpfObject,
  btf: Btf,
  asked: Readonly<Record<string, number>>,
  earlier: ReadonlyMap<string, boolean> = new Map(),
): Map<string, Unfit> {
  const unfit = new Map<string, Unfit>()
  const pinnedTypes = new PinnedTypes()
  for (const name of object.maps()) {
    const path = object.pinPath(name)
    if (path === undefined || !existsSync(path)) continue
    if (earlier.get(name) === true) {
      object.unpin(name)
      continue
    }
    using stack = new DisposableStack()
    const pinned = stack.use(BpfMap.fromPin(path))
    removeHalfMade(path)
    const definition = object.definition(name)
    const { maxEntries } = pinned
    const difference = differenceBetween(pinned, definition) ?? layoutDifference(pinned, pinnedTypes.of(pinned), btf, definition)
    const isRing = pinned.type === mapType.ringbuf && !earlier.has(name)
    if (difference !== undefined || isRing) {
      object.unpin(name)
      object.setMaxEntries(name, asked[name] ?? (isRing ? definition.maxEntries : Math.max(maxEntries, definition.maxEntries)))
      unfit.set(name, { path, old: pinned, difference })
      stack.move()
      continue
    }
    const wanted = asked[name] ?? maxEntries
    object.setMaxEntries(name, wanted === maxEntries ? maxEntries : resizePinned(name, path, pinned, wanted))
  }
  return unfit
}

function differenceBetween(pinned: BpfMap, definition: MapDefinition): string | undefined {
  for (const field of Object.keys(fieldNames) as (keyof typeof fieldNames)[]) {
    if (pinned[field] !== definition[field]) return `its ${fieldNames[field]} is ${pinned[field]}, not ${definition[field]}`
  }
  return undefined
}

/** The types of pinned maps. Maps that one object made share them, and reading them is slow. */
class PinnedTypes {
  readonly #read = new Map<number, Btf | undefined>()

  of(map: BpfMap): Btf | undefined {
    const { id } = map.btf
    if (!this.#read.has(id)) {
      const raw = map.readBtf()
      this.#read.set(id, raw && new Btf(raw))
    }
    return this.#read.get(id)
  }
}

function layoutDifference(pinned: BpfMap, theirs: Btf | undefined, btf: Btf, definition: MapDefinition): string | undefined {
  if (theirs === undefined || definition.keyTypeId === 0) return undefined
  const parts = { key: [pinned.btf.keyTypeId, definition.keyTypeId], value: [pinned.btf.valueTypeId, definition.valueTypeId] } as const
  for (const [part, [before, now]] of Object.entries(parts)) {
    if (theirs.layout(before) !== btf.layout(now)) return `its ${part} is ${theirs.layout(before)}, not ${btf.layout(now)}`
  }
  return undefined
}
