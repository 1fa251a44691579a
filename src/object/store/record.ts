/** Objects as rows of the journal. References are ids. A reference to an object that dies with vpcd is left out. */
import { settingsToJson } from '#abi/settings.ts'
import { formatMac } from '#wire/mac.ts'
import { typeOf } from '../type/types.ts'
import type { JournalRow } from './journal.ts'
import { persists, type VpcObject } from './model.ts'

/** The row of an object; undefined when the journal must have none. */
export function toRow(object: VpcObject): JournalRow | undefined {
  if (!persists(object)) return undefined
  return { id: object.id, type: object.type, unit: object.unit, settings: JSON.stringify(columnsOf(object)) }
}

/** MAC, settings, connections and other columns of the type. */
function columnsOf(object: VpcObject): Record<string, unknown> {
  const { kept, references } = typeOf(object)
  const fields = object as unknown as Readonly<Record<string, unknown>>
  return {
    mac: formatMac(object.mac),
    ...settingsToJson(object.type, object as never),
    ...references?.(object),
    ...Object.fromEntries(kept.map((name) => [name, fields[name]])),
  }
}
