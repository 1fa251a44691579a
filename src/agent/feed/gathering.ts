/** What the feed has said since its last `sync`: it belongs together, and counts with the next one alone. */
import { bucketOf, bucketsFor, Held, type Buckets } from '#feed/held.ts'
import { itemKey, type FeedItem, type FeedKind } from '#feed/item.ts'
import type { FeedMessage } from '#feed/message.ts'
import type { ItemStore } from '../compile/items.ts'

interface Key {
  readonly kind: FeedKind
  readonly id: string
}

/** What a `sync` completes. */
export interface Batch {
  readonly revision: string
  /** Ids of the requests that it is from. */
  readonly requests: readonly string[]
  /** The items are all that there are. */
  readonly whole: boolean
  /** The items are all that there are in these. */
  readonly buckets: Buckets | undefined
  /** The newest of each key; null: it is gone. */
  readonly said: ReadonlyMap<string, Key & { readonly item: FeedItem | null }>
}

/** What a batch changes. */
export interface Changes {
  readonly revision: string
  readonly put: readonly FeedItem[]
  readonly gone: readonly Key[]
}

export class Gathering {
  #said = new Map<string, Key & { readonly item: FeedItem | null }>()
  #whole = false
  #buckets: Buckets | undefined

  /** Take a message. A `sync` gives what has come until then. */
  take(message: FeedMessage): Batch | undefined {
    if (message.type === 'hello') this.#begin(message.whole)
    if (message.type === 'buckets') this.#buckets = message
    if (message.type === 'put') this.#note(message.item, message.item)
    if (message.type === 'delete') this.#note(message, null)
    return message.type === 'sync' ? this.#end(message.revision, message.requests ?? []) : undefined
  }

  #begin(whole: boolean): void {
    this.#said = new Map()
    this.#whole = whole
    this.#buckets = undefined
  }

  #note({ kind, id }: Key, item: FeedItem | null): void {
    this.#said.set(itemKey({ kind, id }), { kind, id, item })
  }

  #end(revision: string, requests: readonly string[]): Batch {
    const batch = { revision, requests, whole: this.#whole, buckets: this.#buckets, said: this.#said }
    this.#begin(false)
    return batch
  }
}

/** Whether a batch says all that there is of a key: without a word of it, it is gone. */
function covers({ whole, buckets }: Batch): (key: string) => boolean {
  if (buckets === undefined) return () => whole
  const which = new Set(buckets.which)
  return (key) => which.has(bucketOf(key, buckets.count))
}

/** What the items come to with batches that wait, as the API is told; undefined: there are none. */
export function heldBy(items: ItemStore, waiting: readonly Batch[]): Held | undefined {
  const all = new Map(Array.from(items, (item) => [itemKey(item), item]))
  for (const batch of waiting) {
    const isCovered = covers(batch)
    for (const key of all.keys()) if (isCovered(key)) all.delete(key)
    for (const [key, { item }] of batch.said) {
      if (item === null) all.delete(key)
      else all.set(key, item)
    }
  }
  if (all.size === 0) return undefined
  const held = new Held(bucketsFor(all.size))
  for (const [key, item] of all) held.add(key, JSON.stringify(item))
  return held
}

/** What a batch changes in the items. The same again is not a change: nothing that waits is tried again for it. */
export function changesIn(items: ItemStore, batch: Batch): Changes {
  const { revision, said } = batch
  const put: FeedItem[] = []
  const gone: Key[] = []
  for (const { kind, id, item } of said.values()) {
    const before = items.get(kind, id)
    if (item === null && before !== undefined) gone.push({ kind, id })
    if (item !== null && JSON.stringify(before) !== JSON.stringify(item)) put.push(item)
  }
  const isCovered = covers(batch)
  if (batch.whole || batch.buckets !== undefined)
    for (const { kind, id } of items) {
      const key = itemKey({ kind, id })
      if (isCovered(key) && !said.has(key)) gone.push({ kind, id })
    }
  return { revision, put, gone }
}
