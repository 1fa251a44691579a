/** Clients that read and write a few keys at once, and a record of what each asked, was told, and when. */
import assert from 'node:assert/strict'
import { absent, at, del, exists, put, type Commit, type CommitResult, type Entry, type Store } from '#control/store/store.ts'
import { StoreError } from '#control/store/store-error.ts'
import { isLinearizable, type Operation } from './linearizable.ts'

/** Few, so that clients meet. */
const keys = Array.from({ length: 5 }, (_, n) => `k/${n}`)

/** What a key has: its value, or nothing. No value is written twice. */
type State = string
type Step = Operation<State>['step']

/** A commit that was acknowledged. */
export interface Acknowledged {
  readonly key: string
  readonly value: string | undefined
  readonly revision: number
}

export class Recorder {
  readonly #operations = new Map<string, Operation<State>[]>(keys.map((key) => [key, []]))
  readonly acknowledged: Acknowledged[] = []
  readonly #end = new AbortController()
  readonly #clients: Promise<void>[]
  #numbers = 0
  #last = performance.now()
  /** The longest time without an acknowledged commit. */
  longestGapMs = 0
  unknown = 0
  away = 0

  /** Start `count` clients on each store. */
  constructor(stores: readonly Store[], count: number) {
    this.#clients = stores.flatMap((store) => Array.from({ length: count }, () => this.#client(store)))
  }

  get count(): number {
    return [...this.#operations.values()].reduce((sum, { length }) => sum + length, 0)
  }

  async stop(): Promise<void> {
    this.#end.abort()
    await Promise.all(this.#clients)
  }

  /** Fails unless each key's history is linearizable. */
  check(): void {
    for (const [key, operations] of this.#operations)
      assert.ok(isLinearizable(operations, ''), `the history of ${key} is not linearizable: ${operations.length} operations`)
  }

  async #client(store: Store): Promise<void> {
    let known: Entry | undefined
    while (!this.#end.signal.aborted) {
      const key = keys[Math.floor(Math.random() * keys.length)]!
      const dice = Math.random()
      if (dice < 0.3) known = await this.#read(store, key)
      else if (dice < 0.35) await this.#readPair(store)
      else if (dice < 0.4) await this.#writePair(store)
      else await this.#write(store, key, known?.key === key ? known : undefined)
    }
  }

  async #read(store: Store, key: string): Promise<Entry | undefined> {
    const called = performance.now()
    const found = await this.#tolerate(store.get([key]))
    if (found === undefined) return
    const value = found.entries[0]?.value ?? ''
    this.#note(key, called, performance.now(), (state) => (state === value ? state : undefined))
    return found.entries[0]
  }

  /** A write of any kind that is possible with what the client knows. */
  async #write(store: Store, key: string, known: Entry | undefined): Promise<void> {
    const value = `v${this.#numbers++}`
    const dice = Math.random()
    if (known !== undefined && dice < 0.6)
      return this.#commit(store, key, { if: [at(key, known.modified)], write: [put(key, value)] }, (state) => state === known.value)
    if (dice < 0.3) return this.#commit(store, key, { if: [absent(key)], write: [put(key, value)] }, (state) => state === '')
    if (dice < 0.6) return this.#commit(store, key, { if: [exists(key)], write: [del(key)] }, (state) => state !== '')
    return this.#commit(store, key, { if: [], write: [put(key, value)] }, () => true)
  }

  async #commit(store: Store, key: string, commit: Commit, holds: (state: State) => boolean): Promise<void> {
    const [write] = commit.write
    const value = write!.kind === 'put' ? write!.value : undefined
    const called = performance.now()
    const step: Step = (state) => (holds(state) ? (value ?? '') : undefined)
    const result = await this.#tolerate(store.commit(commit))
    if (result === 'unknown') return this.#note(key, called, Infinity, step)
    if (result === undefined) return
    const now = performance.now()
    if (result.ok) this.#acknowledge(now, { key, value, revision: result.revision })
    this.#note(key, called, now, result.ok ? step : refusedStep(result, holds))
  }

  #acknowledge(now: number, what: Acknowledged): void {
    this.acknowledged.push(what)
    this.longestGapMs = Math.max(this.longestGapMs, now - this.#last)
    this.#last = now
  }

  #note(key: string, called: number, answered: number, step: Step): void {
    this.#operations.get(key)!.push({ called, answered, step })
  }

  async #writePair(store: Store): Promise<void> {
    const value = `p${this.#numbers++}`
    await this.#tolerate(store.commit({ if: [], write: [put('pair/a', value), put('pair/b', value)] }))
  }

  async #readPair(store: Store): Promise<void> {
    const found = await this.#tolerate(store.get(['pair/a', 'pair/b']))
    if (found === undefined) return
    assert.equal(found.entries[0]?.value, found.entries[1]?.value, 'half a commit was seen')
  }

  /** Undefined: the store was away, and nothing happened. */
  async #tolerate<T>(call: Promise<T>): Promise<T extends CommitResult ? T | 'unknown' | undefined : T | undefined> {
    try {
      return (await call) as never
    } catch (error) {
      if (!(error instanceof StoreError && (error.code === 'outcome-unknown' || error.code === 'away'))) throw error
      error.code === 'away' ? this.away++ : this.unknown++
      return (error.code === 'away' ? undefined : 'unknown') as never
    }
  }
}

/** A refused commit is a read of what stood against it. */
function refusedStep(result: CommitResult & { readonly ok: false }, holds: (state: State) => boolean): Step {
  const found = result.found?.value ?? ''
  return (state) => (state === found && !holds(state) ? state : undefined)
}
