/** Values of keys with their revisions, in order and in little memory. */
import type { KeyRange } from '../store/store.ts'
import { merged } from './merged.ts'
import { PackedRows, RowsBuilder, type RowData } from './packed-rows.ts'
import { frontLength, isPacked, packKey, packText, revisionOf, unpackKey, unpackText } from './packed-text.ts'
import { SortedIds } from './sorted-ids.ts'

/** A value, and the revision that wrote it. */
export interface Kept {
  readonly text: string
  readonly modified: number
}

const roomOf = (key: string): string => key.slice(0, key.indexOf('/') + 1)

export class PackedTable {
  /** What there was at some revision. */
  readonly #base: PackedRows | undefined
  /** What came later; null: it is not there any more. */
  readonly #values = new Map<string, string | null>()
  /** Packed keys of what came later, by their first word. */
  readonly #keys = new Map<string, SortedIds>()

  constructor(base?: RowData) {
    this.#base = base && new PackedRows(base)
  }

  /** The packed value of a packed key. */
  #look(at: string): string | undefined {
    const changed = this.#values.get(at)
    if (changed !== undefined || this.#base === undefined) return changed ?? undefined
    const row = this.#base.find(at)
    return row === -1 ? undefined : valueOf(this.#base.valueAt(row))
  }

  get(key: string): Kept | undefined {
    const value = this.#look(packKey(key))
    return value === undefined ? undefined : { text: unpackText(value), modified: revisionOf(value) }
  }

  has = (key: string): boolean => this.#look(packKey(key)) !== undefined

  modifiedOf(key: string): number | undefined {
    const value = this.#look(packKey(key))
    return value === undefined ? undefined : revisionOf(value)
  }

  set(key: string, text: string, modified: number): void {
    const at = packKey(key)
    const isNew = typeof this.#values.get(at) !== 'string'
    this.#values.set(at, packText(text, modified))
    if (!isNew) return
    const room = roomOf(at)
    const keys = this.#keys.get(room) ?? new SortedIds()
    this.#keys.set(room, keys)
    keys.add(at)
  }

  delete(key: string): void {
    const at = packKey(key)
    if (typeof this.#values.get(at) === 'string') this.#keys.get(roomOf(at))!.delete(at)
    if (this.#base !== undefined && this.#base.find(at) !== -1) this.#values.set(at, null)
    else this.#values.delete(at)
  }

  /** Keys of a range in order, within one first word. Nothing may change meanwhile. */
  *keys({ from, to }: KeyRange): Generator<string> {
    const room = roomOf(from)
    const first = packKey(from)
    for (const at of merged(this.#baseKeys(room, first), this.#keys.get(room)?.from(first) ?? [])) {
      const key = unpackKey(at)
      if (key >= to) return
      if (key >= from) yield key
    }
  }

  *#baseKeys(room: string, first: string): Generator<string> {
    if (this.#base === undefined) return
    for (let row = this.#base.from(first); row < this.#base.count; row++) {
      const at = this.#base.keyAt(row)
      if (!at.startsWith(room)) return
      if (!this.#values.has(at)) yield at
    }
  }
}

/** Makes the base of a table, of keys that come in order. */
export class TableBuilder {
  readonly #rows: RowsBuilder

  constructor(sink?: (piece: Buffer) => void) {
    this.#rows = new RowsBuilder(sink)
  }

  /** False: it does not come in order, as packed keys are ordered. */
  add(key: string, text: string, modified: number): boolean {
    const at = packKey(key)
    if (!this.#rows.isNext(at)) return false
    const value = packText(text, modified)
    // What is packed is bytes, and text may be anything.
    this.#rows.add(at, modified, value.length * 3, (into, to) => {
      if (isPacked(value)) return into.write(value, to, 'latin1')
      const begin = into.write(value.slice(0, frontLength), to, 'latin1')
      return begin + into.write(value.slice(frontLength), to + begin, 'utf8')
    })
    return true
  }

  finish = (): RowData => this.#rows.finish()
}

function valueOf(bytes: Buffer): string {
  const front = bytes.toString('latin1', 0, frontLength)
  return front + (isPacked(front) ? bytes.toString('latin1', frontLength) : bytes.toString('utf8', frontLength))
}
