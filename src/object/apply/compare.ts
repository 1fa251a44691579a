/** What differs between the objects of a host and a document. */
import { specsOf, type EntrySpec, type HostChange, type HostFile, type NeighbourSpec, type ObjectSpec } from '#abi/host-file.ts'
import type { Id } from '#abi/id.ts'
import type { UnitType } from '#abi/object-type.ts'
import { unitName, type Model, type Mux, type Switch, type VpcObject } from '../store/model.ts'
import { persists } from '../store/record.ts'
import { entrySpecs, neighbourSpecs, persistent, specOf } from './spec.ts'

/** Entries or neighbours that come and go. One whose value changes is set. */
export interface ListChanges<T> {
  readonly set: readonly T[]
  readonly remove: readonly T[]
}

/** The document by id, and the differences. */
export interface Comparison {
  readonly wanted: ReadonlyMap<Id, ObjectSpec>
  readonly changes: readonly HostChange[]
  readonly entries: ReadonlyMap<Id, ListChanges<EntrySpec>>
  readonly neighbours: ReadonlyMap<Id, ListChanges<NeighbourSpec>>
}

type Setting<S> = readonly [key: string, text: (spec: S) => string | number | boolean | null]
type SettingsOf = { readonly [T in UnitType]: readonly Setting<Extract<ObjectSpec, { type: T }>>[] }

/** The settings of each type, by the document's words. */
const settings: SettingsOf = {
  ethlink: [
    ['mac', (s) => s.mac],
    ['l2-name', (s) => s.l2Name],
    ['vtag', (s) => s.vtag],
    ['mtu', (s) => s.mtu],
  ],
  vpcmux: [
    ['mac', (s) => s.mac],
    ['mtu', (s) => s.mtu],
    ['underlay', (s) => s.underlay],
    ['listen', (s) => s.listen],
  ],
  vmnic: [
    ['mac', (s) => s.mac],
    ['mtu', (s) => s.mtu],
    ['queues', (s) => s.queues],
    ['frozen', (s) => s.frozen],
    ['owner-user', (s) => s.ownerUser],
    ['owner-group', (s) => s.ownerGroup],
  ],
  hostif: [
    ['mac', (s) => s.mac],
    ['mtu', (s) => s.mtu],
  ],
  vpcsw: [
    ['mac', (s) => s.mac],
    ['vni', (s) => s.vni],
    ['up', (s) => s.up],
    ['flood-unknown', (s) => s.floodUnknown],
  ],
  vpcp: [
    ['mac', (s) => s.mac],
    ['switch', (s) => s.switch],
    ['vni', (s) => s.vni],
    ['vlan', (s) => s.vlan],
    ['antispoof', (s) => s.antispoof],
    ['addresses', (s) => s.addresses.join(' ') || null],
    ['uplink', (s) => s.uplink],
    ['interface', (s) => s.interface],
  ],
}

/** The order in which changes are told. */
const order: readonly UnitType[] = ['ethlink', 'vpcmux', 'vmnic', 'hostif', 'vpcsw', 'vpcp']

/** Compare. An object that its holder has not committed counts only when the document names it. */
export function compareHost(model: Model, file: HostFile): Comparison {
  const wanted = new Map([...specsOf(file)].map((spec) => [spec.id, spec]))
  const entries = new Map(file.muxes.map((spec) => [spec.id, compareEntries(model.find('vpcmux', spec.id), spec.entries)]))
  const neighbours = new Map(file.switches.map((spec) => [spec.id, compareNeighbours(model.find('vpcsw', spec.id), spec.neighbours)]))
  const lists = (id: Id): HostChange['settings'] => [
    ...listChange('entries', entries.get(id)),
    ...listChange('neighbours', neighbours.get(id)),
  ]
  const changes: HostChange[] = []
  for (const object of persistent(model)) {
    if (!wanted.has(object.id)) changes.push({ action: 'remove', type: object.type, id: object.id, unit: unitName(object), settings: [] })
  }
  for (const spec of wanted.values()) {
    const object = model.objects.get(spec.id)
    const found = [...differences(object, spec), ...lists(spec.id)]
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
  return { wanted, changes: changes.sort((a, b) => rank(a) - rank(b)), entries, neighbours }
}

/** The settings in which an object differs from what is wanted. */
export function differences(object: VpcObject | undefined, spec: ObjectSpec): HostChange['settings'] {
  const is = object === undefined ? undefined : specOf(object)
  const found: { key: string; is: string; asked: string }[] = []
  for (const [key, read] of settings[spec.type] as readonly Setting<ObjectSpec>[]) {
    const [now, then] = [is === undefined ? null : read(is), read(spec)]
    if (now !== then && !(is === undefined && isDefault(key, then))) found.push({ key, is: text(now), asked: text(then) })
  }
  // A port of a switch is held by it.
  const kept = object === undefined || persists(object) || (spec.type === 'vpcp' && spec.switch !== null)
  return kept ? found : [...found, { key: 'committed', is: 'no', asked: 'yes' }]
}

const isDefault = (key: string, value: unknown): boolean =>
  value === null || value === 0 || value === false || (value === true && key !== 'uplink') || key === 'mac'
const text = (value: string | number | boolean | null): string =>
  value === null ? '-' : value === true ? 'yes' : value === false ? 'no' : String(value)

function listChange<T>(key: string, changes: ListChanges<T> | undefined): HostChange['settings'] {
  const { set = [], remove = [] } = changes ?? {}
  return set.length + remove.length === 0 ? [] : [{ key, is: `-${remove.length}`, asked: `+${set.length}` }]
}

const zeroMac = '00:00:00:00:00:00'

/** A MAC has one VTEP; of MAC zero each VTEP is an entry of its own. */
const entryKey = ({ vni, mac, vtep }: EntrySpec): string => (mac === zeroMac ? `${vni} ${vtep}` : `${vni} ${mac}`)

function compareEntries(mux: Mux | undefined, asked: readonly EntrySpec[]): ListChanges<EntrySpec> {
  return compareLists(mux === undefined ? [] : entrySpecs(mux.entries), asked, entryKey, ({ vtep }) => vtep)
}

function compareNeighbours(sw: Switch | undefined, asked: readonly NeighbourSpec[]): ListChanges<NeighbourSpec> {
  return compareLists(
    sw === undefined ? [] : neighbourSpecs(sw.neighbours),
    asked,
    ({ vni, address }) => `${vni} ${address}`,
    ({ mac }) => mac,
  )
}

function compareLists<T>(is: Iterable<T>, asked: readonly T[], keyOf: (item: T) => string, valueOf: (item: T) => string): ListChanges<T> {
  const missing = new Map(asked.map((item) => [keyOf(item), item]))
  const remove: T[] = []
  for (const item of is) {
    const key = keyOf(item)
    const same = missing.get(key)
    if (same === undefined) remove.push(item)
    else if (valueOf(same) === valueOf(item)) missing.delete(key)
  }
  return { set: [...missing.values()], remove }
}
