/** Lists of objects: one type's, with columns of its own. */
import type { ObjectInfo } from '#abi/info.ts'
import type { UnitType } from '#abi/object-type.ts'
import type { Context } from './command.ts'
import type { Column } from './table.ts'

export type InfoOf<T extends UnitType> = Extract<ObjectInfo, { readonly type: T }>

/** A column and its cells. */
export type Cell<I> = readonly [column: Column | string, text: (info: I, all: ReadonlyMap<string, string>) => string | number]

export type SortBy = 'id' | 'name'

interface Named {
  readonly type: string
  readonly id: string
  readonly unit: string
}

const unitNumber = (unit: string): number => Number(/\d+$/.exec(unit)?.[0] ?? 0)

/** Sorted by type, and within a type by id or by unit name; vmnic2 comes before vmnic10. */
export const sorted = <N extends Named>(objects: readonly N[], by: SortBy): N[] =>
  objects.toSorted((a, b) => compare(a.type, b.type) || (by === 'name' ? unitNumber(a.unit) - unitNumber(b.unit) : compare(a.id, b.id)))

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Whether something belongs to a switch; undefined: to any. For the `keep` of a list. */
export const ofSwitch =
  (id: string | undefined) =>
  (info: { readonly switch: string | null }): boolean =>
    id === undefined || info.switch === id

/** Print the objects of some types as a table, or as JSON. Ids of other objects are shown by their unit names. */
export async function listObjects<T extends UnitType>(
  { vpc, output }: Context,
  types: readonly T[],
  cells: readonly Cell<InfoOf<T>>[],
  { sortBy = 'id' as SortBy, keep = (_: InfoOf<T>): boolean => true } = {},
): Promise<void> {
  await using mgmt = await (await vpc()).mgmt()
  const all = await mgmt.describeAll()
  const objects = sorted(all, sortBy).filter((info): info is InfoOf<T> => types.includes(info.type as T) && keep(info as InfoOf<T>))
  const units = new Map(all.map(({ id, unit }) => [id as string, unit]))
  const shown = objects.some(({ trouble }) => trouble !== null) ? [...cells, troubleCell] : cells
  const columns = shown.map(([column]) => column)
  output.result(objects, { columns, rows: objects.map((info) => shown.map(([, text]) => text(info, units))) })
}

/** This column appears only when an object is in trouble. */
const troubleCell: Cell<ObjectInfo> = ['TROUBLE', ({ trouble }) => trouble ?? '-']

/** The unit name of an object that another refers to; a dash for none. */
export const unitOf = (id: string | null, units: ReadonlyMap<string, string>): string => (id === null ? '-' : (units.get(id) ?? id))
