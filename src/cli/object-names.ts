/** What people call the objects that another one refers to, for commands that show one object. */
import type { ObjectInfo } from '#abi/info.ts'
import type { UnitType } from '#abi/object-type.ts'
import { settingsOf } from '#abi/settings.ts'
import type { Vpc } from '#client/vpc.ts'
import { isRefusal } from './outcome.ts'

/** The text for an id: `web (vpcp0)`, or the unit name where there is no name; `none` for null. */
export type NameOf = (id: string | null) => string

/**
 * Names for all ids in what one object says of itself. Asks vpcd when there are any. A caller who may not list objects
 * gets the ids.
 */
export async function objectNames(vpc: Vpc, info: object): Promise<NameOf> {
  const { id: own } = info as ObjectInfo
  const hasOthers = [...JSON.stringify(info).matchAll(/"([0-9a-f]{8}-[0-9a-f-]{27})"/g)].some(([, id]) => id !== own)
  const names = new Map<string, string>(hasOthers ? await namesOfAll(vpc) : [])
  return (id) => (id === null ? 'none' : (names.get(id) ?? id))
}

async function namesOfAll(vpc: Vpc): Promise<[string, string][]> {
  try {
    await using mgmt = await vpc.mgmt()
    return (await mgmt.describeAll()).map(({ id, unit, name }) => [id, name === null ? unit : `${name} (${unit})`])
  } catch (error) {
    if (isRefusal(error, 'EACCES', 'EPERM')) return []
    throw error
  }
}

/** Several of them, with commas between. */
export const namesText = (ids: readonly string[], nameOf: NameOf): string => ids.map(nameOf).join(', ') || 'none'

type Row = [label: string, text: string | number]

/** The first lines of each page about an object. */
export const headRows = ({ unit, name, id, trouble }: Pick<ObjectInfo, 'unit' | 'name' | 'id' | 'trouble'>): Row[] => [
  ['unit name', unit],
  ['name', name ?? 'none'],
  ['id', id],
  ...(trouble === null ? [] : [['trouble', trouble] satisfies Row]),
]

/** The settings of an object, in the order of their table, but some. */
export function settingRows(type: UnitType, info: object, nameOf: NameOf, but: readonly string[] = []): Row[] {
  const values = info as Readonly<Record<string, unknown>>
  const shown = settingsOf(type).filter(([name]) => name !== 'name' && !but.includes(name))
  return shown.map(([name]) => [name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`), valueText(values[name], nameOf)])
}

function valueText(value: unknown, nameOf: NameOf): string | number {
  if (value === null || value === undefined) return 'none'
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (Array.isArray(value)) return value.map((each) => valueText(each, nameOf)).join(', ') || 'none'
  if (typeof value === 'string') return nameOf(value)
  return typeof value === 'number' ? value : JSON.stringify(value)
}
