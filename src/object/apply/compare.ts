/** What differs between the objects of a host and a document. */
import {
  atPath,
  specsOf,
  type EntrySpec,
  type HostChange,
  type HostFile,
  type MuxSpec,
  type NeighbourSpec,
  type ObjectSpec,
  type SwitchSpec,
} from '#abi/host-file.ts'
import type { Id } from '#abi/id.ts'
import type { UnitType } from '#abi/object-type.ts'
import { initialSettings, keyOf, settingsOf } from '#abi/settings.ts'
import { mapped, type Steps } from '#abi/steps.ts'
import { formatMac } from '#wire/mac.ts'
import { persists, unitName, type Model, type Mux, type Switch, type VpcObject } from '../store/model.ts'
import { VpcError } from '../vpc-error.ts'
import { partialEntries, partialNeighbours, type ListChanges } from './partial.ts'
import { counting, entrySpecs, neighbourSpecs, placesIn, placesOf, type Places, type Wanted } from './spec.ts'

/** The document by id, and the differences. */
export interface Comparison {
  readonly owner: string | null
  readonly wanted: Wanted
  /** Objects to remove: for a document of an owner, only the owner's. */
  readonly gone: ReadonlySet<VpcObject>
  readonly changes: readonly HostChange[]
  readonly entries: ReadonlyMap<Id, ListChanges<EntrySpec>>
  readonly neighbours: ReadonlyMap<Id, ListChanges<NeighbourSpec>>
}

/** The order of changes in the output. */
const order: readonly UnitType[] = ['ethlink', 'vpcmux', 'vmnic', 'hostif', 'vpcsw', 'set', 'group', 'vpcp', 'vpcrtr', 'subnet', 'vpcnat']

/** Compare, object by object. An object that its holder has not committed counts only when the document names it. */
export function* compareHost(model: Model, file: HostFile): Generator<void, Comparison> {
  const wanted: Wanted = new Map(yield* mapped(specsOf(file), (spec) => [spec.id, spec] as const))
  const entries = new Map<Id, ListChanges<EntrySpec>>()
  const ofMux = file.partial ? partialEntries : compareEntries
  for (const spec of file.muxes) entries.set(spec.id, yield* ofMux(model.find('vpcmux', spec.id), spec))
  const neighbours = new Map<Id, ListChanges<NeighbourSpec>>()
  const ofSwitch = file.partial ? partialNeighbours : compareNeighbours
  for (const spec of file.switches) neighbours.set(spec.id, yield* ofSwitch(model.find('vpcsw', spec.id), spec))
  const lists = (id: Id): HostChange['settings'] => [
    ...listChange('entries', entries.get(id)),
    ...listChange('neighbours', neighbours.get(id)),
  ]
  const changes: HostChange[] = []
  const gone = new Set(file.partial ? named(model, file) : unnamed(model, file, wanted))
  for (const object of gone) changes.push({ action: 'remove', type: object.type, id: object.id, unit: unitName(object), settings: [] })
  for (const spec of wanted.values()) {
    yield
    const object = model.objects.get(spec.id)
    const found = [...differences(object, spec, wanted), ...lists(spec.id)]
    if (object === undefined)
      changes.push({
        action: 'create',
        type: spec.type,
        id: spec.id,
        unit: spec.unit === null ? null : `${spec.type}${spec.unit}`,
        settings: found,
      })
    else if (found.length > 0) changes.push({ action: 'change', type: spec.type, id: spec.id, unit: unitName(object), settings: found })
  }
  const rank = ({ action, type }: HostChange): number => (action === 'remove' ? 0 : 10) + order.indexOf(type)
  return { owner: file.owner, wanted, gone, changes: changes.sort((a, b) => rank(a) - rank(b)), entries, neighbours }
}

/** What a whole document lacks. */
const unnamed = (model: Model, { owner }: HostFile, wanted: Wanted): VpcObject[] =>
  [...counting(model, wanted)].filter((object) => !wanted.has(object.id) && isInScope(object, owner, wanted))

/** What a partial document has go. Throws EBUSY for what is not its owner's. */
function* named(model: Model, { remove, owner }: HostFile): Generator<VpcObject> {
  for (const [i, id] of remove.entries()) {
    const object = model.objects.get(id)
    if (object === undefined) continue
    if (object.owner !== owner)
      throw new VpcError('EBUSY', atPath(`remove[${i}]`, `${unitName(object)} is ${object.owner ?? 'nobody'}'s; leave it out`))
    yield object
  }
}

