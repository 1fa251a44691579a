/**
 * The store in memory, fed by one watch. Requests read here, once the mirror has reached the revision that the store
 * had when they came: so a reader sees what was acknowledged before.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { compare } from '../store/compare.ts'
import { put, type Change, type Entry, type KeyRange, type Store } from '../store/store.ts'
import { exceptionKey, hereKey, isCheckpointKey, objectKey } from './keys.ts'
import { HostStatuses, type HereRecord } from './host-status.ts'
import { merged } from './merged.ts'
import { readBase, type Checkpoint, type MirrorBase } from './mirror-base.ts'
import { isMirrored, isMirroredRoom, mirroredRanges, orderedKinds } from './mirrored.ts'
import { Objects } from './objects.ts'
import { PackedObjects } from './packed-objects.ts'
import { PackedTable, type Kept } from './packed-table.ts'
import { Problem } from './problem.ts'
import type { AuditRecord, ClaimRecord, Exception, GoneRecord, ObjectRecord, Stored } from './record.ts'
import { SharedParts } from './shared-parts.ts'
import { storeProblem } from './store-problem.ts'
import { Turns } from './turns.ts'

/** What one revision changed, for watchers. */
export interface Batch {
  readonly revision: number
  readonly changes: readonly ObjectChange[]
  /** Ids of the requests that it is from, as its audit records say. */
  readonly requests: readonly string[]
  /** These records. A batch that is told late has none. */
  readonly audits?: readonly AuditRecord[]
  /** When it came here, in ms. */
  readonly at: number
}

export interface ObjectChange {
  readonly before: Stored | undefined
  readonly after: Stored | undefined
}

export interface Claim {
  readonly value: ClaimRecord
  readonly modified: number
}

/** Changes since a checkpoint that take longer cost more than to read everything. */
const catchUpMs = 30_000
/** Batches that are kept for watchers that come back. */
const keptBatches = 10_000
const reachTimeoutMs = 5_000
/** Written after a repair: the revision says to all that something is another than it was. */
const repairKey = 'meta/repaired'
const newerMs = 1_000

/** How often the mirror is compared with the store, give or take a fifth. */
const compareEveryMs = 600_000

/** What a draft asks: the mirror, or the mirror with changes that are not committed yet. */
export type Known = Pick<Mirror, 'objects' | 'claim' | 'nameHolder' | 'gone' | 'hosts'>

export class Mirror {
  readonly objects: Objects
  /** What connected hosts say. The store has none of it. */
  readonly hosts = new HostStatuses()
  revision = 0
  /** The last revision that brought more than the mark of a checkpoint. */
  changed = 0
  /** Kept batches say everything after this revision. */
  oldest = 0
  readonly #store: Store
  readonly #gone: PackedTable
  /** Claims and names. */
  readonly #claims: PackedTable
  readonly #parts = new SharedParts()
  /** Vnics of which something is written down that fails: few, as a rule. */
  readonly excepted = new Set<string>()
  readonly #batches: Batch[] = []
  readonly #listeners = new Set<(batch: Batch | undefined) => void>()
  #waiters: { revision: number; resolve: () => void }[] = []
  readonly #stop = new AbortController()
  /** Keys that a comparison had to repair: the store has not told of a change. */
  repaired = 0

