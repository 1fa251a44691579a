/** The items that the feed has told this host, by kind and id. */
import type { FeedItem, FeedKind } from '#feed/item.ts'

/** The item of a kind. */
export type ItemOf<K extends FeedKind> = Extract<FeedItem, { readonly kind: K }>

/** What the parts read. */
export interface Items {
  get<K extends FeedKind>(kind: K, id: string): ItemOf<K> | undefined
  of<K extends FeedKind>(kind: K): Iterable<ItemOf<K>>
}

/** Items in memory. */
export class ItemStore implements Items {
  readonly #byKind = new Map<FeedKind, Map<string, FeedItem>>()

  /** Put an item in the place of the one before it. */
  put(item: FeedItem): void {
    const known = this.#byKind.get(item.kind)
    if (known === undefined) this.#byKind.set(item.kind, new Map([[item.id, item]]))
    else known.set(item.id, item)
  }

  /** Forget an item; false when it is not there. */
  delete(kind: FeedKind, id: string): boolean {
    return this.#byKind.get(kind)?.delete(id) ?? false
  }

  get<K extends FeedKind>(kind: K, id: string): ItemOf<K> | undefined {
    return this.#byKind.get(kind)?.get(id) as ItemOf<K> | undefined
  }

  of<K extends FeedKind>(kind: K): Iterable<ItemOf<K>> {
    return (this.#byKind.get(kind)?.values() ?? []) as Iterable<ItemOf<K>>
  }

  /** How many there are. */
  get size(): number {
    return [...this.#byKind.values()].reduce((sum, { size }) => sum + size, 0)
  }

  *[Symbol.iterator](): Generator<FeedItem> {
    for (const items of this.#byKind.values()) yield* items.values()
  }
}
