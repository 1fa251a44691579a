/**
 * Says in the store which hosts have a feed at this API, so that all APIs agree on who is there: one key for each host,
 * under one lease of this process. When the process dies, its hosts are absent 15 seconds later.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { HereRecord } from '../model/host-status.ts'
import { hereKey } from '../model/keys.ts'
import { at, del, put, type Lease, type Store, type Write } from '../store/store.ts'

const defaultLeaseMs = 15_000
const retryMs = 1_000
/** Hosts that one commit writes. */
const perCommit = 100

export interface PresenceOptions {
  readonly store: Store
  /** Name of this API. */
  readonly api: string
  /** Hosts that have a feed here now. */
  readonly connected: () => ReadonlySet<string>
  readonly now: () => number
  /** How long after the end of this process its hosts are absent. */
  readonly leaseMs?: number
}

export class Presence {
  readonly #options: PresenceOptions
  readonly #stop = new AbortController()
  /** What this process has written, with the revision of each. */
  readonly #written = new Map<string, number>()
  #lease: Lease | undefined
  #isDue = false
  #running: Promise<void> | undefined

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  /** A host has come or gone. */
  changed(): void {
    this.#isDue = true
    if (this.#stop.signal.aborted) return
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      if (this.#isDue) this.changed()
    })
  }

  async #run(): Promise<void> {
    while (this.#isDue && !this.#stop.signal.aborted) {
      this.#isDue = false
      try {
        await this.#write()
      } catch {
        // The store is away, or the lease has ended: all is written again.
        this.#isDue = true
        await sleep(retryMs, undefined, { signal: this.#stop.signal }).catch(() => {})
      }
    }
  }

  /** Bring the store to what is so now. */
  async #write(): Promise<void> {
    const connected = this.#options.connected()
    const lease = await this.#heldLease(connected.size > 0)
    if (lease !== undefined)
      await this.#come(
        [...connected].filter((host) => !this.#written.has(host)),
        lease,
      )
    for (const [host, revision] of this.#written) if (!connected.has(host)) await this.#go(host, revision)
  }

  async #heldLease(isNeeded: boolean): Promise<Lease | undefined> {
    if (this.#lease?.lost.aborted === false) return this.#lease
    this.#written.clear()
    this.#lease = undefined
    if (!isNeeded) return undefined
    const lease = await this.#options.store.lease(this.#options.leaseMs ?? defaultLeaseMs)
    lease.lost.addEventListener('abort', () => this.changed(), { once: true })
    return (this.#lease = lease)
  }

  async #come(hosts: readonly string[], lease: Lease): Promise<void> {
    const { store, api, now } = this.#options
    const here: HereRecord = { api, since: new Date(now()).toISOString() }
    for (let i = 0; i < hosts.length; i += perCommit) {
      const part = hosts.slice(i, i + perCommit)
      const write = part.map((host): Write => put(hereKey(host), JSON.stringify(here), lease.id))
      const { revision } = await store.commit({ if: [], write })
      for (const host of part) this.#written.set(host, revision)
    }
  }

  /** It may have a feed at another API by now: that one's key stays. */
  async #go(host: string, revision: number): Promise<void> {
    await this.#options.store.commit({ if: [at(hereKey(host), revision)], write: [del(hereKey(host))] })
    this.#written.delete(host)
  }

  /** All hosts leave. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
    await this.#lease?.release().catch(() => {})
  }
}
