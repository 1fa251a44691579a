/** Leases of etcd, kept alive from here. */
import type { Lease } from '../store.ts'
import type { LeaseId } from '../lease.ts'
import { StoreError } from '../store-error.ts'
import type { Cluster } from './cluster.ts'

/** Ask for a lease. It beats three times in its life. */
export async function grantLease(cluster: Cluster, ttlMs: number): Promise<Lease> {
  if (!(ttlMs >= 1000)) throw new StoreError('invalid', `a lease of ${ttlMs} ms is too short; 1000 ms at least`)
  let began = performance.now()
  const granted = await cluster.ask('begin a lease', (member, deadlineMs) => {
    began = performance.now()
    return member.call('leaseGrant', { TTL: Math.ceil(ttlMs / 1000) }, deadlineMs)
  })
  return new KeptLease(cluster, granted.ID.toString() as LeaseId, granted.TTL.toNumber() * 1000, began)
}

class KeptLease implements Lease {
  readonly id: LeaseId
  readonly #cluster: Cluster
  readonly #ttlMs: number
  readonly #lost = new AbortController()
  #timer: NodeJS.Timeout
  /** When it ends, as far as we know: counted from before the last beat was sent. */
  #until: number

  constructor(cluster: Cluster, id: LeaseId, ttlMs: number, began: number) {
    this.#cluster = cluster
    this.id = id
    this.#ttlMs = ttlMs
    this.#until = began + ttlMs
    this.#timer = this.#later(ttlMs / 3)
    cluster.closed.addEventListener('abort', this.#end)
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  #later(ms: number): NodeJS.Timeout {
    return setTimeout(() => void this.#beat(), ms).unref()
  }

  async #beat(): Promise<void> {
    const began = performance.now()
    const left = this.#until - began
    if (left <= 0) return this.#end()
    try {
      const question = this.#cluster.ask('keep a lease', (member, deadlineMs) => member.keepAlive(this.id, Math.min(deadlineMs, left)))
      const seconds = await Promise.race([question, expiry(left)])
      if (seconds === 0) return this.#end()
      this.#until = began + seconds * 1000
    } catch {
      // The next beat says more.
    }
    if (!this.#lost.signal.aborted) this.#timer = this.#later(Math.min(this.#ttlMs / 3, Math.max(this.#until - performance.now(), 0)))
  }

  readonly #end = (): void => {
    clearTimeout(this.#timer)
    this.#cluster.closed.removeEventListener('abort', this.#end)
    this.#lost.abort()
  }

  async release(): Promise<void> {
    if (this.#lost.signal.aborted) return
    this.#end()
    try {
      await this.#cluster.ask('end a lease', (member, deadlineMs) => member.call('leaseRevoke', { ID: this.id }, deadlineMs))
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'lease-lost')) throw error
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }
}

/** Rejects when the lease would have ended. */
const expiry = (ms: number): Promise<never> =>
  new Promise((_, reject) => setTimeout(() => reject(new Error('no answer in the life of the lease')), ms).unref())
