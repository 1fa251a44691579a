/** Fresh ids with their MAC addresses, for the genmac commands. */
import { generateId, idMac } from '#abi/id.ts'
import type { UnitType } from '#abi/object-type.ts'
import { formatMac } from '#wire/mac.ts'
import type { Output } from './output.ts'

/** Print a random id of a type. */
export function printGenerated(output: Output, type: UnitType): void {
  const id = generateId(type)
  const mac = formatMac(idMac(id))
  output.result({ id, mac }, { columns: ['ID', 'MAC'], rows: [[id, mac]] })
}
