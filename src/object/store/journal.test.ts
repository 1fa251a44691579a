import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { generateId } from '#abi/id.ts'
import { Journal, JournalUnusable } from './journal.ts'

/** A path in a directory that goes with the test. */
function scratch(): { path: string } & Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-journal-'))
  return { path: join(directory, 'state.db'), [Symbol.dispose]: () => rmSync(directory, { recursive: true }) }
}

const row = (unit: number, settings = '{}') => ({ id: generateId('vmnic'), type: 'vmnic', unit, settings })

test('keeps objects and entries, and forgets entries with their owner', () => {
  using file = scratch()
  const [one, two] = [row(0), row(1)]
  {
    using journal = Journal.open(file.path)
    journal.transact(() => {
      journal.putObject(two)
      journal.putObject(one)
      journal.putObject({ ...two, settings: '{"queues":2}' })
      journal.appendEntries(one.id, 'set', Uint8Array.of(1, 2))
      journal.appendEntries(one.id, 'delete', Uint8Array.of(1))
      journal.appendEntries(two.id, 'set', Uint8Array.of(9))
      journal.replaceEntries(two.id, Uint8Array.of(8))
    })
  }
  using journal = Journal.open(file.path)
  assert.deepEqual(
    journal.objects().map((found) => ({ ...found })),
    [one, { ...two, settings: '{"queues":2}' }],
  )
  const entries = (): unknown[] => [one, two].map(({ id }) => journal.entries(id).map(({ action, body }) => [action, ...body]))
  assert.deepEqual(entries(), [
    [
      ['set', 1, 2],
      ['delete', 1],
    ],
    [['set', 8]],
  ])
  journal.transact(() => {
    journal.removeObject(one.id)
    journal.replaceEntries(two.id, new Uint8Array())
  })
  assert.deepEqual(entries(), [[], []])
})

test('is for its owner alone, also one of before, with all its files', () => {
  using file = scratch()
  writeFileSync(file.path, '', { mode: 0o644 })
  using journal = Journal.open(file.path)
  journal.transact(() => journal.putObject(row(0)))
  for (const name of ['', '-wal', '-shm']) assert.equal(statSync(`${file.path}${name}`).mode & 0o777, 0o600, name)
})

test('a write that fails is not a write, and the next one works', () => {
  using file = scratch()
  using journal = Journal.open(file.path)
  const one = row(0)
  assert.throws(
    () =>
      journal.transact(() => {
        journal.putObject(one)
        throw new Error('no')
      }),
    /no/,
  )
  // Another object of the same unit.
  assert.throws(
    () =>
      journal.transact(() => {
        journal.putObject(one)
        journal.putObject(row(0))
      }),
    /UNIQUE/,
  )
  assert.deepEqual(journal.objects(), [])
  journal.transact(() => journal.putObject(one))
  assert.equal(journal.objects().length, 1)
})

test('refuses a file that a later vpcd wrote, or that is none', () => {
  using file = scratch()
  Journal.open(file.path)[Symbol.dispose]()
  const db = new DatabaseSync(file.path)
  db.exec('PRAGMA user_version = 99')
  db.close()
  assert.throws(
    () => Journal.open(file.path),
    (error) => error instanceof JournalUnusable && /has version 99, this vpcd knows \d+; start the vpcd that wrote it/.test(error.message),
  )
  writeFileSync(file.path, 'not a database, by no means a database at all')
  assert.throws(
    () => Journal.open(file.path),
    (error) => error instanceof JournalUnusable && /restore it, or move it away/.test(error.message),
  )
})
