/**
 * Makes whole tables agree with the model at a start. Leaves right entries alone, so that every packet finds its entry.
 */
import { encodeArray } from '#abi/layouts.ts'
import { drain } from '#abi/steps.ts'
import type { Table } from '#datapath/table.ts'
import type { Tables } from '#datapath/tables.ts'
import type { Model } from '../store/model.ts'
import { policyTables, wantedContents } from './policy/settle-policies.ts'
import { encodeShared, expected, type Projection } from './projection/projection.ts'
import { compareNatCells } from './nat-cells.ts'
import { projectedTables, projections, type ProjectedTable } from './projection/tables.ts'
import { doWorks, type Work } from './work.ts'

/** How a table differed. */
export interface Repairs {
  readonly table: string
  readonly removed: number
  readonly added: number
  readonly changed: number
}

/** An entry as bytes in the table's layouts. */
export interface TableEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** The differences between a table and the model. */
export interface TableDifference extends Work {
  readonly table: string
  /** Entries that were compared. */
  readonly checked: number
  readonly missing: readonly TableEntry[]
  readonly different: readonly (TableEntry & { readonly found: Uint8Array })[]
  readonly strange: readonly TableEntry[]
}

/** Compare all tables with the model and write the differences. The result has only tables that differed. */
export function repairTables(model: Model, tables: Tables): Repairs[] {
  const wrong = compareNatCells(model, tables.natCells)
  for (const { nat, wanted } of wrong) tables.natCells.set(nat, wanted)
  const differences = compareTables(model, tables)
  drain(doWorks(differences))
  const repairs = differences.map(({ table, missing, different, strange }) => ({
    table,
    removed: strange.length,
    added: missing.length,
    changed: different.length,
  }))
  repairs.push({ table: 'nat_cells', removed: 0, added: 0, changed: wrong.length })
  return repairs.filter(({ removed, added, changed }) => removed + added + changed > 0)
}

/** Compare all tables with the model, in the order in which entries are written. */
export const compareTables = (model: Model, tables: Tables): TableDifference[] => [
  ...comparePolicies(model, tables),
  ...projectedTables.map((name) => compare(name, model, tables)),
]

/** The tables of security groups, whose rows are made all at once. */
function comparePolicies(model: Model, { policy }: Tables): TableDifference[] {
  const wanted = wantedContents(model)
  return policyTables.toReversed().map((name) => {
    const joined = (texts: Iterable<string>): Uint8Array[] => Array.from(texts, (text) => Buffer.from(text, 'latin1'))
    return difference(policy[name] as Table<unknown, unknown>, joined(wanted[name].keys()), joined(wanted[name].values()))
  })
}

function compare(name: ProjectedTable, model: Model, tables: Tables): TableDifference {
  const projection = projections[name] as Projection<unknown, unknown>
  const { keyField, valueField } = projection
  const { keys, values } = expected(projection, model, projection.keys(model))
  const [keyBytes, valueBytes] = [encodeArray(keyField, keys), encodeShared(valueField, values)]
  return difference(tables[name], slices(keyBytes, keyField.size), slices(valueBytes, valueField.size))
}

function difference(table: Table<any, any>, wantedKeys: readonly Uint8Array[], wantedValues: readonly Uint8Array[]): TableDifference {
  const there = new Map<string, Uint8Array>()
  for (const [key, value] of table.encodedEntries()) there.set(text(key), value)
  const missing: TableEntry[] = []
  const different: (TableEntry & { found: Uint8Array })[] = []
  for (const [i, key] of wantedKeys.entries()) {
    const name = text(key)
    const value = wantedValues[i]!
    const found = there.get(name)
    there.delete(name)
    if (found === undefined) missing.push({ key, value })
    else if (Buffer.compare(found, value) !== 0) different.push({ key, value, found })
  }
  const strange = Array.from(there, ([name, value]) => ({ key: Buffer.from(name, 'latin1'), value }))
  const write = [...missing, ...different]
  const joined = (part: 'key' | 'value', entries: readonly TableEntry[]): Buffer => Buffer.concat(entries.map((entry) => entry[part]))
  return {
    table: table.name,
    checked: wantedKeys.length + strange.length,
    missing,
    different,
    strange,
    remove: () => void table.deleteManyEncoded(joined('key', strange)),
    write: () => table.setManyEncoded(joined('key', write), joined('value', write)),
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')

const slices = (bytes: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: bytes.length / size }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