/**
 * Whether an object is in the scope of an owner's document. A port goes with its switch: it stays in a switch that the
 * document does not name.
 */
function isInScope(object: VpcObject, owner: string | null, wanted: Wanted): boolean {
  if (owner === null) return true
  if (object.owner !== owner) return false
  if (object.type !== 'vpcp' || object.switch === null) return true
  return wanted.has(object.switch.id) || object.switch.owner === owner
}

const itemText = (item: unknown): string => (typeof item === 'object' ? JSON.stringify(item) : String(item))

type Value = string | number | boolean | null

/** A map, such as the guest of a hostif, is compared by its text. */
const plain = (value: unknown): Value => (typeof value === 'object' && value !== null ? JSON.stringify(value) : (value as Value))

/** MAC, settings and places by the document's words. */
function* valuesOf(type: UnitType, mac: string, values: object, places: Places): Generator<[key: string, value: Value]> {
  yield ['mac', mac]
  for (const [name, { kind, key }] of settingsOf(type)) {
    const of = (values as Record<string, unknown>)[name]
    // The document says nothing about it.
    if (of === undefined) continue
    const value = kind.toJson(of)
    yield [keyOf(name, { key }), Array.isArray(value) ? value.map(itemText).toSorted().join(' ') || null : plain(value)]
  }
  yield* Object.entries(places)
}

/** The settings and places in which an object differs from what is wanted. */
export function differences(object: VpcObject | undefined, spec: ObjectSpec, wanted: Wanted): HostChange['settings'] {
  const { type } = spec
  const initial = valuesOf(type, spec.mac, initialSettings(type), {})
  const is = new Map(object === undefined ? initial : valuesOf(type, formatMac(object.mac), object, placesOf(object, wanted)))
  const found: { key: string; is: string; asked: string }[] = []
  for (const [key, then] of valuesOf(type, spec.mac, spec, placesIn(spec))) {
    const now = is.get(key) ?? null
    if (now === then || (object === undefined && then === false && now === null)) continue
    found.push({ key, is: object === undefined ? '-' : text(now), asked: text(then) })
  }
  // A port of a switch is held by it.
  const kept = object === undefined || persists(object) || (spec.type === 'vpcp' && spec.switch !== null)
  return kept ? found : [...found, { key: 'committed', is: 'no', asked: 'yes' }]
}

const text = (value: Value): string => (value === null ? '-' : value === true ? 'yes' : value === false ? 'no' : String(value))

function listChange<T>(key: string, changes: ListChanges<T> | undefined): HostChange['settings'] {
  const { set = [], remove = [] } = changes ?? {}
  return set.length + remove.length === 0 ? [] : [{ key, is: `-${remove.length}`, asked: `+${set.length}` }]
}

const zeroMac = '00:00:00:00:00:00'

/** A MAC has one VTEP; of MAC zero each VTEP is an entry of its own. */
const entryKey = ({ vni, mac, vtep }: EntrySpec): string => (mac === zeroMac ? `${vni} ${vtep}` : `${vni} ${mac}`)

function compareEntries(mux: Mux | undefined, { entries }: MuxSpec): Steps<ListChanges<EntrySpec>> {
  return compareLists(mux === undefined ? [] : entrySpecs(mux.entries), entries, entryKey, ({ vtep, forward }) =>
    forward ? `${vtep} forward` : vtep,
  )
}

function compareNeighbours(sw: Switch | undefined, { neighbours }: SwitchSpec): Steps<ListChanges<NeighbourSpec>> {
  return compareLists(
    sw === undefined ? [] : neighbourSpecs(sw.neighbours),
    neighbours,
    ({ vni, address }) => `${vni} ${address}`,
    ({ mac }) => mac,
  )
}

function* compareLists<T>(
  is: Iterable<T>,
  asked: readonly T[],
  keyOf: (item: T) => string,
  valueOf: (item: T) => string,
): Steps<ListChanges<T>> {
  const missing = new Map(yield* mapped(asked, (item) => [keyOf(item), item] as const))
  const remove: T[] = []
  for (const item of is) {
    yield
    const key = keyOf(item)
    const same = missing.get(key)
    if (same === undefined) remove.push(item)
    else if (valueOf(same) === valueOf(item)) missing.delete(key)
  }
  return { set: [...missing.values()], remove }
}
