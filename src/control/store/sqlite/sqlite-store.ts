/**
 * The store in an SQLite file, for one process. A commit is acknowledged once it is on the disk; commits that wait at
 * the same time share one write to the disk.
 */
import { randomBytes } from 'node:crypto'
import { statfsSync } from 'node:fs'
import { checkCommit, checkKeys, checkPrefix, checkRange } from '../check-commit.ts'
import type { LeaseId } from '../lease.ts'
import { beforeStep } from '../step.ts'
import { StoreError } from '../store-error.ts'
import {
  rangeOf,
  type Commit,
  type CommitResult,
  type Keys,
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
import { isDiskFailure, openFile, pragma, storeError, type OpenFile } from './file.ts'
import { openSnapshot, pageSize } from './snapshot.ts'
import { Tables } from './tables.ts'
import { watchTables } from './watch.ts'

export interface SqliteOptions {
  /** Keep changes for watches at least so long. Default one hour. */
  readonly keepMs?: number
  /** And at least so many revisions. Default 100 000. */
  readonly keepRevisions?: number
  /** How often to forget what is older. Default one minute. */
  readonly forgetEveryMs?: number
  /** How often a watch says how far it is when nothing happens. Default 5 s. */
  readonly progressMs?: number
}

/** Most commits of one write to the disk: they hold the event loop. */
const mostOfGroup = 256

/** Most revisions to forget at once. */
const forgetAtOnce = 2000

interface Waiting {
  readonly commit: Commit | (() => CommitResult)
  readonly resolve: (result: CommitResult) => void
  readonly reject: (error: StoreError) => void
}

/** Open the store in a file, or make it. Throws StoreError. */
export const openSqliteStore = (path: string, options: SqliteOptions = {}): SqliteStore => new SqliteStore(openFile(path), options)

export class SqliteStore implements Store {
  readonly #file: OpenFile
  readonly #tables: Tables
  readonly #options: Required<SqliteOptions>
  readonly #waiting: Waiting[] = []
  readonly #leases = new Map<LeaseId, AbortController>()
  readonly #wakes = new Set<() => void>()
  readonly #forgetting: NodeJS.Timeout
  #isScheduled = false
  #isDisposed = false
  #closed: StoreError | undefined

  constructor(file: OpenFile, options: SqliteOptions) {
    this.#file = file
    this.#tables = new Tables(file.db)
    this.#options = { keepMs: 3_600_000, keepRevisions: 100_000, forgetEveryMs: 60_000, progressMs: 5_000, ...options }
    // The holders of leases lived in the process that had the file before.
    this.#transact('end the leases of an earlier process', () => this.#tables.deleteAll(this.#tables.leased()))
    this.#forgetting = setInterval(() => void this.#forgetOld(), this.#options.forgetEveryMs)
    this.#forgetting.unref()
  }

  async get(keys: readonly string[]): ReturnType<Store['get']> {
    this.#checkOpen()
    checkKeys(keys)
    return this.#read(() => ({ entries: keys.map((key) => this.#tables.get(key)), revision: this.#tables.revision }))
  }

  async range(keys: Keys, { after, limit, keysOnly = false }: RangeOptions = {}): Promise<RangeResult> {
    this.#checkOpen()
    const range = rangeOf(keys, after)
    typeof keys === 'string' ? checkPrefix(keys) : checkRange(keys.from, keys.to)
    const most = limit ?? pageSize
    const { revision } = this.#tables
    const entries = this.#read(() => this.#tables.range(range, most + 1, keysOnly))
    const more = entries.length > most
    if (!more || limit !== undefined) return { entries: more ? entries.slice(0, limit) : entries, revision, more }
    // Many: page by page from one state of the file, so that others have their turn.
    await using snapshot = openSnapshot(this.#file.path, { range, keysOnly })
    const all = []
    for await (const entry of snapshot.entries) all.push(entry)
    return { entries: all, revision: snapshot.revision, more: false }
  }

  async commit(commit: Commit): Promise<CommitResult> {
    checkCommit(commit)
    const lost = commit.write.find((write) => write.kind === 'put' && write.lease !== undefined && !this.#leases.has(write.lease))
    if (lost !== undefined) throw new StoreError('lease-lost', `the lease of ${lost.key} has ended`)
    return this.#enqueue(commit)
  }

  #enqueue(commit: Waiting['commit']): Promise<CommitResult> {
    this.#checkOpen()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, resolve, reject })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#flush()
    })
  }

  /** Do the commits that wait in one transaction. */
  #flush(): void {
    const group = this.#waiting.splice(0, mostOfGroup)
    if (group.length === 0) return
    if (this.#waiting.length > 0) this.#schedule()
    try {
      const results = this.#transact('commit', () =>
        group.map(({ commit }) => (typeof commit === 'function' ? commit() : this.#tables.apply(commit))),
      )
      for (const [i, { resolve }] of group.entries()) resolve(results[i]!)
    } catch (error) {
      for (const { reject } of group) reject(error as StoreError)
    }
  }

  #transact<T>(what: string, change: () => T): T {
    this.#checkOpen()
    const { db } = this.#file
    const before = this.#tables.revision
    try {
      beforeStep('begin')
      db.exec('BEGIN IMMEDIATE')
      const result = change()
      this.#tables.writeNumbers()
      beforeStep('commit')
      db.exec('COMMIT')
      beforeStep('acknowledge')
      if (this.#tables.revision !== before) this.#wake()
      return result
    } catch (error) {
      throw this.#undo(error, what)
    }
  }

  /** Take a failed transaction back. A disk that failed may have part of it: then only a new start can tell. */
  #undo(error: unknown, what: string): StoreError {
    const { db, path } = this.#file
    try {
      if (db.isTransaction) db.exec('ROLLBACK')
      this.#tables.reload()
      if (!isDiskFailure(error)) return storeError(error, what)
    } catch {
      // What failed first says more.
    }
    const message = `the disk of ${path} failed: ${(error as Error).message}; start again when it is well`
    this.#closed = new StoreError('away', message)
    this.#wake()
    return new StoreError('outcome-unknown', message, { cause: error })
  }

  #wake(): void {
    for (const wake of this.#wakes) wake()
  }

  #read<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw storeError(error, `read ${this.#file.path}`)
    }
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw this.#closed
  }

  watch(keys: Keys, options: WatchOptions): AsyncIterable<WatchItem> {
    this.#checkOpen()
    return watchTables(this.#tables, rangeOf(keys), {
      ...options,
      progressMs: this.#options.progressMs,
      isClosed: () => this.#closed !== undefined,
      wakes: this.#wakes,
    })
  }

  /** Lives as long as this process has the store. */
  async lease(ttlMs: number): Promise<Lease> {
    this.#checkOpen()
    if (!(ttlMs >= 1000)) throw new StoreError('invalid', `a lease of ${ttlMs} ms is too short; 1000 ms at least`)
    const id = (randomBytes(8).readBigUInt64BE() >> 1n).toString() as LeaseId
    const end = new AbortController()
    this.#leases.set(id, end)
    const release = async (): Promise<void> => {
      if (!this.#leases.delete(id)) return
      end.abort()
      await this.#enqueue(() => {
        this.#tables.deleteAll(this.#tables.leased(id))
        return { ok: true, revision: this.#tables.revision }
      })
    }
    return { id, lost: end.signal, release, [Symbol.asyncDispose]: release }
  }

  async compact(revision: number): Promise<void> {
    if (revision > this.#tables.revision)
      throw new StoreError('invalid', `cannot compact to revision ${revision}: the store is at ${this.#tables.revision}`)
    while (this.#tables.compacted < revision) {
      const next = Math.min(revision, this.#tables.compacted + forgetAtOnce)
      this.#transact('compact', () => this.#tables.forget(next))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async #forgetOld(): Promise<void> {
    const { keepMs, keepRevisions } = this.#options
    try {
      await this.compact(Math.min(this.#tables.lastBefore(Date.now() - keepMs), this.#tables.revision - keepRevisions))
    } catch {
      // The next time, or the next commit, says what is wrong.
    }
  }

  async snapshot(): Promise<Snapshot> {
    this.#checkOpen()
    return openSnapshot(this.#file.path, { range: rangeOf(''), withoutLeased: true })
  }

  async restore(entries: Parameters<Store['restore']>[0], revision: number): Promise<void> {
    const { restoreInto } = await import('../restore.ts')
    await restoreInto(this, entries)
    await this.#enqueue(() => {
      this.#tables.revision = Math.max(this.#tables.revision, revision)
      return { ok: true, revision: this.#tables.revision }
    })
    await this.compact(this.#tables.revision)
  }

  async status(): Promise<StoreStatus> {
    this.#checkOpen()
    const { db } = this.#file
    const { revision, compacted } = this.#tables
    const version = String(db.prepare('SELECT sqlite_version() AS version').get()!['version'])
    return this.#read(() => ({
      kind: 'sqlite',
      version,
      revision,
      compacted,
      bytes: pragma(db, 'page_count') * pragma(db, 'page_size'),
      warnings: [],
    }))
  }

  async room(): Promise<StoreRoom> {
    this.#checkOpen()
    const { db, path } = this.#file
    const used = this.#read(() => pragma(db, 'page_count') * pragma(db, 'page_size'))
    const { bavail, bsize } = statfsSync(path)
    // A commit needs some pages in the log, and the log a page of the disk for each.
    return { used, most: used + bavail * bsize, isFull: bavail * bsize < 64 << 10 }
  }

  async makeRoom(): Promise<void> {
    await this.compact(this.#tables.revision)
    const { db } = this.#file
    try {
      db.exec('VACUUM')
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    } catch (error) {
      throw storeError(error, 'make the file smaller')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return
    this.#isDisposed = true
    while (this.#waiting.length > 0) this.#flush()
    if (this.#closed === undefined && this.#leases.size > 0)
      this.#transact('end leases', () => this.#tables.deleteAll(this.#tables.leased()))
    this.#closed ??= new StoreError('closed', `the store ${this.#file.path} was closed`)
    for (const end of this.#leases.values()) end.abort()
    this.#leases.clear()
    clearInterval(this.#forgetting)
    this.#wake()
    this.#file[Symbol.dispose]()
  }
}
