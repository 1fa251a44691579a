/** Updates the datapath's tables from the model, for the keys that an operation touched. */
import { encodeArray } from '#abi/layouts.ts'
import type { Tables } from '#datapath/tables.ts'
import type { Table } from '#datapath/table.ts'
import type { Dirty } from '../store/dirty.ts'
import type { Model } from '../store/model.ts'
import { encodeFdb } from './projection/fdb.ts'
import { flood, pagesOf } from './projection/flood.ts'
import { dhcpReplies, dhcpv6Replies, raReplies } from './projection/guest-services.ts'
import { planPolicies } from './policy/settle-policies.ts'
import { muxes } from './projection/muxes.ts'
import { neighbours } from './projection/neighbours.ts'
import { portAddresses } from './projection/port-addresses.ts'
import { portLimits } from './projection/port-limits.ts'
import { ports } from './projection/ports.ts'
import { encodeShared, expected, type Encoded, type Projection } from './projection/projection.ts'
import { segments } from './projection/segments.ts'
import { tunnelEnds } from './projection/tunnel-ends.ts'
import { hosts } from './projection/hosts.ts'
import { routes } from './projection/routes.ts'
import { planNatCells } from './nat-cells.ts'
import { floats, natKeys, nats, publicAddresses } from './projection/nats.ts'
import { subnets } from './projection/subnets.ts'
import { vtepKeys, vteps } from './projection/vteps.ts'
import { floodPages, floodRemote, type FloodKey } from '#datapath/layout.ts'

/** What is to be done to one table. */
interface Work {
  remove(): void
  write(): void
}

/**
 * Write the touched keys, table by table. First the deletions: they make room, and a unit that leaves sends nothing
 * more. Then all destinations of frames; the ports last, so that a unit's first frame finds everything. Throws
 * TableFull and KernelError, with some of it done: after a rollback of the model, the same call restores the tables.
 */
export function* settle(model: Model, tables: Tables, dirty: Dirty): Generator<void, void> {
  const portWork = plan(ports, model, tables.ports, dirty.ports)
  const policies = planPolicies(model, tables.policy, dirty)
  yield
  const rest = planTables(model, tables, dirty)
  for (const work of [portWork, ...rest]) {
    yield
    work.remove()
  }
  yield
  policies.write()
  for (const work of [...rest, portWork]) {
    yield
    work.write()
  }
  yield
  policies.remove()
}

/** All tables but `ports` and those of security groups, in the order of writing. */
function planTables(model: Model, tables: Tables, dirty: Dirty): readonly Work[] {
  return [
    plan(muxes, model, tables.muxes, dirty.muxes),
    plan(vteps, model, tables.vteps, vtepKeys(model, dirty)),
    plan(tunnelEnds, model, tables.tunnelEnds, dirty.tunnelEnds),
    plan(subnets, model, tables.subnets, dirty.subnets),
    plan(routes, model, tables.routes, dirty.routes.values()),
    plan(
      hosts,
      model,
      tables.hosts,
      addressKeys(dirty.hosts.groups, (vpc, address) => ({ vpc, address })),
    ),
    workOn(tables.fdb, encodeFdb(model, dirty.fdb)),
    plan(flood, model, tables.flood, floodKeys(model, dirty)),
    plan(segments, model, tables.segments, dirty.segments),
    plan(
      neighbours,
      model,
      tables.neighbours,
      addressKeys(dirty.neighbours.groups, (segment, address) => ({ segment, address })),
    ),
    plan(
      portAddresses,
      model,
      tables.portAddresses,
      addressKeys(dirty.portAddresses.groups, (source, address) => ({ stats: source, address })),
    ),
    ...planNats(model, tables, dirty),
    ...planServices(model, tables, dirty),
  ]
}

/** NATs before the addresses that lead to them. */
const planNats = (model: Model, tables: Tables, dirty: Dirty): Work[] => [
  plan(nats, model, tables.nats, natKeys(model, dirty)),
  planNatCells(model, tables.natCells, dirty),
  plan(
    publicAddresses,
    model,
    tables.publicAddresses,
    addressKeys(dirty.publicAddresses.groups, (wire, address) => ({ wire, address })),
  ),
  plan(
    floats,
    model,
    tables.floats,
    addressKeys(dirty.floats.groups, (vpc, address) => ({ vpc, address })),
  ),
]

/** Limits of ports, and what gateways say to guests. */
const planServices = (model: Model, tables: Tables, dirty: Dirty): Work[] => [
  plan(
    portLimits,
    model,
    tables.portLimits,
    [...dirty.portLimits].map((stats) => ({ stats })),
  ),
  plan(dhcpReplies, model, tables.dhcpReplies, dirty.guests),
  plan(dhcpv6Replies, model, tables.dhcpv6Replies, dirty.guests),
  plan(raReplies, model, tables.raReplies, dirty.subnets),
]

function plan<K, V, T>(projection: Projection<K, V>, model: Model, table: Table<T, V>, keys: Iterable<K>): Work {
  const { keyField, valueField } = projection
  const { keys: wanted, values, gone } = expected(projection, model, keys)
  return workOn(table, {
    keys: encodeArray(keyField, wanted),
    values: encodeShared(valueField, values),
    gone: encodeArray(keyField, gone),
  })
}

const workOn = (table: Table<unknown, unknown>, { keys, values, gone }: Encoded): Work => ({
  remove: () => void (gone.length > 0 && table.deleteManyEncoded(gone)),
  write: () => void (keys.length > 0 && table.setManyEncoded(keys, values)),
})

/** The pages that a segment has, the last first, then the keys that it does not have. */
function* floodKeys(model: Model, dirty: Dirty): Generator<FloodKey> {
  for (const segment of dirty.flood) {
    const pages = pagesOf(model, segment)
    for (const page of pages.keys()) yield { segment, page }
    for (let page = 0; page < floodPages; page++) if (!pages.has(page)) yield { segment, page }
    if (!pages.has(floodRemote)) yield { segment, page: floodRemote }
  }
}

function* addressKeys<K>(groups: ReadonlyMap<number, ReadonlySet<string>>, key: (group: number, address: string) => K): Generator<K> {
  for (const [group, addresses] of groups) for (const address of addresses) yield key(group, address)
}
