/**
 * The agent's cache: the items and the revision that it had last, in a file. It is a cache: when it cannot be read the
 * agent starts without it, and when it cannot be written the agent goes on without it.
 */
import { createHash } from 'node:crypto'
import { chmodSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { itemKey, type FeedItem } from '#feed/item.ts'
import type { Log } from '#system/log.ts'
import type { Changes } from './feed/gathering.ts'

/** How long a change may be in memory alone. */
const writeBehindMs = 100
/** What could not be written is tried again after so long, and a revision that changes no item may wait as long. */
const againMs = 10_000

/** Layout of the file and of items: the feed tells no item again because it has a new field. */
const layout = 2

/** What a start finds. */
export interface Cached {
  readonly items: readonly FeedItem[]
  /** What the host has in the place of items that vpcd refused. */
  readonly instead: readonly FeedItem[]
  /** Null: the feed must tell all. */
  readonly revision: string | null
}

const revisionKey = 'revision'
const insteadPrefix = 'instead/'

const sumOf = (key: string, text: string): Buffer => createHash('sha256').update(key).update('\0').update(text).digest().subarray(0, 8)

/** SQLITE_FULL of sqlite3.h, with what it says besides; or a file that found no room. */
const isFull = (error: unknown): boolean => {
  const { errcode, code } = error as { readonly errcode?: number; readonly code?: string }
  return (Number(errcode) & 0xff) === 13 || code === 'ENOSPC'
}

export class Cache {
  readonly path: string
  readonly #log: Log
  #db: DatabaseSync | undefined
  #put: StatementSync | undefined
  #delete: StatementSync | undefined
  #pending = new Map<string, string | null>()
  #instead = new Map<string, FeedItem>()
  #timer: NodeJS.Timeout | undefined
  /** The timer is that of a change, not that of a retry. */
  #isSoon = false
  #isClosed = false
  /** Why it is not written; null: it is. */
  trouble: string | null = null

  private constructor(path: string, log: Log) {
    this.path = path
    this.#log = log
  }

  /** Open the cache of a state directory, and read it. What cannot be read is thrown away. */
  static open(stateDir: string, log: Log): { readonly cache: Cache; readonly cached: Cached } {
    const cache = new Cache(join(stateDir, 'cache.db'), log)
    return { cache, cached: cache.#start() }
  }

  /** Write it within 100 ms. A revision alone waits: after a start the API is told what there is, and compares. */
  keep({ put, gone, revision }: Changes): void {
    for (const item of put) this.#pending.set(itemKey(item), JSON.stringify(item))
    for (const item of gone) this.#pending.set(itemKey(item), null)
    this.#pending.set(revisionKey, revision)
    if (put.length > 0 || gone.length > 0) this.#later()
    else this.#timer ??= setTimeout(() => this.flush(), againMs).unref()
  }

  /** The same with what the host has in the place of refused items: all of it. */
  keepInstead(items: ReadonlyMap<string, FeedItem>): void {
    const changed = [...items].filter(([key, item]) => this.#instead.get(key) !== item)
    for (const [key, item] of changed) this.#pending.set(`${insteadPrefix}${key}`, JSON.stringify(item))
    const went = [...this.#instead.keys()].filter((key) => !items.has(key))
    for (const key of went) this.#pending.set(`${insteadPrefix}${key}`, null)
    if (changed.length === 0 && went.length === 0) return
    this.#instead = new Map(items)
    this.#later()
  }

  /** Soon, also when a slow retry waits. */
  #later(): void {
    if (this.#isSoon) return
    clearTimeout(this.#timer)
    this.#isSoon = true
    this.#timer = setTimeout(() => this.flush(), writeBehindMs)
  }

  /** Whether something is in memory alone. */
  get isBehind(): boolean {
    return this.#pending.size > 0
  }

  /** Write now what is to be written. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isSoon = false
    if (this.#pending.size === 0) return
    try {
      this.#write()
      if (this.trouble !== null) this.#log.info('the cache is written again', { path: this.path })
      this.trouble = null
    } catch (error) {
      this.#giveUp(error)
    }
  }

  close(): void {
    this.#isClosed = true
    this.flush()
    this.#db?.close()
    this.#db = undefined
  }

  #start(): Cached {
    try {
      return this.#read()
    } catch (error) {
      this.#log.warn('the cache cannot be read; starting without it', { path: this.path, error: (error as Error).message })
      this.#throwAway()
      return { items: [], instead: [], revision: null }
    }
  }

  #read(): Cached {
    const db = this.#open()
    const rows = db.prepare('SELECT key, text, sum FROM items').all() as { key: string; text: string; sum: Uint8Array }[]
    const bad = rows.find(({ key, text, sum }) => !sumOf(key, text).equals(sum))
    if (bad !== undefined) throw new Error(`row ${bad.key} is damaged`)
    const revision = rows.find(({ key }) => key === revisionKey)?.text ?? null
    const items: FeedItem[] = []
    const instead: FeedItem[] = []
    for (const { key, text } of rows) {
      if (key === revisionKey) continue
      const item = JSON.parse(text) as FeedItem
      if (!key.startsWith(insteadPrefix)) items.push(item)
      else instead.push(item)
    }
    this.#instead = new Map(instead.map((item) => [itemKey(item), item]))
    return { items, instead, revision }
  }

  #open(): DatabaseSync {
    const db = new DatabaseSync(this.path)
    this.#db = db
    chmodSync(this.path, 0o600)
    // A process that is killed loses nothing; a machine that loses power may lose the last changes, never the file.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -512')
    const { user_version: found } = db.prepare('PRAGMA user_version').get() as { user_version: number }
    if (found !== 0 && found !== layout) throw new Error(`its layout is ${found}, and this agent writes ${layout}`)
    db.exec(`PRAGMA user_version = ${layout}; CREATE TABLE IF NOT EXISTS items (key TEXT PRIMARY KEY, text TEXT, sum BLOB) WITHOUT ROWID`)
    this.#put = db.prepare('INSERT OR REPLACE INTO items (key, text, sum) VALUES (?, ?, ?)')
    this.#delete = db.prepare('DELETE FROM items WHERE key = ?')
    return db
  }

  #write(): void {
    const db = this.#db ?? this.#open()
    db.exec('BEGIN')
    try {
      for (const [key, text] of this.#pending) {
        if (text === null) this.#delete!.run(key)
        else this.#put!.run(key, text, sumOf(key, text))
      }
      db.exec('COMMIT')
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
    this.#pending = new Map()
  }

  /** Keep what is to be written: it is tried again with the next change, and after a while. */
  #giveUp(error: unknown): void {
    const message = isFull(error) ? `the disk of ${this.path} is full; make room there` : (error as Error).message
    if (this.trouble === null) this.#log.warn('the cache cannot be written; going on without it', { path: this.path, error: message })
    this.trouble = message
    if (!this.#isClosed) this.#timer ??= setTimeout(() => this.flush(), againMs).unref()
  }

  #throwAway(): void {
    try {
      this.#db?.close()
      this.#db = undefined
      for (const end of ['', '-wal', '-shm']) rmSync(`${this.path}${end}`, { force: true })
    } catch (error) {
      this.#giveUp(error)
    }
  }
}
