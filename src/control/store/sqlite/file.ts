/** The file of the SQLite store: who may open it, its tables, and what SQLite says when something is wrong with it. */
import { closeSync, existsSync, fchownSync, openSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileProblem, isDenied } from '#system/file-problem.ts'
import { StoreError } from '../store-error.ts'

/** In the header of the file: 'vpc' and the kind of the file. */
const applicationId = 0x76706301
const version = 1

const schema = `
  CREATE TABLE kv (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    lease TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX kv_by_lease ON kv (lease) WHERE lease IS NOT NULL;
  -- What each revision changed, for watches. A value of NULL is a deletion.
  CREATE TABLE log (
    revision INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT,
    created INTEGER NOT NULL,
    lease TEXT,
    time INTEGER NOT NULL,
    PRIMARY KEY (revision, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('revision', 1), ('compacted', 1);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${version};
`

/** The file, open for one process. */
export interface OpenFile extends Disposable {
  readonly path: string
  readonly db: DatabaseSync
}

/** Open the file, or make it. Throws StoreError when another process has it, or when it is not a store. */
export function openFile(path: string): OpenFile {
  // Whoever comes by a link gets the same lock.
  const real = existsSync(path) ? realpathSync(path) : path
  const lock = takeLock(`${real}-lock`, path)
  try {
    makePrivately(path)
    const db = new DatabaseSync(path)
    try {
      prepare(db, path)
    } catch (error) {
      db.close()
      throw error
    }
    return {
      path,
      db,
      [Symbol.dispose]() {
        db.close()
        lock.close()
      },
    }
  } catch (error) {
    lock.close()
    throw storeError(error, `open ${path}`)
  }
}

/**
 * Make the file, for its owner alone: it keeps what accounts keep secret. A file that is there is not even opened: when
 * a process closes a file, it loses its locks on it, those of SQLite too. Root makes it for the user who has the
 * directory: the API has it next.
 */
function makePrivately(path: string): void {
  try {
    const fd = openSync(path, 'wx', 0o600)
    const { uid, gid } = statSync(dirname(path))
    if (process.geteuid!() === 0 && uid !== 0) fchownSync(fd, uid, gid)
    closeSync(fd)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    throw new StoreError(
      isDenied(code) ? 'denied' : 'unusable',
      `cannot make the store ${path}: ${fileProblem(error)}; make its directory, or name another`,
    )
  }
}

function prepare(db: DatabaseSync, path: string): void {
  const found = pragma(db, 'application_id')
  const isNew = found === 0 && pragma(db, 'schema_version') === 0
  if (!isNew) checkKind(found, pragma(db, 'user_version'), path)
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000')
  if (isNew) db.exec(`BEGIN IMMEDIATE; ${schema} COMMIT`)
}

function checkKind(found: number, is: number, path: string): void {
  if (found !== applicationId) throw new StoreError('unusable', `${path} is an SQLite file, but not a store of vpc; name another file`)
  if (is !== version)
    throw new StoreError('unusable', `the store ${path} has version ${is}, this vpc knows ${version}; use the vpc that wrote it`)
}

/** The number that a pragma returns. */
export const pragma = (db: DatabaseSync, name: string): number => Number(Object.values(db.prepare(`PRAGMA ${name}`).get()!)[0])

/**
 * A lock that the kernel drops with the process: a write transaction on a file of its own, which has the holder's
 * process id for others to read.
 */
function takeLock(path: string, store: string): DatabaseSync {
  makePrivately(path)
  const lock = openLock(path)
  try {
    lock.exec('CREATE TABLE IF NOT EXISTS holder (pid INTEGER NOT NULL)')
    lock.exec(`BEGIN IMMEDIATE; DELETE FROM holder; INSERT INTO holder VALUES (${process.pid}); COMMIT; BEGIN IMMEDIATE`)
    return lock
  } catch (error) {
    const refusal = refusedLock(lock, store, error)
    lock.close()
    throw refusal
  }
}

function openLock(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 0 })
  } catch (error) {
    throw storeError(error, `open ${path}`)
  }
}

function refusedLock(lock: DatabaseSync, store: string, error: unknown): StoreError {
  if (codeOf(error) !== sqlite.busy) return storeError(error, `lock ${store}`)
  let holder = 'another process'
  try {
    holder = `process ${lock.prepare('SELECT pid FROM holder').get()!['pid'] as number}`
  } catch {
    // It is just writing its number.
  }
  return new StoreError(
    'locked',
    `${holder} has the store ${store} open, and one process at a time may; ask that one, or move to etcd: vpc db export, vpc db import`,
  )
}

/** Primary result codes of sqlite3.h. */
const sqlite = { busy: 5, readOnly: 8, io: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 } as const

const codeOf = (error: unknown): number => ((error as { errcode?: number }).errcode ?? 0) & 0xff

/** An error of SQLite as one of the store; other errors stay what they are. */
export function storeError(error: unknown, what: string): StoreError {
  if (error instanceof StoreError) return error
  const { message } = error as Error
  switch (codeOf(error)) {
    case sqlite.full:
      return new StoreError('full', `cannot ${what}: the disk is full; nothing was written; make room`, { cause: error })
    case sqlite.readOnly:
    case sqlite.cannotOpen: {
      const way = `this process is user ${process.geteuid!()}, who must own it and the files beside it: chown(1)`
      return new StoreError('denied', `cannot ${what}: ${message}; ${way}`, { cause: error })
    }
    case sqlite.corrupt:
    case sqlite.notADatabase:
      return new StoreError('unusable', `cannot ${what}: ${message}; restore the file from a backup`, { cause: error })
    default:
      return new StoreError('away', `cannot ${what}: ${message}`, { cause: error })
  }
}

/** Did the disk fail, so that nobody knows what is on it? */
export const isDiskFailure = (error: unknown): boolean => codeOf(error) === sqlite.io
