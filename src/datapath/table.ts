/** A table of the datapath with typed keys and values: one BPF map. */
import type { Field } from '#abi/c-struct.ts'
import { encodeArray } from '#abi/layouts.ts'
import type { BpfMap } from '#kernel/bpf-map.ts'
import { errno, KernelError } from '#kernel/errno.ts'
import { namedSize, nameValues, unnamedValue, type Widths } from './named-values.ts'
import { remember } from './previous-values.ts'

/** A full table. Nothing of the request was done. */
export class TableFull extends Error {
  readonly table: string
  readonly maxEntries: number
  readonly errno = errno.ENOSPC
  constructor(table: string, maxEntries: number) {
    super(`table ${table} is full: it has room for ${maxEntries} entries`)
    this.name = 'TableFull'
    this.table = table
    this.maxEntries = maxEntries
  }
}

/** Errors of the kernel for a full map: it has all its entries, or there is no memory for another. */
const fullErrnos: readonly number[] = [errno.E2BIG, errno.ENOSPC, errno.ENOMEM]

export type TableOptions =
  | {
      readonly named?: false
      /** Called after each write, even one that failed in the middle. */
      readonly written?: () => void
    }
  | {
      /** The map's values have the key around them (`named-values.ts`). Keys and values of this class do not. */
      readonly named: true
      /**
       * The same. It must begin another generation, by which programs notice that user space wrote twice while they
       * read.
       */
      readonly written: () => void
    }

/** Only this process writes such a table. The datapath reads it all the time, and sees each entry whole. */
export class Table<K, V> {
  readonly name: string
  readonly maxEntries: number
  readonly #map: BpfMap
  readonly #key: Field<K>
  readonly #value: Field<V>
  readonly #widths: Widths
  readonly #named: boolean
  readonly #written: () => void

  /** Throws RangeError for a map with keys or values of another size. */
  constructor(name: string, map: BpfMap, key: Field<K>, value: Field<V>, { named = false, written = () => {} }: TableOptions = {}) {
    this.#widths = { keySize: key.size, valueSize: value.size }
    this.#named = named
    const valueSize = named ? namedSize(this.#widths) : value.size
    if (map.keySize !== key.size || map.valueSize !== valueSize) {
      throw new RangeError(
        `table ${name}: the map has keys of ${map.keySize} and values of ${map.valueSize} bytes, not ${key.size} and ${valueSize}`,
      )
    }
    this.name = name
    this.maxEntries = map.maxEntries
    this.#map = map
    this.#key = key
    this.#value = value
    this.#written = written
  }

  /** The value of a key. */
  get(key: K): V | undefined {
    const value = this.#map.lookup(encode(this.#key, key))
    return value && decode(this.#value, value, this.#valueOffset)
  }

  /** Set a key's value, new or existing. Throws TableFull. */
  set(key: K, value: V): void {
    try {
      const keyBytes = encode(this.#key, key)
      this.#writing(() => this.#map.update(keyBytes, this.#inMap(keyBytes, encode(this.#value, value))))
    } catch (error) {
      throw this.#explained(error)
    }
  }

  /** Delete a key. False when the table did not have it. */
  delete(key: K): boolean {
    return this.#writing(() => this.#map.delete(encode(this.#key, key)))
  }

  /** All entries, in no order. */
  entries(): [key: K, value: V][] {
    const found: [K, V][] = []
    for (const { keys, values, count } of this.#map.batches()) {
      for (let i = 0; i < count; i++) {
        const at = i * this.#map.valueSize + this.#valueOffset
        found.push([this.#key.read(keys.view, i * this.#key.size), this.#value.read(values.view, at)])
      }
    }
    return found
  }

  /** Set many keys: all of them, or when the table has no room for all of them, none. Throws TableFull. */
  setMany(entries: readonly (readonly [key: K, value: V])[]): void {
    const keys = encodeArray(
      this.#key,
      entries.map(([key]) => key),
    )
    const values = encodeArray(
      this.#value,
      entries.map(([, value]) => value),
    )
    this.setManyEncoded(keys, values)
  }

  /** The same, with keys and values back to back in the table's layouts: for 100 000 at once. */
  setManyEncoded(keys: Uint8Array, values: Uint8Array): void {
    const before = remember(this.#map, keys)
    this.#writing(() => {
      const { done, errno: failure } = this.#map.tryUpdateBatch(keys, this.#inMap(keys, values))
      if (failure === 0) return
      // No key is written twice in one generation: see bpf/lib/entry.h.
      this.#written()
      before.restore(done)
      throw this.#explained(new KernelError('bpf(BPF_MAP_UPDATE_BATCH)', failure, this.name))
    })
  }

  /** Delete many keys, skipping missing ones. Returns the number of deleted ones. */
  deleteMany(keys: readonly K[]): number {
    return this.deleteManyEncoded(encodeArray(this.#key, keys))
  }

  /** The same, with keys given back to back in the table's layout. */
  deleteManyEncoded(keys: Uint8Array): number {
    return this.#writing(() => this.#map.deleteBatch(keys))
  }

  /**
   * All entries, in no order, as bytes in the table's layouts. A value that names another key than its own is longer
   * than a right one.
   */
  encodedEntries(): [key: Uint8Array, value: Uint8Array][] {
    const entries = this.#map.entries()
    return this.#named ? entries.map(([key, value]) => [key, unnamedValue(key, value, this.#widths)]) : entries
  }

  get #valueOffset(): number {
    return this.#named ? this.#widths.keySize : 0
  }

  /** Values as the map has them. */
  #inMap(keys: Uint8Array, values: Uint8Array): Uint8Array {
    return this.#named ? nameValues(keys, values, this.#widths) : values
  }

  #writing<T>(write: () => T): T {
    try {
      return write()
    } finally {
      this.#written()
    }
  }

  #explained(error: unknown): unknown {
    return error instanceof KernelError && fullErrnos.includes(error.errno) ? new TableFull(this.name, this.maxEntries) : error
  }
}

function encode<T>(field: Field<T>, value: T): Uint8Array {
  const bytes = new Uint8Array(field.size)
  field.write(new DataView(bytes.buffer), 0, value)
  return bytes
}

function decode<T>(field: Field<T>, bytes: Uint8Array, offset: number): T {
  return field.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset)
}
