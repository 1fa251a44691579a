/** The store in an etcd cluster, for any number of processes. */
import { checkCommit, checkKeys, checkPrefix, checkRange } from '../check-commit.ts'
import type { StoreLocation } from '../location.ts'
import { StoreError } from '../store-error.ts'
import {
  rangeOf,
  type Commit,
  type CommitResult,
  type Entry,
  type Keys,
  type KeyRange,
  type Lease,
  type RangeOptions,
  type RangeResult,
  type Snapshot,
  type Store,
  type StoreRoom,
  type StoreStatus,
  type WatchItem,
  type WatchOptions,
} from '../store.ts'
import { Beats } from './beats.ts'
import { Cluster } from './cluster.ts'
import { Commits } from './commit.ts'
import { KeySpace } from './entries.ts'
import { Compacted } from './failure.ts'
import { grantLease } from './lease.ts'
import { pageSize, readPage, readRest, type Page, type Reader } from './read.ts'
import { clusterRoom, makeClusterRoom } from './room.ts'
import { Slots } from './slots.ts'
import { clusterStatus } from './status.ts'
import { watchCluster } from './watch.ts'

export interface EtcdOptions {
  /** For one try with one member; then the driver asks the next. Default 1.5 s. */
  readonly tryMs?: number
  /** For all tries. Default 8 s. */
  readonly callMs?: number
  /** How often to write something when nobody else does, so that watches can tell how far they are. Default 10 s. */
  readonly progressMs?: number
  /** How often a watch asks its member whether it is there; without two answers it goes to another. Default 2 s. */
  readonly askEveryMs?: number
}

/** The lease of what the driver itself keeps in etcd. */
const driverLeaseMs = 600_000

/** Open the store. The cluster is asked only when something is to be done. Throws StoreError. */
export const openEtcdStore = (where: StoreLocation & { readonly kind: 'etcd' }, options: EtcdOptions = {}): EtcdStore =>
  new EtcdStore(where, options)

export class EtcdStore implements Store {
  readonly #cluster: Cluster
  readonly #keys: KeySpace
  readonly #slots: Slots
  readonly #commits: Commits
  readonly #beats: Beats
  readonly #quota: number | undefined
  #lease: Promise<Lease> | undefined

  constructor({ endpoints, prefix, credentials, quota }: StoreLocation & { readonly kind: 'etcd' }, options: EtcdOptions) {
    this.#quota = quota
    const { tryMs = 1500, callMs = 8000, progressMs = 10_000, askEveryMs = 2000 } = options
    this.#cluster = new Cluster(endpoints, credentials, { tryMs, callMs, askEveryMs })
    this.#keys = new KeySpace(prefix)
    this.#slots = new Slots(this.#cluster, this.#keys, () => this.#driverLease())
    this.#commits = new Commits(this.#cluster, this.#keys, this.#slots)
    this.#beats = new Beats(this.#cluster, this.#keys, progressMs)
  }

