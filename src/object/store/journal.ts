/**
 * The journal: all that outlives vpcd, in one SQLite file. A transaction counts once it is on the disk, so writing it
 * is the moment at which an operation has happened.
 */
import { chmodSync, closeSync, constants, existsSync, openSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Id } from '#abi/id.ts'
import { isUnitType } from '#abi/object-type.ts'
import { drain, type Steps } from '#abi/steps.ts'
import { beforeStep } from '#datapath/step.ts'
import { currentVersion, upgradeRow, wayOut } from './versions.ts'

const schema = `
  CREATE TABLE object (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    unit INTEGER NOT NULL,
    settings TEXT NOT NULL,
    UNIQUE (type, unit)
  ) STRICT, WITHOUT ROWID;
  -- Entries of muxes and neighbours of switches, in the order in which they were set and deleted; a snapshot starts anew.
  CREATE TABLE entries (
    sequence INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('set', 'delete')),
    body BLOB NOT NULL
  ) STRICT;
  CREATE INDEX entries_by_owner ON entries (owner);
`

const putObject = `
  INSERT INTO object (id, type, unit, settings) VALUES (?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET unit = excluded.unit, settings = excluded.settings
`

/** An object as the journal has it; `settings` is JSON. */
export interface JournalRow {
  readonly id: Id
  readonly type: string
  readonly unit: number
  readonly settings: string
}

export type EntryAction = 'set' | 'delete'

/** Entries that were set or deleted together, in the layout of the ABI. */
export interface EntryBatch {
  readonly action: EntryAction
  readonly body: Uint8Array
}

/** The journal's file cannot be used. */
export class JournalUnusable extends Error {}

export class Journal implements Disposable {
  readonly #db: DatabaseSync
  readonly #putObject: StatementSync
  readonly #removeObject: StatementSync
  readonly #append: StatementSync
  readonly #forget: StatementSync
  readonly #batches: StatementSync

  private constructor(db: DatabaseSync) {
    this.#db = db
    this.#putObject = db.prepare(putObject)
    this.#removeObject = db.prepare('DELETE FROM object WHERE id = ?')
    this.#append = db.prepare('INSERT INTO entries (owner, action, body) VALUES (?, ?, ?)')
    this.#forget = db.prepare('DELETE FROM entries WHERE owner = ?')
    this.#batches = db.prepare('SELECT action, body FROM entries WHERE owner = ? ORDER BY sequence')
  }

  /** Open the file, or makes it. Throws JournalUnusable for a file of a later vpcd, or a damaged one. */
  static open(path: string): Journal {
    keepPrivate(path)
    const db = new DatabaseSync(path)
    try {
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000')
      prepareSchema(db, path)
      return new Journal(db)
    } catch (error) {
      db.close()
      if (error instanceof JournalUnusable) throw error
      const why = error instanceof Error ? error.message : String(error)
      throw new JournalUnusable(`journal ${path} cannot be read: ${why}; restore it, or move it away to start empty`, { cause: error })
    }
  }

  /** All or nothing: when this returns, what `write` did is on the disk. */
  transact(write: () => void): void {
    drain(
      // oxlint-disable-next-line require-yield
      this.transactInSteps(function* (): Steps<void> {
        write()
      }),
    )
  }

  /** The same in steps. Nobody else may write meanwhile. */
  *transactInSteps(write: () => Steps<void>): Steps<void> {
    beforeStep('journal begin')
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      yield* write()
      beforeStep('journal commit')
      this.#db.exec('COMMIT')
      beforeStep('journal committed')
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  objects(): JournalRow[] {
    return this.#db.prepare('SELECT id, type, unit, settings FROM object ORDER BY type, unit').all() as unknown as JournalRow[]
  }

  putObject({ id, type, unit, settings }: JournalRow): void {
    this.#putObject.run(id, type, unit, settings)
  }

  /** With all its entries. */
  removeObject(id: Id): void {
    this.#removeObject.run(id)
    this.#forget.run(id)
  }

  /** Write that entries were set or deleted. */
  appendEntries(owner: Id, action: EntryAction, body: Uint8Array): void {
    this.#append.run(owner, action, body)
  }

  /** Replace all entries of an object. */
  replaceEntries(owner: Id, body: Uint8Array): void {
    this.#forget.run(owner)
    if (body.length > 0) this.#append.run(owner, 'set', body)
  }

  /** The entries of an object, in the order in which they were set and deleted. */
  entries(owner: Id): EntryBatch[] {
    return this.#batches.all(owner) as unknown as EntryBatch[]
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }
}

/** Make the tables of an empty file, or bring those of an earlier version to this one. */
function prepareSchema(db: DatabaseSync, path: string): void {
  const version = Number((db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version)
  if (version === currentVersion) return
  if (version > currentVersion || version < 0)
    throw new JournalUnusable(`journal ${path} has version ${version}, this vpcd knows ${currentVersion}; ${wayOut}`)
  db.exec('BEGIN IMMEDIATE')
  if (version === 0) db.exec(schema)
  for (let from = version; from > 0 && from < currentVersion; from++) migrate(db, path, from)
  db.exec(`PRAGMA user_version = ${currentVersion}; COMMIT`)
}

/** Write all rows of a version as the next one has them. */
function migrate(db: DatabaseSync, path: string, from: number): void {
  const put = db.prepare('UPDATE object SET settings = ? WHERE id = ?')
  for (const { id, type, unit, settings } of db.prepare('SELECT id, type, unit, settings FROM object').all() as unknown as JournalRow[]) {
    try {
      if (!isUnitType(type)) throw new Error(`'${type}' is not a type that this vpcd knows; ${wayOut}`)
      put.run(JSON.stringify(upgradeRow(from, type, JSON.parse(settings))), id)
    } catch (error) {
      throw new JournalUnusable(
        `journal ${path} of version ${from}: the row of ${type}${unit} (${id}) cannot be read: ${(error as Error).message}`,
        { cause: error },
      )
    }
  }
}

/** The journal has what guests are told, such as user data with passwords. SQLite gives its other files this mode. */
function keepPrivate(path: string): void {
  if (path === ':memory:') return
  closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600))
  for (const file of [path, `${path}-wal`, `${path}-shm`]) if (existsSync(file)) chmodSync(file, 0o600)
}