  private constructor(store: Store, base: MirrorBase) {
    this.#store = store
    this.objects = new Objects(new PackedObjects(base.objects))
    this.#claims = new PackedTable(base.claims)
    this.#gone = new PackedTable(base.gone)
    for (const key of this.#claims.keys({ from: 'x/', to: 'x0' })) this.excepted.add(key.split('/')[2]!)
    for (const { key, value, modified } of base.rest) this.#put(key, value, modified)
    this.revision = this.oldest = this.changed = base.revision
  }

  /** Read everything, or a checkpoint and what has changed since; then follow. */
  static async start(store: Store, checkpoint?: Checkpoint): Promise<Mirror> {
    const mirror = (await Mirror.#resume(store, checkpoint)) ?? new Mirror(store, await readBase(store))
    for (const { key, value, modified } of await mirror.#leased()) mirror.#put(key, value, modified)
    mirror.hosts.loaded()
    void mirror.#follow()
    mirror.#compareLater()
    return mirror
  }

  static async #resume(store: Store, checkpoint: Checkpoint | undefined): Promise<Mirror | undefined> {
    const base = await checkpoint?.read()
    if (base === undefined) return undefined
    const mirror = new Mirror(store, base)
    return (await mirror.#catchUp().catch(() => false)) ? mirror : undefined
  }

  /** Take what has changed since the checkpoint. False: the store does not tell of it any more. */
  async #catchUp(): Promise<boolean> {
    const { revision } = await this.#store.get([])
    if (revision <= this.revision) return revision === this.revision
    const signal = AbortSignal.timeout(catchUpMs)
    for await (const item of this.#store.watch('', { after: this.revision, signal })) {
      if (item.kind === 'reset') return false
      if (item.kind === 'changes') this.#apply(item.revision, item.changes)
      else this.#advance(item.revision)
      if (this.revision >= revision) return true
    }
    return false
  }

  /** Follow no more. */
  stop(): void {
    this.#stop.abort()
    this.#tell(undefined)
  }

  /** Keys that go with a lease are in no snapshot. */
  async #leased(): Promise<readonly Entry[]> {
    return (await this.#store.range('here/')).entries
  }

  /** Changes are missed: read what differs, then take it at once, so that nobody sees a half of it. */
  async #load(): Promise<void> {
    await using snapshot = await this.#store.snapshot()
    const [differing, gone] = [[] as Entry[], [] as string[]]
    const own = this.#allKeys()
    let mine = own.next()
    const passUpTo = (key: string | undefined): void => {
      while (!mine.done) {
        if (key !== undefined && mine.value >= key) break
        if (!mine.value.startsWith('here/')) gone.push(mine.value)
        mine = own.next()
      }
      if (mine.value === key) mine = own.next()
    }
    for await (const entry of snapshot.entries) {
      passUpTo(entry.key)
      if (isMirrored(entry.key) && this.#modifiedOf(entry.key) !== entry.modified) differing.push(entry)
    }
    passUpTo(undefined)
    const leased = await this.#leased()
    const isLost = gone.length > 0 || differing.some(({ modified }) => modified <= this.revision)
    for (const key of gone) this.#delete(key)
    const present = new Set(leased.map(({ key }) => key))
    for (const host of this.hosts.present) if (!present.has(hereKey(host))) this.#delete(hereKey(host))
    for (const { key, value, modified } of [...differing, ...leased]) this.#put(key, value, modified)
    this.#batches.length = 0
    this.oldest = this.changed = snapshot.revision
    if (isLost && snapshot.revision <= this.revision) this.#forgetBatches(this.revision)
    this.#advance(snapshot.revision)
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop
    // Requests wait for their own changes, so this has the most of a turn.
    const turns = new Turns(50)
    while (!signal.aborted) {
      try {
        for await (const item of this.#store.watch('', { after: this.revision, signal })) {
          // Many changes at once must not keep requests and hosts waiting.
          await turns.spent()
          if (item.kind === 'changes') this.#apply(item.revision, item.changes)
          else if (item.kind === 'progress') this.#advance(item.revision)
          else break
        }
        if (signal.aborted) return
        await this.#load()
        this.#tell(undefined)
      } catch {
        if (signal.aborted) return
        await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 200))
      }
    }
  }

  #apply(revision: number, changes: readonly Change[]): void {
    // A store may repeat what it has told.
    if (revision <= this.revision) return
    if (!changes.every(({ key }) => isCheckpointKey(key))) this.changed = revision
    const told: ObjectChange[] = []
    for (const { key, value } of changes) {
      const change = value === undefined ? this.#delete(key) : this.#put(key, value, revision)
      if (change !== undefined) told.push(change)
    }
    if (told.length > 0) {
      const audits = auditsOf(changes)
      const batch = { revision, changes: told, requests: [...new Set(audits.map(({ request }) => request))], at: this.hosts.elapsed() }
      this.#batches.push(batch)
      if (this.#batches.length > keptBatches) this.oldest = this.#batches.shift()!.revision
      this.#advance(revision)
      this.#tell({ ...batch, audits })
    } else this.#advance(revision)
  }

