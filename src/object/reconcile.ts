/** Bringing whole tables in line with the model at a start: entries that are right are left alone, so that no packet misses one. */
import { encodeArray } from '#abi/layouts.ts'
import type { Table } from '#datapath/table.ts'
import type { Tables } from '#datapath/tables.ts'
import type { Model } from './model.ts'
import { fdb } from './projection/fdb.ts'
import { flood } from './projection/flood.ts'
import { muxes } from './projection/muxes.ts'
import { neighbours } from './projection/neighbours.ts'
import { portAddresses } from './projection/port-addresses.ts'
import { ports } from './projection/ports.ts'
import { encodeShared, expected, type Projection } from './projection/projection.ts'
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

function compare<K, V, T>(
  projection: Projection<K, V>,
  model: Model,
  table: Table<T, V>,
): { repairs: Repairs; remove(): void; write(): void } {
  const { keyField, valueField } = projection
  const there = new Map<string, string>()
  for (const [key, value] of table.encodedEntries()) there.set(text(key), text(value))
  const { keys, values } = expected(projection, model, projection.keys(model))
  const wantedKeys = slices(encodeArray(keyField, keys), keyField.size)
  const wantedValues = slices(encodeShared(valueField, values), valueField.size)
  const write: Uint8Array[][] = [[], []]
  let added = 0
  for (const [i, key] of wantedKeys.entries()) {
    const found = there.get(text(key))
    there.delete(text(key))
    if (found === text(wantedValues[i]!)) continue
    if (found === undefined) added++
    write[0]!.push(key)
    write[1]!.push(wantedValues[i]!)
  }
  const gone = [...there.keys()].map((key) => Buffer.from(key, 'latin1'))
  const repairs = { table: table.name, removed: gone.length, added, changed: write[0]!.length - added }
  return {
    repairs,
    remove: () => void table.deleteManyEncoded(Buffer.concat(gone)),
    write: () => table.setManyEncoded(Buffer.concat(write[0]!), Buffer.concat(write[1]!)),
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')

const slices = (bytes: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: bytes.length / size }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
