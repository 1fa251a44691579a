/** What the feed has said since its last `sync`: it belongs together, and counts with the next one alone. */
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

  /** Take a message. A `sync` gives what has come until then. */
  take(message: FeedMessage): Batch | undefined {
    if (message.type === 'hello') this.#begin(message.whole)
    if (message.type === 'put') this.#note(message.item, message.item)
    if (message.type === 'delete') this.#note(message, null)
    return message.type === 'sync' ? this.#end(message.revision, message.requests ?? []) : undefined
  }

  #begin(whole: boolean): void {
    this.#said = new Map()
    this.#whole = whole
  }

  #note({ kind, id }: Key, item: FeedItem | null): void {
    this.#said.set(itemKey({ kind, id }), { kind, id, item })
  }

  #end(revision: string, requests: readonly string[]): Batch {
    const batch = { revision, requests, whole: this.#whole, said: this.#said }
    this.#begin(false)
    return batch
  }
}

/** What a batch changes in the items. The same again is no change: nothing that waits is tried again for it. */
export function changesIn(items: ItemStore, { revision, whole, said }: Batch): Changes {
  const put: FeedItem[] = []
  const gone: Key[] = []
  for (const { kind, id, item } of said.values()) {
    const before = items.get(kind, id)
    if (item === null && before !== undefined) gone.push({ kind, id })
    if (item !== null && JSON.stringify(before) !== JSON.stringify(item)) put.push(item)
  }
  if (whole) for (const { kind, id } of items) if (!said.has(itemKey({ kind, id }))) gone.push({ kind, id })
  return { revision, put, gone }
}
