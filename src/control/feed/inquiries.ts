/**
 * Asks other APIs of hosts that have their feed there. A question is a key of the store, and so is each answer; all of
 * them go with the lease of who asks. Nothing is written unless somebody waits.
 */
import type { LeaseId } from '../store/lease.ts'
import { put, type Lease, type Store } from '../store/store.ts'
import type { Mirror } from '../model/mirror.ts'
import { uuidV7 } from '../model/uuid.ts'
import type { Late } from './late.ts'

const prefix = 'ask/'
const retryMs = 500
/** Keys of items that a question names; more of them say less. */
const maxKeys = 200

interface Question {
  readonly hosts: readonly string[]
  readonly keys: readonly string[]
  readonly revision: number
  readonly timeoutMs: number
  readonly lease: LeaseId
}

/** What answers questions of others: waits for one host that is connected here. Undefined: it does it. */
export type AnswerFor = (host: string, question: { keys: Set<string>; revision: number; signal: AbortSignal }) => Promise<Late | undefined>

export class Inquiries {
  readonly #store: Store
  readonly #mirror: Mirror
  readonly #connected: () => ReadonlySet<string>
  readonly #answerFor: AnswerFor
  readonly #stop = new AbortController()
  readonly #asked = new Map<string, (host: string, late: Late | undefined) => void>()

  constructor(of: { store: Store; mirror: Mirror; connected: () => ReadonlySet<string>; answerFor: AnswerFor }) {
    this.#store = of.store
    this.#mirror = of.mirror
    this.#connected = of.connected
    this.#answerFor = of.answerFor
    void this.#listen()
  }

  /** Ask until the signal. `answered` is told of each host. */
  async ask(
    question: { readonly hosts: readonly string[]; readonly keys: Iterable<string>; readonly revision: number; readonly timeoutMs: number },
    signal: AbortSignal,
    answered: (host: string, late: Late | undefined) => void,
  ): Promise<void> {
    const id = uuidV7(Date.now())
    let lease: Lease | undefined
    this.#asked.set(id, answered)
    try {
      lease = await this.#store.lease(question.timeoutMs + 10_000)
      const value: Question = { ...question, keys: [...question.keys].slice(0, maxKeys), lease: lease.id }
      await this.#store.commit({ if: [], write: [put(`${prefix}${id}`, JSON.stringify(value), lease.id)] })
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    } catch {
      // With the store away nobody can be asked; who waits says that the host has not answered.
    } finally {
      this.#asked.delete(id)
      await lease?.release().catch(() => {})
    }
  }

  async #listen(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        for await (const item of this.#store.watch(prefix, { after: this.#mirror.revision, signal }))
          if (item.kind === 'changes') for (const { key, value } of item.changes) if (value !== undefined) this.#hear(key, value)
      } catch {
        // The store is away: it is tried again.
      }
      if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, retryMs).unref())
    }
  }

  #hear(key: string, value: string): void {
    const [, id = '', host] = key.split('/')
    if (host !== undefined) this.#asked.get(id)?.(host, (JSON.parse(value) as { late: Late | null }).late ?? undefined)
    else if (!this.#asked.has(id)) void this.#answer(id, JSON.parse(value) as Question).catch(() => {})
  }

  async #answer(id: string, { hosts, keys, revision, timeoutMs, lease }: Question): Promise<void> {
    const connected = this.#connected()
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#stop.signal])
    await Promise.all(
      hosts
        .filter((host) => connected.has(host))
        .map(async (host) => {
          const late = await this.#answerFor(host, { keys: new Set(keys), revision, signal })
          if (!this.#stop.signal.aborted)
            await this.#store.commit({ if: [], write: [put(`${prefix}${id}/${host}`, JSON.stringify({ late: late ?? null }), lease)] })
        }),
    )
  }

  /** Answer no more. */
  stop(): void {
    this.#stop.abort()
  }
}
