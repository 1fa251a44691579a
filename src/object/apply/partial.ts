/** What a partial document changes in lists: it looks at the entries and neighbours that it names, and at no others. */
import type { EntrySpec, MuxSpec, NeighbourSpec, SwitchSpec } from '#abi/host-file.ts'
import type { Steps } from '#abi/steps.ts'
import { parseIp, toMapped } from '#wire/ip-address.ts'
import { parseMac } from '#wire/mac.ts'
import { must } from '#wire/result.ts'
import type { Vtep } from '../store/entry-store.ts'
import { addressKey, macNumber } from '../store/keys.ts'
import type { Mux, Switch } from '../store/model.ts'
import { vtepText } from './spec.ts'

/** Entries or neighbours to add and remove. One whose value changes is set. */
export interface ListChanges<T> {
  readonly set: readonly T[]
  readonly remove: readonly T[]
}

/** Entries to set that the mux lacks or has otherwise, and entries to remove that it has. */
export const partialEntries = (mux: Mux | undefined, { entries, removeEntries }: MuxSpec): Steps<ListChanges<EntrySpec>> =>
  changes(
    { set: entries, remove: removeEntries },
    (spec) => entryOf(mux, spec),
    (vtep, spec) => vtepText(vtep) === spec.vtep && vtep.forward === spec.forward,
  )

/** The same of neighbours. */
export const partialNeighbours = (
  sw: Switch | undefined,
  { neighbours, removeNeighbours }: SwitchSpec,
): Steps<ListChanges<NeighbourSpec>> =>
  changes(
    { set: neighbours, remove: removeNeighbours },
    ({ vni, address }) => sw?.neighbours.vnis.get(vni)?.get(addressKey(toMapped(must(parseIp(address))))),
    (mac, spec) => mac === macNumber(must(parseMac(spec.mac))),
  )

function* changes<T, V>(
  { set, remove }: ListChanges<T>,
  find: (spec: T) => V | undefined,
  isSame: (value: V, spec: T) => boolean,
): Steps<ListChanges<T>> {
  const differing: T[] = []
  for (const spec of set) {
    yield
    const value = find(spec)
    if (value === undefined || !isSame(value, spec)) differing.push(spec)
  }
  return { set: differing, remove: remove.filter((spec) => find(spec) !== undefined) }
}

/** Where frames of an entry go now. Of MAC zero, each VTEP is an entry of its own. */
function entryOf(mux: Mux | undefined, { vni, mac, vtep }: EntrySpec): Vtep | undefined {
  const entries = mux?.entries.vnis.get(vni)
  const number = macNumber(must(parseMac(mac)))
  if (number !== 0) return entries?.macs.get(number)
  return [...(entries?.remotes ?? [])].find((remote) => vtepText(remote) === vtep)
}