  async #driverLease(): Promise<string> {
    if (this.#lease !== undefined && (await this.#lease).lost.aborted) {
      this.#lease = undefined
      this.#slots.dropFree()
    }
    this.#lease ??= grantLease(this.#cluster, driverLeaseMs).catch((error: unknown) => {
      this.#lease = undefined
      throw error
    })
    return (await this.#lease).id
  }

  async get(keys: readonly string[]): ReturnType<Store['get']> {
    checkKeys(keys)
    const success = keys.map((key) => ({ request_range: { key: this.#keys.bytes(key) } }))
    const { header, responses } = await this.#cluster.ask('read', (member, deadlineMs) => member.call('txn', { success }, deadlineMs))
    const entries = responses.map(({ response_range }) => response_range!.kvs[0]).map((kv) => kv && this.#keys.entry(kv))
    return { entries, revision: this.#saw(header!.revision.toNumber()) }
  }

  #saw(revision: number): number {
    this.#beats.seen(revision)
    return revision
  }

  async range(keys: Keys, { after, limit, keysOnly = false }: RangeOptions = {}): Promise<RangeResult> {
    typeof keys === 'string' ? checkPrefix(keys) : checkRange(keys.from, keys.to)
    const range = rangeOf(keys, after)
    const reader: Reader = { cluster: this.#cluster, keys: this.#keys, keysOnly }
    for (let tries = 1; ; tries++) {
      const page = await readPage(reader, range, limit ?? pageSize)
      this.#saw(page.revision)
      if (limit !== undefined || !page.more) return page
      try {
        return { entries: await this.#whole(reader, range, page), revision: page.revision, more: false }
      } catch (error) {
        if (!(error instanceof Compacted) || tries === 3) throw asStoreError(error)
      }
    }
  }

  async #whole(reader: Reader, range: KeyRange, first: Page): Promise<Entry[]> {
    const entries = [...first.entries]
    for await (const page of readRest(reader, range, first)) for (const entry of page) entries.push(entry)
    return entries
  }

  async commit(commit: Commit): Promise<CommitResult> {
    checkCommit(commit)
    this.#cluster.checkOpen()
    return this.#commits.commit(commit)
  }

  watch(keys: Keys, options: WatchOptions): AsyncIterable<WatchItem> {
    this.#cluster.checkOpen()
    return watchCluster(rangeOf(keys), {
      ...options,
      cluster: this.#cluster,
      keys: this.#keys,
      revision: async () => (await this.get([])).revision,
      beats: this.#beats,
    })
  }

  lease(ttlMs: number): Promise<Lease> {
    return grantLease(this.#cluster, ttlMs)
  }

  async compact(revision: number): Promise<void> {
    try {
      await this.#cluster.ask('compact', (member, deadlineMs) => member.call('compact', { revision }, deadlineMs))
    } catch (error) {
      // Somebody else has.
      if (!(error instanceof Compacted)) throw error
    }
  }

  async snapshot(): Promise<Snapshot> {
    const reader: Reader = { cluster: this.#cluster, keys: this.#keys, keysOnly: false }
    const range = rangeOf('')
    const first = await readPage(reader, range, pageSize)
    const pages = async function* (): AsyncGenerator<Entry> {
      try {
        yield* withoutLeased(first.entries)
        if (first.more) for await (const page of readRest(reader, range, first)) yield* withoutLeased(page)
      } catch (error) {
        throw asStoreError(error)
      }
    }
    return { revision: first.revision, entries: pages(), async [Symbol.asyncDispose]() {} }
  }

  /** etcd gives the revisions itself: the store's may be lower than it was elsewhere. */
  async restore(entries: Parameters<Store['restore']>[0]): Promise<void> {
    const { restoreInto } = await import('../restore.ts')
    await restoreInto(this, entries)
  }

  status(): Promise<StoreStatus> {
    return clusterStatus(this.#cluster, this.#keys)
  }

  room(): Promise<StoreRoom> {
    this.#cluster.checkOpen()
    return clusterRoom(this.#cluster, this.#quota)
  }

  async makeRoom(): Promise<void> {
    await makeClusterRoom(this.#cluster, (await this.get([])).revision)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#cluster.closed.aborted) return
    this.#beats.close()
    try {
      // The slots go with it. If etcd is away, they go in ten minutes.
      const lease = await this.#lease
      if (lease !== undefined && !lease.lost.aborted) await this.#cluster.once('leaseRevoke', { ID: lease.id })
    } catch {
      // They go in ten minutes.
    }
    this.#cluster.close()
  }
}

const withoutLeased = (entries: readonly Entry[]): readonly Entry[] => entries.filter(({ lease }) => lease === undefined)

const asStoreError = (error: unknown): unknown =>
  error instanceof Compacted
    ? new StoreError('away', 'etcd forgot the revision while it was being read; try again', { cause: error })
    : error
