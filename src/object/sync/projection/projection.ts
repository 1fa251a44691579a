/**
 * The required contents of the datapath's tables: for each table its keys, and the value of a key. Pure functions of
 * the model. An operation asks for the keys that it touched; a start and an audit ask for all and compare.
 */
import type { Field } from '#abi/c-struct.ts'
import type { Model } from '../../store/model.ts'

export interface Projection<K, V> {
  /** All keys that have a value, and perhaps some that have none. */
  keys(model: Model): Iterable<K>
  /** Returns the value of a key while the model stays as it is. Undefined: the table must not have the key. */
  values(model: Model): (key: K) => V | undefined
  /** The table's layouts, of bpf/abi.h. */
  readonly keyField: Field<K>
  readonly valueField: Field<V>
}

/** Keys that a table must have, each with its value, and keys that it must not have. */
export interface Expected<K, V> {
  readonly keys: K[]
  readonly values: V[]
  readonly gone: K[]
}

/** The same, encoded back to back. */
export interface Encoded {
  readonly keys: Uint8Array
  readonly values: Uint8Array
  readonly gone: Uint8Array
}

/** The required values of some keys. */
export function expected<K, V>(projection: Projection<K, V>, model: Model, keys: Iterable<K>): Expected<K, V> {
  const found: Expected<K, V> = { keys: [], values: [], gone: [] }
  const valueOf = projection.values(model)
  for (const key of keys) {
    const value = valueOf(key)
    if (value === undefined) found.gone.push(key)
    else {
      found.keys.push(key)
      found.values.push(value)
    }
  }
  return found
}

/** Encode values back to back. Many are the same object (a VTEP has many MACs), which is encoded once. */
export function encodeShared<V>(field: Field<V>, values: readonly V[]): Uint8Array {
  const { size } = field
  const out = new Uint8Array(values.length * size)
  const view = new DataView(out.buffer)
  const places = new Map<V, number>()
  values.forEach((value, i) => {
    const place = places.get(value)
    if (place !== undefined) return out.copyWithin(i * size, place, place + size)
    places.set(value, i * size)
    return field.write(view, i * size, value)
  })
  return out
}
