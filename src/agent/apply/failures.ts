/** Items that vpcd has refused: what is in their place, why, since when, and when they are tried again. */
import { itemKey, type FeedItem, type FeedKind } from '#feed/item.ts'
import type { ItemError } from '#feed/message.ts'
import type { ItemOf, Items } from '../compile/items.ts'
import { backOffMs } from './back-off.ts'

interface Failure {
  readonly item: FeedItem
  readonly code: string
  readonly text: string
  readonly since: number
  readonly tries: number
  /** When it is tried again, by the clock that never jumps. */
  readonly next: number
}

export interface Clock {
  /** Milliseconds since 1970, to be shown: somebody may set this clock, and then it jumps. */
  now(): number
  /** Milliseconds since some moment, to wait by: it never jumps. */
  elapsed(): number
  random(): number
}

export class Failures {
  readonly #clock: Clock
  readonly #found = new Map<string, Failure>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Note that an item fails. It has failed since the first time, as long as it has not changed. */
  note(item: FeedItem, code: string, text: string): void {
    const key = itemKey(item)
    const before = this.#found.get(key)
    const [since, tries] = before?.item === item ? [before.since, before.tries + 1] : [this.#clock.now(), 1]
    const next = this.#clock.elapsed() + backOffMs(tries, () => this.#clock.random())
    this.#found.set(key, { item, code, text, since, tries, next })
  }

  /** Whether this very item failed and waits. */
  waits(item: FeedItem): boolean {
    const found = this.#found.get(itemKey(item))
    return found !== undefined && found.item === item && found.next > this.#clock.elapsed()
  }

  /** Say why it fails now: something else may stand against it than when it was tried. */
  reword(item: FeedItem, code: string, text: string): void {
    const found = this.#found.get(itemKey(item))
    if (found?.item === item) this.#found.set(itemKey(item), { ...found, code, text })
  }

  /** Forget items that do not fail any more. */
  keep(stays: (item: FeedItem) => boolean): void {
    for (const [key, { item }] of this.#found) if (!stays(item)) this.#found.delete(key)
  }

  /** When the next one is tried again; undefined: none fails. */
  get next(): number | undefined {
    return this.#found.size === 0 ? undefined : Math.min(...[...this.#found.values()].map(({ next }) => next))
  }

  /** As the report has them. */
  errors(): ItemError[] {
    return [...this.#found.values()].map(({ item: { kind, id }, code, text, since, tries }) => ({
      kind,
      id,
      code,
      text,
      since: new Date(since).toISOString(),
      tries,
    }))
  }
}

/** Items, some of which have others in their place, or none. */
export class Substituted implements Items {
  readonly #items: Items
  readonly #instead: ReadonlyMap<string, FeedItem | null>

  constructor(items: Items, instead: ReadonlyMap<string, FeedItem | null>) {
    this.#items = items
    this.#instead = instead
  }

  get<K extends FeedKind>(kind: K, id: string): ItemOf<K> | undefined {
    const other = this.#instead.get(itemKey({ kind, id }))
    return other === undefined ? this.#items.get(kind, id) : ((other ?? undefined) as ItemOf<K> | undefined)
  }

  of<K extends FeedKind>(kind: K): Iterable<ItemOf<K>> {
    return this.#instead.size === 0 ? this.#items.of(kind) : this.#each(kind)
  }

  *#each<K extends FeedKind>(kind: K): Generator<ItemOf<K>> {
    for (const item of this.#items.of(kind)) {
      const other = this.#instead.get(itemKey(item))
      if (other === undefined) yield item
      else if (other !== null) yield other as ItemOf<K>
    }
  }
}
