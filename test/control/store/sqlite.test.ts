/** The SQLite store: the suite of all stores, and what concerns its file. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { openSqliteStore } from '#control/store/sqlite/sqlite-store.ts'
import { at, put } from '#control/store/store.ts'
import { StoreError, type StoreErrorCode } from '#control/store/store-error.ts'
import { conformance } from './conformance.ts'
import { FaultyStore } from './faulty-store.ts'
import { agreesWithModel } from './random-history.ts'
import { killAtEachStep, writer } from './sqlite-killed.ts'

const refused =
  (code: StoreErrorCode, message: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof StoreError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  }

const directory = mkdtempSync(join(tmpdir(), 'vpc-store-'))
after(() => rmSync(directory, { recursive: true }))

let count = 0
const fresh = (): string => join(directory, `${count++}.db`)
conformance('sqlite', async () => openSqliteStore(fresh(), { progressMs: 50 }))

test('killed at each step: no commit that was acknowledged is lost, and none is half there', async () => {
  const killed = mkdtempSync('/dev/shm/vpc-store-')
  try {
    assert.ok((await killAtEachStep((step) => join(killed, `${step}.db`))) > 12)
  } finally {
    rmSync(killed, { recursive: true })
  }
})

test('a file belongs to one process, and a wrong file is refused and left alone', async () => {
  const path = join(directory, 'one.db')
  await using store = openSqliteStore(path)
  assert.throws(() => openSqliteStore(path), refused('locked', new RegExp(`process ${process.pid} has the store .*one.db open`)))
  const { status, stdout } = spawnSync(process.execPath, [writer, path, '-1'], { encoding: 'utf8' })
  assert.notEqual(status, 0)
  assert.equal(stdout, '')
  await store.commit({ if: [], write: [put('a', '')] })
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const bad: readonly (readonly [string, RegExp, (path: string) => void])[] = [
    [
      'text.db',
      /file is not a database; restore/,
      (path) => writeFileSync(path, 'not a database, by no means a database at all'.repeat(99)),
    ],
    ['other.db', /not a store of vpc/, (path) => sqlite(path, 'CREATE TABLE x (y)')],
    ['later.db', /has version 99, this vpc knows \d+; use the vpc that wrote it/, later],
  ]
  for (const [name, message, make] of bad) {
    const path = join(directory, name)
    make(path)
    const before = readFileSync(path)
    assert.throws(() => openSqliteStore(path), refused('unusable', message))
    assert.deepEqual(readFileSync(path), before)
  }
  assert.throws(() => openSqliteStore(join(directory, 'missing/x.db')), refused('unusable', /make its directory/))
})

const sqlite = (path: string, sql: string): void => {
  const db = new DatabaseSync(path)
  db.exec(sql)
  db.close()
}

function later(path: string): void {
  openSqliteStore(path)[Symbol.asyncDispose]()
  sqlite(path, 'PRAGMA user_version = 99; PRAGMA journal_mode = DELETE')
}

test('a full disk refuses a commit as a whole, and the next one works when there is room', async () => {
  const mount = join(directory, 'small')
  mkdirSync(mount)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount])
  try {
    await using store = openSqliteStore(join(mount, 'x.db'))
    const filler = join(mount, 'filler')
    await store.commit({ if: [], write: [put('a', '1')] })
    try {
      writeFileSync(filler, Buffer.alloc(1 << 20))
    } catch {
      // Now it is full.
    }
    const large = Array.from({ length: 8 }, (_, n) => put(`large/${n}`, 'x'.repeat(60_000)))
    await assert.rejects(
      store.commit({ if: [], write: [put('a', '2'), ...large] }),
      refused('full', /the disk is full; nothing was written; make room/),
    )
    assert.deepEqual(
      (await store.range('')).entries.map(({ key, value }) => [key, value]),
      [['a', '1']],
    )
    rmSync(filler)
    assert.ok((await store.commit({ if: [at('a', 2)], write: [put('a', '3')] })).ok)
  } finally {
    execFileSync('umount', [mount])
  }
})

test('old changes are forgotten by age and by number', async () => {
  const keys = (count: number): string[] => Array.from({ length: count }, (_, n) => `k/${n}`)
  await using store = openSqliteStore(join(directory, 'old.db'), { keepMs: 20, keepRevisions: 10, forgetEveryMs: 20, progressMs: 20 })
  for (const key of keys(30)) await store.commit({ if: [], write: [put(key, '')] })
  const { revision } = await store.status()
  while ((await store.status()).compacted < revision - 10) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal((await store.status()).compacted, revision - 10)
  const seen = []
  for await (const item of store.watch('', { after: revision - 10 })) {
    if (item.kind === 'changes') seen.push(item.revision)
    if (item.kind === 'progress') break
    if (seen.length === 10) break
  }
  assert.equal(seen.length, 10)
  assert.equal((await store.range('')).entries.length, 30)
})

test('random histories agree with a model', () => agreesWithModel(async () => openSqliteStore(fresh()), 60))

test('random histories agree with a model although the store makes trouble', async () => {
  const happened: Record<string, number> = {}
  const faults = { delay: 0.3, away: 0.2, unknown: 0.2, repeat: 0.3, reset: 0.1 }
  await agreesWithModel(async () => {
    const store = new FaultyStore(openSqliteStore(fresh()), faults)
    const dispose = store[Symbol.asyncDispose].bind(store)
    store[Symbol.asyncDispose] = () => {
      for (const [fault, count] of Object.entries(store.happened)) happened[fault] = (happened[fault] ?? 0) + count
      return dispose()
    }
    return store
  }, 60)
  for (const fault of Object.keys(faults)) assert.ok(happened[fault]! > 10, `${fault}: ${happened[fault]}`)
})

conformance('sqlite, slow', async () => new FaultyStore(openSqliteStore(fresh(), { progressMs: 20 }), { delay: 0.5 }))
