/**
 * The store of the control plane as everybody above it sees it: text values under ordered keys, transactions with
 * conditions, one revision for the whole store, and a watch. SQLite and etcd are behind it, and one suite tests both.
 */
import type { LeaseId } from './lease.ts'
import { StoreError } from './store-error.ts'

/** Both drivers refuse what is larger. Each number is the smaller one of what the two stores can do. */
export const limits = {
  /** etcd takes 128, and its driver needs one for itself. */
  conditions: 127,
  writes: 127,
  /** Keys and values of all writes and conditions together. */
  commitBytes: 1 << 20,
  valueBytes: 64 << 10,
  keyBytes: 512,
} as const

/** A key, its value, and who wrote it when. */
export interface Entry {
  /** 1 to 512 printable ASCII characters without spaces; the first is not `~`. Entries are ordered by it. */
  readonly key: string
  readonly value: string
  /** The revision that created the key; a key that was deleted and written again has a new one. */
  readonly created: number
  /** The revision of the last write. */
  readonly modified: number
  /** The lease that the key goes with; undefined: none. */
  readonly lease?: LeaseId
}

/** Keys from `from` up to, not with, `to`. */
export interface KeyRange {
  readonly from: string
  readonly to: string
}

/** A prefix, as text, or a range. The prefix '' is everything. */
export type Keys = string | KeyRange

export interface RangeOptions {
  /** Only keys after this one: the last key of the page before. */
  readonly after?: string | undefined
  /** At most so many entries. Without it, all. */
  readonly limit?: number | undefined
  /** Leave the values empty. */
  readonly keysOnly?: boolean | undefined
}

export interface RangeResult {
  readonly entries: readonly Entry[]
  /** The store's revision at which all of them are true. A watch after it misses nothing. */
  readonly revision: number
  /** There are more keys after the last one. */
  readonly more: boolean
}

export type Condition =
  | { readonly kind: 'absent'; readonly key: string }
  | { readonly kind: 'exists'; readonly key: string }
  /** The last write of the key is of this revision. */
  | { readonly kind: 'at'; readonly key: string; readonly revision: number }
  /** No key has this prefix. */
  | { readonly kind: 'empty'; readonly prefix: string }

export type Write =
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly lease?: LeaseId | undefined }
  /** Deleting an absent key changes nothing, and is no error. */
  | { readonly kind: 'del'; readonly key: string }

export const absent = (key: string): Condition => ({ kind: 'absent', key })
export const exists = (key: string): Condition => ({ kind: 'exists', key })
export const at = (key: string, revision: number): Condition => ({ kind: 'at', key, revision })
export const empty = (prefix: string): Condition => ({ kind: 'empty', prefix })
export const put = (key: string, value: string, lease?: LeaseId): Write => ({ kind: 'put', key, value, ...(lease && { lease }) })
export const del = (key: string): Write => ({ kind: 'del', key })

/** All writes happen when all conditions are true, else none. No key is written twice in one commit. */
export interface Commit {
  readonly if: readonly Condition[]
  readonly write: readonly Write[]
}

export type CommitResult =
  /** `revision` is the store's after the commit. If the commit changed something, that change has this revision. */
  | { readonly ok: true; readonly revision: number }
  /** The first condition that is false, and for one about a key the entry that there is. Nothing was written. */
  | { readonly ok: false; readonly revision: number; readonly failed: Condition; readonly found: Entry | undefined }

/** One key that a revision changed. */
export interface Change {
  readonly key: string
  /** Undefined: the key was deleted. */
  readonly value: string | undefined
  /** As in `Entry`; a deletion has 0. */
  readonly created: number
  readonly lease?: LeaseId
}

export type WatchItem =
  /** All changes of one revision below the watched keys, in the order of the keys. */
  | { readonly kind: 'changes'; readonly revision: number; readonly changes: readonly Change[] }
  /** All changes up to this revision have been given. Comes now and then, also when nothing happens. */
  | { readonly kind: 'progress'; readonly revision: number }
  /** The changes after the last item are no longer to be had, and the watch has ended: list again, watch after that. */
  | { readonly kind: 'reset'; readonly reason: string }

