/** The declaration of a type of objects; life, journal, documents, operations and descriptions follow from it. */
import type { Id } from '#abi/id.ts'
import type { ObjectInfo } from '#abi/info.ts'
import type { UnitType } from '#abi/object-type.ts'
import type { SettingName, Settings } from '#abi/settings.ts'
import type { Context } from '../context.ts'
import type { Operations } from '../operation.ts'
import type { Model, ObjectOf } from '../store/model.ts'
import type { Base } from '../store/registry.ts'
import type { Transaction } from '../store/transaction.ts'
import { setObjectName } from './name.ts'
import { setObjectOwner } from './owner.ts'

/** Gives a setting a value; `wanted` has others that are set with it. What is so already stays untouched. */
export type Setter<T extends UnitType, V> = (
  context: Context,
  tx: Transaction,
  object: ObjectOf<T>,
  value: V,
  wanted: Partial<Settings<T>>,
) => void

/** One for each setting that src/abi/settings.ts declares. */
export type Setters<T extends UnitType> = { readonly [K in SettingName<T>]: Setter<T, Settings<T>[K]> }

/** The setters of a type: its own, and those that all types share. */
export const settersOf = <T extends UnitType>(
  own: Omit<Setters<T>, 'owner' | 'name'> & { readonly name?: Setter<T, string | null> },
): Setters<T> => ({ owner: setObjectOwner, name: setObjectName, ...own }) as unknown as Setters<T>

/** What an object has besides the settings. */
export type State<T extends UnitType> = Omit<ObjectOf<T>, keyof Base<T> | keyof Settings<T>>

/** The description of an object of a type; the caller adds the common parts. */
export type Description<T extends UnitType> = Omit<
  Extract<ObjectInfo, { type: T }>,
  'id' | 'type' | 'unit' | 'mac' | 'committed' | 'owner' | 'name' | 'trouble' | 'descriptors'
>

/** A row of the journal, read. */
export type Row = Readonly<Record<string, unknown>>

export interface ObjectType<T extends UnitType> {
  readonly type: T
  create(context: Context, tx: Transaction, id: Id): ObjectOf<T>
  /** Leave everything that is connected as it was without it, and forget it. */
  dismantle(context: Context, tx: Transaction, object: ObjectOf<T>): void
  /** What an object has when nothing is connected to it. */
  state(): State<T>
  readonly setters: Setters<T>
  readonly operations: Operations<ObjectOf<T>>
  describe(model: Model, object: ObjectOf<T>): Description<T>
  /** Fields that the journal keeps besides the settings. */
  readonly kept: readonly (keyof State<T> & string)[]
  /** The connections in the journal: ids, or null, by name. */
  references?(object: ObjectOf<T>): Row
  /** Connect an object as its row says. All objects are there. */
  join?(tx: Transaction, model: Model, object: ObjectOf<T>, row: Row): void
}
