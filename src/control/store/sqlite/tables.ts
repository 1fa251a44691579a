/** The tables of the SQLite store: one commit, and the reads. Synchronous; knows nothing of who waits. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { LeaseId } from '../lease.ts'
import { prefixEnd, type Change, type Commit, type CommitResult, type Condition, type Entry, type KeyRange, type Write } from '../store.ts'

type Row = Record<string, SQLInputValue>

const statements = {
  get: 'SELECT * FROM kv WHERE key = ?',
  first: 'SELECT 1 FROM kv WHERE key >= ? AND key < ? LIMIT 1',
  range: 'SELECT * FROM kv WHERE key >= ? AND key < ? ORDER BY key LIMIT ?',
  keys: `SELECT key, '' AS value, created, modified, lease FROM kv WHERE key >= ? AND key < ? ORDER BY key LIMIT ?`,
  put: `INSERT INTO kv (key, value, created, modified, lease) VALUES (?1, ?2, ?3, ?3, ?4)
    ON CONFLICT (key) DO UPDATE SET value = ?2, modified = ?3, lease = ?4 RETURNING created`,
  del: 'DELETE FROM kv WHERE key = ?',
  log: 'INSERT INTO log (revision, key, value, created, lease, time) VALUES (?, ?, ?, ?, ?, ?)',
  ofLease: 'SELECT key FROM kv WHERE lease = ? ORDER BY key',
  leased: 'SELECT key FROM kv WHERE lease IS NOT NULL ORDER BY key',
  meta: 'SELECT value FROM meta WHERE name = ?',
  setMeta: 'UPDATE meta SET value = ? WHERE name = ?',
  batchEnd: 'SELECT revision FROM log WHERE revision > ? ORDER BY revision LIMIT 1 OFFSET ?',
  changes: `SELECT revision, key, value, created, lease FROM log
    WHERE revision > ? AND revision <= ? AND key >= ? AND key < ? ORDER BY revision, key`,
  timeOf: 'SELECT time FROM log WHERE revision >= ? ORDER BY revision LIMIT 1',
  forget: 'DELETE FROM log WHERE revision <= ?',
} as const

/** Changes of one revision. */
export interface Revision {
  readonly revision: number
  readonly changes: readonly Change[]
}

export class Tables {
  readonly #statements: Readonly<Record<keyof typeof statements, StatementSync>>
  revision: number
  compacted: number

  constructor(db: DatabaseSync) {
    const prepared = Object.entries(statements).map(([name, sql]) => [name, db.prepare(sql)])
    this.#statements = Object.fromEntries(prepared) as Record<keyof typeof statements, StatementSync>
    this.revision = this.#meta('revision')
    this.compacted = this.#meta('compacted')
  }

  #meta(name: string): number {
    return this.#statements.meta.get(name)!['value'] as number
  }

  /** Take the numbers of the file again, after a transaction that was taken back. */
  reload(): void {
    this.revision = this.#meta('revision')
    this.compacted = this.#meta('compacted')
  }

  writeNumbers(): void {
    this.#statements.setMeta.run(this.revision, 'revision')
    this.#statements.setMeta.run(this.compacted, 'compacted')
  }

  get(key: string): Entry | undefined {
    const row = this.#statements.get.get(key)
    return row && entryOf(row)
  }

  range({ from, to }: KeyRange, limit: number, keysOnly: boolean): Entry[] {
    return this.#statements[keysOnly ? 'keys' : 'range'].all(from, to, limit).map(entryOf)
  }

  /** Do the commit inside a transaction of the caller. */
  apply({ if: conditions, write: writes }: Commit): CommitResult {
    for (const condition of conditions) {
      const found = condition.kind === 'empty' ? undefined : this.get(condition.key)
      if (!this.#holds(condition, found)) return { ok: false, revision: this.revision, failed: condition, found }
    }
    const time = Date.now()
    let isChanged = false
    for (const write of writes) isChanged = this.#write(write, this.revision + 1, time) || isChanged
    if (isChanged) this.revision++
    return { ok: true, revision: this.revision }
  }

  #holds(condition: Condition, found: Entry | undefined): boolean {
    switch (condition.kind) {
      case 'absent':
        return found === undefined
      case 'exists':
        return found !== undefined
      case 'at':
        return found?.modified === condition.revision
      case 'empty':
        return this.#statements.first.get(condition.prefix, prefixEnd(condition.prefix)) === undefined
    }
  }

  /** Does the write change anything? */
  #write(write: Write, revision: number, time: number): boolean {
    const { key } = write
    if (write.kind === 'put') {
      const lease = write.lease ?? null
      const { created } = this.#statements.put.get(key, write.value, revision, lease)!
      this.#statements.log.run(revision, key, write.value, created as number, lease, time)
      return true
    }
    if (Number(this.#statements.del.run(key).changes) === 0) return false
    this.#statements.log.run(revision, key, null, 0, null, time)
    return true
  }

  /** Keys that go with one lease, or with any. */
  leased(lease?: LeaseId): string[] {
    const rows = lease === undefined ? this.#statements.leased.all() : this.#statements.ofLease.all(lease)
    return rows.map(({ key }) => key as string)
  }

  /** Delete keys in one revision, however many. */
  deleteAll(keys: readonly string[]): void {
    const time = Date.now()
    for (const key of keys) this.#write({ kind: 'del', key }, this.revision + 1, time)
    if (keys.length > 0) this.revision++
  }

  /** Changes after a revision, some thousand rows, whole revisions; and the revision up to which they go. */
  changes(after: number, { from, to }: KeyRange): { readonly upTo: number; readonly revisions: readonly Revision[] } {
    const end = this.#statements.batchEnd.get(after, 2000)
    const upTo = end === undefined ? this.revision : (end['revision'] as number)
    const revisions: { revision: number; changes: Change[] }[] = []
    for (const row of this.#statements.changes.all(after, upTo, from, to)) {
      const revision = row['revision'] as number
      if (revisions.at(-1)?.revision !== revision) revisions.push({ revision, changes: [] })
      revisions.at(-1)!.changes.push(changeOf(row))
    }
    return { upTo, revisions }
  }

  /** The last revision before `time`, by halving: times rise with revisions, unless somebody sets the clock. */
  lastBefore(time: number): number {
    let [low, high] = [this.compacted, this.revision]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      const found = this.#statements.timeOf.get(middle)?.['time']
      if (typeof found === 'number' && found < time) low = middle
      else high = middle - 1
    }
    return low
  }

  forget(revision: number): void {
    this.#statements.forget.run(revision)
    this.compacted = Math.max(this.compacted, revision)
  }
}

/** An entry from its row. */
export const entryOf = (row: Row): Entry => ({
  key: row['key'] as string,
  value: row['value'] as string,
  created: row['created'] as number,
  modified: row['modified'] as number,
  ...(row['lease'] !== null && { lease: row['lease'] as LeaseId }),
})

const changeOf = (row: Row): Change => ({
  key: row['key'] as string,
  value: (row['value'] as string | null) ?? undefined,
  created: row['created'] as number,
  ...(row['lease'] !== null && { lease: row['lease'] as LeaseId }),
})
