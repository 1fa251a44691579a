/** Bringing whole tables in line with the model at a start: entries that are right are left alone, so that no packet misses one. */
import type { Field } from '#abi/c-struct.ts'
import type { Table } from '#datapath/table.ts'
import type { Tables } from '#datapath/tables.ts'
import type { Model } from './model.ts'
import { fdb } from './projection/fdb.ts'
import { flood } from './projection/flood.ts'
import { muxes } from './projection/muxes.ts'
import { neighbours } from './projection/neighbours.ts'
import { portAddresses } from './projection/port-addresses.ts'
import { ports } from './projection/ports.ts'
import { expected, type Projection } from './projection/projection.ts'
import { segments } from './projection/segments.ts'

/** How a table differed. */
export interface Repairs {
  readonly table: string
  readonly removed: number
  readonly added: number
  readonly changed: number
}

/** Compare all tables with the model and write what differs. The repairs of tables that were right are not among the result. */
export function reconcileTables(model: Model, tables: Tables): Repairs[] {
  const differences = [
    compare(ports, model, tables.ports),
    compare(muxes, model, tables.muxes),
    compare(fdb, model, tables.fdb),
    compare(flood, model, tables.flood),
    compare(segments, model, tables.segments),
    compare(neighbours, model, tables.neighbours),
    compare(portAddresses, model, tables.portAddresses),
  ]
  for (const difference of differences) difference.remove()
  for (const difference of differences.toReversed()) difference.write()
  return differences.map(({ repairs }) => repairs).filter(({ removed, added, changed }) => removed + added + changed > 0)
}

function compare<K, V, T>(projection: Projection<K, V, T>, model: Model, table: Table<T, V>): { repairs: Repairs; remove(): void; write(): void } {
  const there = new Map<string, { readonly key: T; readonly value: string }>()
  for (const [key, value] of table.entries()) there.set(text(projection.keyLayout, key), { key, value: text(projection.valueLayout, value) })
  const wanted: (readonly [T, V])[] = []
  let added = 0
  for (const [key, value] of expected(projection, model)) {
    const name = text(projection.keyLayout, key)
    const found = there.get(name)
    there.delete(name)
    if (found?.value === text(projection.valueLayout, value)) continue
    wanted.push([key, value])
    if (found === undefined) added++
  }
  const gone = [...there.values()].map(({ key }) => key)
  const repairs = { table: table.name, removed: gone.length, added, changed: wanted.length - added }
  return { repairs, remove: () => void table.deleteMany(gone), write: () => table.setMany(wanted) }
}

function text<T>(layout: Field<T>, value: T): string {
  const bytes = Buffer.alloc(layout.size)
  layout.write(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, value)
  return bytes.toString('latin1')
}
