/** A table that is an array: an element of all zeros counts as unset. */
import type { Field } from '#abi/c-struct.ts'
import type { BpfMap } from '#kernel/bpf-map.ts'
import { Table } from './table.ts'

export class ArrayTable<V> extends Table<number, V> {
  readonly #valueSize: number
  readonly #unset: Uint8Array

  constructor(name: string, map: BpfMap, key: Field<number>, value: Field<V>) {
    super(name, map, key, value)
    this.#valueSize = value.size
    this.#unset = new Uint8Array(value.size)
  }

  override encodedEntries(): [key: Uint8Array, value: Uint8Array][] {
    return super.encodedEntries().filter(([, value]) => Buffer.compare(value, this.#unset) !== 0)
  }

  override delete(key: number): boolean {
    return this.deleteMany([key]) > 0
  }

  override deleteManyEncoded(keys: Uint8Array): number {
    if (keys.length > 0) this.setManyEncoded(keys, new Uint8Array((keys.length / 4) * this.#valueSize))
    return keys.length / 4
  }
}
