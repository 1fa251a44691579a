/** A host in a test: it keeps what the feed says, with the agent's own reader. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { ItemStore } from '#agent/compile/items.ts'
import { feedMessages, type Opening } from '#agent/feed/connection.ts'
import { changesIn, Gathering, heldBy } from '#agent/feed/gathering.ts'
import type { Held } from '#feed/held.ts'
import type { FeedItem } from '#feed/item.ts'
import type { FeedMessage } from '#feed/message.ts'

/** What a host has from before. */
interface Before {
  readonly holds?: readonly FeedItem[]
  readonly isChecked?: boolean
  /** What it says of that, in place of the truth. */
  readonly says?: string
}

export class FeedHost implements AsyncDisposable {
  readonly items = new ItemStore()
  readonly #end = new AbortController()
  readonly #gathering = new Gathering()
  readonly messages: FeedMessage[] = []
  revision = -1
  readonly done: Promise<unknown>
  #wake = Promise.withResolvers<void>()

  constructor(at: { readonly url: string }, revision: string | null = null, { holds = [], isChecked = false, says }: Before = {}) {
    for (const item of holds) this.items.put(item)
    const held = says === undefined ? heldBy(this.items, []) : ({ toString: () => says } as Held)
    this.done = this.#read(at, { revision, held, isChecked }).catch((error: unknown) => error)
  }

  async #read(at: { readonly url: string }, opening: Opening): Promise<void> {
    for await (const message of feedMessages(at, { ...opening, signal: this.#end.signal })) {
      this.messages.push(message)
      const batch = this.#gathering.take(message)
      if (batch !== undefined) {
        const { put, gone } = changesIn(this.items, batch)
        for (const { kind, id } of gone) this.items.delete(kind, id)
        for (const item of put) this.items.put(item)
        this.revision = Number(batch.revision)
      }
      this.#wake.resolve()
      this.#wake = Promise.withResolvers()
    }
  }

  /** Wait until something is so. */
  async until(what: (items: ItemStore) => boolean): Promise<void> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), 10_000)
    while (!what(this.items)) {
      await Promise.race([this.#wake.promise, once(late.signal, 'abort')])
      if (late.signal.aborted) assert.fail(`not in time: ${what}, ${JSON.stringify([...this.items])}`)
    }
    clearTimeout(timer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort()
    await this.done
  }
}
