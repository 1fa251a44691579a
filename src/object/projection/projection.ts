/**
 * What the datapath's tables must say, given the objects: for each table its keys and the value of a key. Pure functions of the model:
 * an operation asks for the keys that it touched, a start asks for all and compares, and so can an audit, item by item.
 */
import type { Field } from '#abi/c-struct.ts'
import type { Model } from '../model.ts'

export interface Projection<K, V, T = K> {
  /** All keys that have a value, and perhaps some that have none. */
  keys(model: Model): Iterable<K>
  /** Undefined: the table must not have the key. */
  value(model: Model, key: K): V | undefined
  /** The key as the table takes it. */
  tableKey(key: K): T
  readonly keyLayout: Field<T>
  readonly valueLayout: Field<V>
}

/** All entries that a table must have. */
export function* expected<K, V, T>(projection: Projection<K, V, T>, model: Model): Generator<readonly [T, V]> {
  for (const key of projection.keys(model)) {
    const value = projection.value(model, key)
    if (value !== undefined) yield [projection.tableKey(key), value]
  }
}
