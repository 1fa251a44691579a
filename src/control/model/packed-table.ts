/** Values of keys with their revisions, in order and in little memory. */
import type { KeyRange } from '../store/store.ts'
import { packKey, packText, revisionOf, unpackKey, unpackText } from './packed-text.ts'
import { SortedIds } from './sorted-ids.ts'

/** A value, and the revision that wrote it. */
export interface Kept {
  readonly text: string
  readonly modified: number
}

const roomOf = (key: string): string => key.slice(0, key.indexOf('/') + 1)

export class PackedTable {
  readonly #values = new Map<string, string>()
  /** Packed keys by their first word. */
  readonly #keys = new Map<string, SortedIds>()

  get(key: string): Kept | undefined {
    const value = this.#values.get(packKey(key))
    return value === undefined ? undefined : { text: unpackText(value), modified: revisionOf(value) }
  }

  has = (key: string): boolean => this.#values.has(packKey(key))

  modifiedOf(key: string): number | undefined {
    const value = this.#values.get(packKey(key))
    return value === undefined ? undefined : revisionOf(value)
  }

  set(key: string, text: string, modified: number): void {
    const at = packKey(key)
    const isNew = !this.#values.has(at)
    this.#values.set(at, packText(text, modified))
    if (!isNew) return
    const room = roomOf(at)
    const keys = this.#keys.get(room) ?? new SortedIds()
    this.#keys.set(room, keys)
    keys.add(at)
  }

  delete(key: string): void {
    const at = packKey(key)
    if (this.#values.delete(at)) this.#keys.get(roomOf(at))!.delete(at)
  }

  /** Keys of a range in order, within one first word. Nothing may change meanwhile. */
  *keys({ from, to }: KeyRange): Generator<string> {
    for (const at of this.#keys.get(roomOf(from))?.from(packKey(from)) ?? []) {
      const key = unpackKey(at)
      if (key >= to) return
      if (key >= from) yield key
    }
  }
}
