/** Lets one API of several decide a thing: the one whose key is in the store, under a lease of its own. */
import { absent, at, put, type Condition, type Lease, type Store } from '../store/store.ts'
import { leadKey } from './keys.ts'

/** So long after the end of the process that leads, another one may. */
const defaultLeaseMs = 15_000

export class Lead {
  readonly #store: Store
  readonly #key: string
  #held: { readonly lease: Lease; readonly condition: Condition } | undefined
  #isStopped = false

  /** `what` is decided. */
  constructor(store: Store, what: string) {
    this.#store = store
    this.#key = leadKey(what)
  }

  /** A condition of each commit, which holds as long as this API leads. Undefined: another one does. */
  async take(): Promise<Condition | undefined> {
    if (this.#held?.lease.lost.aborted === false) return this.#held.condition
    this.#held = undefined
    const { entries } = await this.#store.get([this.#key])
    if (this.#isStopped || entries[0] !== undefined) return undefined
    const lease = await this.#store.lease(defaultLeaseMs)
    try {
      const result = await this.#store.commit({ if: [absent(this.#key)], write: [put(this.#key, '{}', lease.id)] })
      if (result.ok && !this.#isStopped) this.#held = { lease, condition: at(this.#key, result.revision) }
    } finally {
      // Kept alive for nobody it could have the key, and then no API would lead.
      if (this.#held?.lease !== lease) await lease.release().catch(() => {})
    }
    return this.#held?.condition
  }

  /** Lead no more: another one may at once. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#held?.lease.release().catch(() => {})
    this.#held = undefined
  }
}
