/**
 * A store that makes trouble, around one that does not: it delays, loses answers of commits that were done or not, and
 * its watches repeat, delay, reset, and, if asked, lose changes.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { StoreError } from '#control/store/store-error.ts'
import type { Commit, CommitResult, Keys, Store, WatchItem, WatchOptions } from '#control/store/store.ts'

/** How often, from 0 to 1. What is left out does not happen. */
export interface Faults {
  /** Each call and each item of a watch waits some turns of the event loop. */
  readonly delay?: number
  /** A read or commit finds the store away; nothing happens. */
  readonly away?: number
  /** Nobody says what became of a commit: half of them were done. */
  readonly unknown?: number
  /** A watch gives its last items again. */
  readonly repeat?: number
  /** A watch ends with a reset. */
  readonly reset?: number
  /** A watch leaves a revision out: the fault of etcd before 3.4.31. */
  readonly drop?: number
}

export class FaultyStore implements Store {
  readonly #store: Store
  readonly #faults: Faults
  readonly #random: () => number
  /** What happened, by kind. */
  readonly happened: Record<keyof Faults, number> = { delay: 0, away: 0, unknown: 0, repeat: 0, reset: 0, drop: 0 }

  /** `random` gives numbers from 0 to 1. */
  constructor(store: Store, faults: Faults, random: () => number = Math.random) {
    this.#store = store
    this.#faults = faults
    this.#random = random
  }

  #happens(what: keyof Faults): boolean {
    const happens = this.#random() < (this.#faults[what] ?? 0)
    if (happens) this.happened[what]++
    return happens
  }

  async #call<T>(call: () => Promise<T>): Promise<T> {
    if (this.#happens('delay')) for (let turns = 1 + Math.floor(this.#random() * 5); turns > 0; turns--) await turn()
    if (this.#happens('away')) throw new StoreError('away', 'the store is away for this call; nothing was done')
    return call()
  }

  room(): ReturnType<Store['room']> {
    return this.#call(() => this.#store.room())
  }

  makeRoom(): Promise<void> {
    return this.#call(() => this.#store.makeRoom())
  }

  get(keys: readonly string[]): ReturnType<Store['get']> {
    return this.#call(() => this.#store.get(keys))
  }

  range(...args: Parameters<Store['range']>): ReturnType<Store['range']> {
    return this.#call(() => this.#store.range(...args))
  }

  commit(commit: Commit): Promise<CommitResult> {
    return this.#call(async () => {
      const isLost = this.#happens('unknown')
      if (isLost && this.#random() < 0.5) throw this.#unknown()
      const result = await this.#store.commit(commit)
      if (isLost) throw this.#unknown()
      return result
    })
  }

  #unknown(): StoreError {
    return new StoreError('outcome-unknown', 'the answer was lost; the commit may have been done')
  }

  async *watch(keys: Keys, options: WatchOptions): AsyncGenerator<WatchItem> {
    const last: WatchItem[] = []
    for await (const item of this.#store.watch(keys, options)) {
      if (this.#happens('delay')) await turn()
      if (this.#happens('reset')) return yield { kind: 'reset', reason: 'the changes are forgotten' }
      if (item.kind === 'changes' && this.#happens('drop')) continue
      yield item
      last.push(item)
      if (last.length > 5) last.shift()
      if (this.#happens('repeat')) yield* last
    }
  }

  lease(ttlMs: number): ReturnType<Store['lease']> {
    return this.#call(() => this.#store.lease(ttlMs))
  }

  compact(revision: number): Promise<void> {
    return this.#store.compact(revision)
  }

  snapshot(): ReturnType<Store['snapshot']> {
    return this.#call(() => this.#store.snapshot())
  }

  restore(...args: Parameters<Store['restore']>): Promise<void> {
    return this.#store.restore(...args)
  }

  status(): ReturnType<Store['status']> {
    return this.#call(() => this.#store.status())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]()
  }
}
