/** Audits the datapath's tables against the objects, with keys and values in words. */
import type { Field } from '#abi/c-struct.ts'
import { formatIp, fromMapped } from '#wire/ip-address.ts'
import type { Context } from '../../context.ts'
import { addressOfKey, vniOfSegment } from '../../store/keys.ts'
import { policyFields } from '../policy/wanted.ts'
import { addressesText, compareNatCells } from '../nat-cells.ts'
import { projections } from '../projection/tables.ts'
import { compareTables } from '../repair-tables.ts'
import type { Findings } from './finding.ts'

/** Layouts by the tables' own names. */
const layouts: Readonly<Record<string, { readonly keyField: Field<any>; readonly valueField: Field<any> }>> = Object.fromEntries(
  Object.entries({ ...projections, ...policyFields }).map(([name, projection]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    projection,
  ]),
)

/** Compare every entry of every table. */
export function auditTables({ model, datapath: { tables } }: Context, findings: Findings): void {
  for (const { table, checked, missing, different, strange } of compareTables(model, tables)) {
    const { keyField, valueField } = layouts[table]!
    const [keyText, valueText] = [wordsOf(keyField), wordsOf(valueField)]
    findings.count('entry', checked)
    for (const { key, value } of missing) findings.missing('entry', table, keyText(key), valueText(value))
    for (const { key, value, found } of different) findings.different('entry', table, keyText(key), valueText(value), valueText(found))
    for (const { key, value } of strange) findings.strange('entry', table, keyText(key), valueText(value))
  }
  for (const { nat, wanted, found } of compareNatCells(model, tables.natCells))
    findings.different('entry', 'nat_cells', String(nat), addressesText(wanted), addressesText(found))
}

const wordsOf =
  (field: Field<unknown>) =>
  (bytes: Uint8Array): string =>
    words(field.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0)) || '0'

/** Fields by name, without those that are 0. */
function words(value: unknown, name = ''): string {
  if (name === 'segment') return `vni ${vniOfSegment(value as number)}`
  if (typeof value === 'number' || typeof value === 'bigint') return name === '' ? String(value) : value ? `${name} ${value}` : ''
  if (value instanceof Uint8Array) return value.every((byte) => byte === 0) ? '' : `${name} ${bytesText(value)}`
  if (Array.isArray(value))
    return value
      .map((item) => words(item))
      .filter((text) => text !== '')
      .map((text) => `(${text})`)
      .join(' ')
  if (typeof value === 'string' && value.length === 16) return `${name} ${formatIp(fromMapped(addressOfKey(value)))}`
  if (typeof value !== 'object' || value === null) return ''
  return Object.entries(value)
    .map(([key, field]) => words(field, key))
    .filter((text) => text !== '')
    .join(' ')
}

function bytesText(bytes: Uint8Array): string {
  if (bytes.length === 16) return formatIp(bytes.subarray(4).every((byte) => byte === 0) ? bytes.subarray(0, 4) : fromMapped(bytes))
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1:')
}