  #put(key: string, text: string, modified: number): ObjectChange | undefined {
    const [room, kind, id] = key.split('/') as [string, string, string]
    if (!isMirroredRoom(room)) return undefined
    if (room === 'here') this.hosts.came(kind, JSON.parse(text) as HereRecord)
    if (room === 'x') this.excepted.add(id)
    if (room !== 'o') return void this.#claims.set(key, text, modified)
    const value = JSON.parse(text) as ObjectRecord | GoneRecord
    if ('gone' in value) {
      this.#gone.set(key, text, modified)
      return changed(this.objects.set(kind, id, undefined), undefined)
    }
    this.#gone.delete(key)
    const after = { record: this.#parts.record(value), modified }
    return changed(this.objects.set(kind, id, after), after)
  }

  #delete(key: string): ObjectChange | undefined {
    this.#claims.delete(key)
    this.#gone.delete(key)
    const [room, kind, id] = key.split('/') as [string, string, string]
    if (room === 'here') this.hosts.went(kind)
    if (room === 'x') this.excepted.delete(id)
    return room === 'o' ? changed(this.objects.set(kind, id, undefined), undefined) : undefined
  }

  #compareLater(): void {
    const timer = setTimeout(
      () => {
        const { signal } = this.#stop
        // With the store away, the next time will do.
        void this.compare({ signal }).catch(() => {})
        if (!signal.aborted) this.#compareLater()
      },
      compareEveryMs * (0.8 + Math.random() * 0.4),
    ).unref()
    this.#stop.signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  }

  /** Compare everything with the store, and repair what differs. Gives the keys that differed. */
  async compare(options: { readonly signal?: AbortSignal; readonly pauseMs?: number; readonly chunk?: number } = {}): Promise<string[]> {
    const repaired = await compare(
      this.#store,
      {
        keys: (range, limit) => Iterator.from(this.#keysOf(range)).take(limit).toArray(),
        modifiedOf: (key) => this.#modifiedOf(key),
        reach: (revision) => this.reach(revision),
        repair: (key, entry) => this.#repair(key, entry),
      },
      { ranges: mirroredRanges, ...options },
    )
    this.repaired += repaired.length
    return repaired
  }

  /** All keys in order. Nothing may change meanwhile. */
  *#allKeys(): Generator<string> {
    for (const range of mirroredRanges) yield* this.#keysOf(range)
  }

  #keysOf(range: KeyRange): Iterable<string> {
    return range.from.startsWith('o/') ? merged(this.#objectKeys(range), this.#gone.keys(range)) : this.#claims.keys(range)
  }

  *#objectKeys({ from, to }: KeyRange): Generator<string> {
    for (const kind of orderedKinds) {
      if (objectKey(kind, '~') < from) continue
      const first = from.startsWith(objectKey(kind, '')) ? from.slice(objectKey(kind, '').length) : ''
      for (const id of this.objects.idsFrom(kind, first)) {
        const key = objectKey(kind, id)
        if (key >= to) return
        yield key
      }
    }
  }

  #modifiedOf(key: string): number | undefined {
    const [room, kind, id] = key.split('/') as [string, string, string]
    if (room !== 'o') return this.#claims.modifiedOf(key)
    return this.objects.modifiedOf(kind, id) ?? this.#gone.modifiedOf(key)
  }

  /** What watchers get then belongs to no revision, so they list again. */
  #repair(key: string, entry: Entry | undefined): void {
    const change = entry === undefined ? this.#delete(key) : this.#put(key, entry.value, entry.modified)
    if (change === undefined) return
    this.#forgetBatches(this.revision)
    this.#tell(undefined)
  }

  /**
   * What was missed may be of any revision, the newest as well: whoever has that one cannot go on from there. So that
   * it is not the newest for long, another one is made.
   */
  #forgetBatches(revision: number): void {
    this.#batches.length = 0
    const isUnderWay = this.revision < this.oldest
    this.oldest = revision + 1
    if (!isUnderWay) void this.#makeNewer()
  }

  async #makeNewer(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted && this.revision < this.oldest) {
      // With the store away, or its disk full, the next time will do.
      await this.#store.commit({ if: [], write: [put(repairKey, String(this.oldest))] }).catch(() => {})
      await sleep(newerMs, undefined, { signal, ref: false }).catch(() => {})
    }
  }

  #advance(revision: number): void {
    this.revision = Math.max(this.revision, revision)
    const [due, waiting] = [[] as (() => void)[], [] as { revision: number; resolve: () => void }[]]
    for (const waiter of this.#waiters)
      if (waiter.revision <= this.revision) due.push(waiter.resolve)
      else waiting.push(waiter)
    this.#waiters = waiting
    for (const resolve of due) resolve()
  }

  #tell(batch: Batch | undefined): void {
    for (const listener of this.#listeners) listener(batch)
  }

  /** Wait until everything that the store has acknowledged is here. */
  async fresh(): Promise<void> {
    let revision: number
    try {
      revision = (await this.#store.get([])).revision
    } catch (error) {
      throw storeProblem(error)
    }
    await this.reach(revision)
  }

  /** Wait until this revision is here. */
  async reach(revision: number): Promise<void> {
    if (this.revision >= revision) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = setTimeout(() => reject(new Problem('store-away', 'the store reports no changes', { retryAfter: 1 })), reachTimeoutMs)
    this.#waiters.push({ revision, resolve })
    try {
      await promise
    } finally {
      clearTimeout(timer)
    }
  }

  /** Who has a unique thing, or since when it is free. */
  claim = (key: string): Claim | undefined => parsed(this.#claims.get(key))
  /** The id that has a name. */
  nameHolder = (key: string): string | undefined => this.#claims.get(key)?.text
  /** What fails of a vnic, as the API of its host has written it down. */
  exceptionOf = (vnic: string): Exception | undefined =>
    this.excepted.has(vnic) ? (this.claim(exceptionKey(vnic))?.value as Exception | undefined) : undefined
  /** What is left of a destroyed object, by its key. */
  gone = (key: string): { value: GoneRecord; modified: number } | undefined => parsed(this.#gone.get(key))

  /** Whether a revision has been here for so long. */
  isOlder(revision: number, ms: number): boolean {
    const newest = this.#batches.findLast((batch) => batch.at <= this.hosts.elapsed() - ms)?.revision ?? this.oldest
    return revision <= newest
  }

  /** What one revision changed; undefined when it is not kept, or has no object. */
  batchAt = (revision: number): Batch | undefined => this.#batches.findLast((batch) => batch.revision === revision)

  /**
   * Tell of each later batch. Undefined means that some were missed: list again. Gives the batches after a revision, or
   * undefined when they are not kept, and a way to end.
   */
  listen(after: number, listener: (batch: Batch | undefined) => void): { missed: readonly Batch[] | undefined; end: () => void } {
    this.#listeners.add(listener)
    const missed =
      after < this.oldest || after > this.revision
        ? undefined
        : this.#batches.slice(this.#batches.findLastIndex(({ revision }) => revision <= after) + 1)
    return { missed, end: () => void this.#listeners.delete(listener) }
  }
}

/** An audit record is written in the transaction of its change. */
const auditsOf = (changes: readonly Change[]): AuditRecord[] =>
  changes.flatMap(({ key, value }) =>
    key.startsWith('au/') && value !== undefined ? [{ ...(JSON.parse(value) as AuditRecord), key }] : [],
  )

const parsed = <T>(kept: Kept | undefined): { value: T; modified: number } | undefined =>
  kept && { value: JSON.parse(kept.text) as T, modified: kept.modified }

const changed = (before: Stored | undefined, after: Stored | undefined): ObjectChange | undefined =>
  before === undefined && after === undefined ? undefined : { before, after }
