/** Updates the datapath's tables from the model, for the keys that an operation touched. */
import { encodeArray } from '#abi/layouts.ts'
import { floodPages, floodRemote, type FloodKey } from '#datapath/layout.ts'
import type { Table } from '#datapath/table.ts'
import type { Tables } from '#datapath/tables.ts'
import type { Dirty } from '../store/dirty.ts'
import type { Model } from '../store/model.ts'
import { planNatCells } from './nat-cells.ts'
import { planPolicies } from './policy/settle-policies.ts'
import { encodeFdb } from './projection/fdb.ts'
import { pagesOf } from './projection/flood.ts'
import { natKeys } from './projection/nats.ts'
import { encodeShared, expected, type Encoded, type Projection } from './projection/projection.ts'
import { projectedTables, projections, type ProjectedTable } from './projection/tables.ts'
import { vtepKeys } from './projection/vteps.ts'
import { doWorks, type Work } from './work.ts'

/**
 * Write the touched keys in the order of `doWorks`. New units come last of all: their numbers may have been another
 * object's, whose entries go before the unit sends. Throws TableFull and KernelError, with some of it done: after a
 * rollback of the model, the same call restores the tables.
 */
export function* settle(model: Model, tables: Tables, dirty: Dirty): Generator<void, void> {
  const policies = planPolicies(model, tables.policy, dirty)
  yield
  const ports = Map.groupBy(dirty.ports, (ifindex) => (tables.ports.get(ifindex) === undefined ? 'new' : 'known'))
  const newPorts = planTable('ports', model, tables, ports.get('new') ?? [])
  const keys = { ...dirtyKeys(model, dirty), ports: ports.get('known') ?? [] }
  const works = projectedTables.map((name) =>
    name === 'fdb' ? workOn(tables.fdb, encodeFdb(model, dirty.fdb)) : planTable(name, model, tables, keys[name]),
  )
  yield
  policies.write()
  yield* doWorks([planNatCells(model, tables.natCells, dirty), ...works])
  yield
  policies.remove()
  newPorts.write()
}

/** The touched keys of all tables but `fdb`, which may be many. */
const dirtyKeys = (model: Model, dirty: Dirty): Record<Exclude<ProjectedTable, 'fdb' | 'ports'>, Iterable<unknown>> => ({
  muxes: dirty.muxes,
  vteps: vtepKeys(model, dirty),
  tunnelEnds: dirty.tunnelEnds,
  flood: floodKeys(model, dirty),
  segments: dirty.segments,
  neighbours: addressKeys(dirty.neighbours.groups, (segment, address) => ({ segment, address })),
  hosts: addressKeys(dirty.hosts.groups, (vpc, address) => ({ vpc, address })),
  nats: natKeys(model, dirty),
  floats: addressKeys(dirty.floats.groups, (vpc, address) => ({ vpc, address })),
  publicAddresses: addressKeys(dirty.publicAddresses.groups, (wire, address) => ({ wire, address })),
  routes: dirty.routes.values(),
  subnets: dirty.subnets,
  raReplies: dirty.subnets,
  dhcpReplies: dirty.guests,
  dhcpv6Replies: dirty.guests,
  servicePorts: dirty.guests,
  portAddresses: addressKeys(dirty.portAddresses.groups, (stats, address) => ({ stats, address })),
  portLimits: [...dirty.portLimits].map((stats) => ({ stats })),
})

function planTable(name: ProjectedTable, model: Model, tables: Tables, dirty: Iterable<unknown>): Work {
  const projection = projections[name] as Projection<unknown, unknown>
  const { keys, values, gone } = expected(projection, model, dirty)
  return workOn(tables[name], {
    keys: encodeArray(projection.keyField, keys),
    values: encodeShared(projection.valueField, values),
    gone: encodeArray(projection.keyField, gone),
  })
}

const workOn = (table: Table<any, any>, { keys, values, gone }: Encoded): Work => ({
  write: () => void (keys.length > 0 && table.setManyEncoded(keys, values)),
  remove: () => void (gone.length > 0 && table.deleteManyEncoded(gone)),
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
