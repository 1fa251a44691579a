/** Builds the objects of the journal in memory: first all objects, then their connections. */
import { isUnitType, type UnitType } from '#abi/object-type.ts'
import { settingsOf } from '#abi/settings.ts'
import { parseMac, type Mac } from '#wire/mac.ts'
import type { Context } from '../context.ts'
import { loadEntries } from '../type/mux-entries.ts'
import { loadNeighbours } from '../type/switch-neighbours.ts'
import { dropDeadRoutes } from '../type/routes.ts'
import type { ObjectType, Row } from '../type/type.ts'
import { typeOf, types } from '../type/types.ts'
import { claimSegments } from './claims.ts'
import { JournalUnusable, type JournalRow } from './journal.ts'
import type { VpcObject } from './model.ts'
import { register } from './registry.ts'
import type { Transaction } from './transaction.ts'
import { checkKeys, currentVersion, keysOf, wayOut } from './versions.ts'

/** Fill the model. Throws JournalUnusable, naming the object whose row cannot be read. */
export function loadModel(context: Context, tx: Transaction): void {
  const rows = context.journal.objects()
  const loaded = rows.map((row) => readable(row, () => loadObject(context, tx, row)))
  for (const [i, { object, columns }] of loaded.entries())
    readable(rows[i]!, () => typeOf(object).join?.(tx, context.model, object, columns))
  for (const sw of context.model.ofType('vpcsw')) {
    for (const { action, body } of context.journal.entries(sw.id)) loadNeighbours(sw.neighbours, action, body)
    claimSegments(tx, context.model, sw)
  }
  for (const router of context.model.ofType('vpcrtr')) dropDeadRoutes(context, tx, router)
  for (const mux of context.model.ofType('vpcmux')) {
    for (const { action, body } of context.journal.entries(mux.id)) loadEntries(mux.entries, action, body)
  }
}

function readable<T>(row: JournalRow, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new JournalUnusable(`the journal's row of ${row.type}${row.unit} (${row.id}) cannot be read: ${why}`, { cause: error })
  }
}

function loadObject(context: Context, tx: Transaction, row: JournalRow): { readonly object: VpcObject; readonly columns: Row } {
  const { id, type, unit, settings } = row
  if (!isUnitType(type)) throw new Error(`'${type}' is not a type that this vpcd knows; ${wayOut}`)
  const columns = JSON.parse(settings) as Row
  checkKeys(columns, keysOf(currentVersion, type))
  const { state, kept }: ObjectType<any> = types[type]
  const object = {
    ...state(),
    id,
    type,
    unit,
    mac: readMac(columns['mac']),
    committed: columns['committed'] !== false,
    descriptors: 0,
    dead: false,
    ...readSettings(type, columns),
    ...Object.fromEntries(kept.map((name) => [name, columns[name]])),
  } as unknown as VpcObject
  register(context, tx, object)
  context.written.set(id, settings)
  return { object, columns }
}

function readMac(text: unknown): Mac {
  const mac = parseMac(String(text))
  if (mac.ok) return mac.value
  throw new Error(mac.problem)
}

function readSettings(type: UnitType, columns: Row): Record<string, unknown> {
  return Object.fromEntries(
    settingsOf(type).map(([name, { kind }]) => {
      const read = kind.fromJson(columns[name])
      if (read.ok) return [name, read.value]
      throw new Error(`'${name}': ${read.problem}`)
    }),
  )
}