export interface WatchOptions {
  /** Give all changes of later revisions. */
  readonly after: number
  /** Ends the watch. */
  readonly signal?: AbortSignal | undefined
}

/** Keys put with a lease go when it ends. The store keeps it alive until it is released, or this process is gone. */
export interface Lease extends AsyncDisposable {
  readonly id: LeaseId
  /** Aborted when the lease has ended, or when nobody can say that it has not. */
  readonly lost: AbortSignal
  /** End it now: its keys are deleted. */
  release(): Promise<void>
}

/** What a store says about itself. */
export interface StoreStatus {
  readonly kind: 'sqlite' | 'etcd'
  readonly version: string
  readonly revision: number
  /** Watches can start after this revision, and later. */
  readonly compacted: number
  readonly bytes: number
  /** Whatever a person should know: an old version, a member away. */
  readonly warnings: readonly string[]
  readonly members?: readonly MemberStatus[]
}

/** How much room a store has. */
export interface StoreRoom {
  /** Bytes that are used. */
  readonly used: number
  /** Bytes that there can be: the quota of etcd; for a file, what its disk still has, too. */
  readonly most: number
  /** It takes no writes. */
  readonly isFull: boolean
}

export interface MemberStatus {
  readonly endpoint: string
  readonly version?: string
  readonly isLeader?: boolean
  readonly bytes?: number
  /** Why it does not answer. */
  readonly error?: string
}

/** Everything at one revision, without what goes with a lease. */
export interface Snapshot extends AsyncDisposable {
  readonly revision: number
  readonly entries: AsyncIterable<Entry>
}

/**
 * A store. Reads are linearizable: they see every commit that was acknowledged before they began. All calls throw
 * `StoreError`. `outcome-unknown` alone, and of `commit` alone, means that the writes may have happened or may still.
 */
export interface Store extends AsyncDisposable {
  /** The entries of keys, undefined for those that are absent, all of one revision. At most 127 keys. */
  get(keys: readonly string[]): Promise<{ readonly entries: readonly (Entry | undefined)[]; readonly revision: number }>
  range(keys: Keys, options?: RangeOptions): Promise<RangeResult>
  commit(commit: Commit): Promise<CommitResult>
  watch(keys: Keys, options: WatchOptions): AsyncIterable<WatchItem>
  lease(ttlMs: number): Promise<Lease>
  /** Forget the changes before this revision, and perhaps its own. Watches that still need them are reset. */
  compact(revision: number): Promise<void>
  snapshot(): Promise<Snapshot>
  /** Fill an empty store. Refuses one with keys. The store's revision becomes at least `revision`, if it can. */
  restore(entries: AsyncIterable<{ readonly key: string; readonly value: string }>, revision: number): Promise<void>
  status(): Promise<StoreStatus>
  /** Cheap: it may be asked each second. */
  room(): Promise<StoreRoom>
  /** Give room back that is not used, and take writes again. It forgets all old changes. */
  makeRoom(): Promise<void>
}

/** The first key after all keys with this prefix. The prefix '' ends where the keys of drivers begin. */
export function prefixEnd(prefix: string): string {
  if (prefix === '') return '~'
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
}

/** The range of a prefix or range, after a key. */
export function rangeOf(keys: Keys, after?: string): KeyRange {
  const { from, to } = typeof keys === 'string' ? { from: keys, to: prefixEnd(keys) } : keys
  return after === undefined || `${after}\0` < from ? { from, to } : { from: `${after}\0`, to }
}

/** Throws unless this is a key that stores take. */
export function checkKey(key: string): void {
  if (!/^(?!~)[!-~]+$/.test(key))
    throw new StoreError('invalid', `the key ${JSON.stringify(key)} is not of printable ASCII characters, the first not '~'`)
  if (key.length > limits.keyBytes)
    throw new StoreError('limit', `the key ${key.slice(0, 40)}… has ${key.length} bytes; a key has ${limits.keyBytes} at most`)
}
