/** `vpc db`: the store of the control plane from the command line; files that are wrong; schemas of other versions. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { finalize, migrate, prepareStore, readSchema, schemaKey, type Migration } from '#control/store/schema.ts'
import { openSqliteStore, type SqliteStore } from '#control/store/sqlite/sqlite-store.ts'
import { put, type Entry, type Snapshot } from '#control/store/store.ts'
import { restoringKey } from '#control/store/restore.ts'
import { exportStore, importStore } from '#control/store/transfer.ts'
import { runVpc } from './run-vpc.ts'

const directory = mkdtempSync(join(tmpdir(), 'vpc-db-'))
after(() => rmSync(directory, { recursive: true }))

let count = 0
const fresh = (): string => join(directory, `${count++}.db`)
const quiet = (): void => {}

/** A store with keys that are hard to write into lines. */
async function filled(path: string): Promise<SqliteStore> {
  const store = openSqliteStore(path)
  const values = ['', '\n', '\r', '\u2028\u2029', '"\\', '\0', '\u{1f600}', 'x'.repeat(60_000)]
  for (let n = 0; n < 20; n++) await store.commit({ if: [], write: values.map((value, i) => put(`k/${n}/${i}`, value)) })
  return store
}

/** What this process has open. */
const openFiles = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      // It was that of the directory itself.
      return []
    }
  })

const everything = async (store: SqliteStore): Promise<unknown> => (await store.range('')).entries.map(({ key, value }) => [key, value])

test('a store moves through a file, by commands', async () => {
  const [from, to, file] = [fresh(), fresh(), join(directory, 'store.jsonl')]
  const before = await filled(from)
  const [revision, contents] = [(await before.status()).revision, await everything(before)]
  const locked = runVpc(['db', 'ping', '--store', `sqlite:${from}`])
  assert.equal(locked.code, 4)
  assert.match(locked.stderr, new RegExp(`process ${process.pid} has the store .* open, and one process at a time may`))
  // A copy of a store that is in use is the same.
  const copied = runVpc(['db', 'export', join(directory, 'copy.jsonl'), '--store', `sqlite:${from}`])
  assert.equal(copied.code, 0, copied.stderr)
  await before[Symbol.asyncDispose]()

  const exported = runVpc(['db', 'export', file, '--store', `sqlite:${from}`, '--json'])
  assert.equal(exported.code, 0, exported.stderr)
  const { entries, sha256 } = JSON.parse(exported.stdout)
  assert.equal(entries, 160)
  assert.equal(copied.stdout, `160 keys of revision ${revision}, SHA-256 ${sha256}\n`)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.endsWith('.partial')),
    [],
  )
  const imported = runVpc(['db', 'import', file, '--json'], { env: { VPC_STORE: `sqlite:${to}` } })
  assert.equal(imported.code, 0, imported.stderr)
  assert.equal(JSON.parse(imported.stdout).sha256, sha256)
  const again = runVpc(['db', 'import', file, '--store', `sqlite:${to}`])
  assert.equal(again.code, 4)
  assert.match(again.stderr, /the store has keys already, such as k\/0\/0; import into an empty one/)
  await using after = openSqliteStore(to)
  assert.deepEqual(await everything(after), contents)
  assert.ok((await after.status()).revision >= revision, 'revisions do not go back')
})

test('what is asked of a store that is not there', () => {
  const rows: readonly (readonly [line: string, code: number, message: RegExp])[] = [
    ['db ping --store sqlite:/nowhere/x.db', 1, /there is no store \/nowhere\/x\.db; vpc db migrate and vpc db import make one/],
    ['db migrate --store sqlite:/nowhere/x.db', 1, /cannot make the store .*make its directory, or name another/],
    ['db ping --store etcd://127.0.0.1:1', 3, /no member of etcd answers \(127\.0\.0\.1:1\).*ECONNREFUSED/],
    ['db ping --store redis:x', 2, /'redis:x' is not a store; write sqlite:PATH or etcd:/],
    [`db ping --store etcd://127.0.0.1:1?ca=/no&cert=/no&key=/no`, 5, /cannot read a file with the certificates/],
  ]
  for (const [line, code, message] of rows) {
    const result = runVpc(line.split(' '))
    assert.match(result.stderr, message)
    assert.equal(result.code, code, line)
  }
})

test('a store that nobody has used says so, and a file that is not there makes none', async () => {
  const [empty, none] = [fresh(), fresh()]
  await openSqliteStore(empty)[Symbol.asyncDispose]()
  const run = (line: string): string => {
    const { code, stdout, stderr } = runVpc([...line.split(' '), '--store', `sqlite:${empty}`])
    return `${code} ${stdout}${stderr}`
  }
  assert.match(run('db ping'), /^0 .*\nwarning: the store has no keys: is it the one that the API uses\?\n$/s)
  assert.match(run(`db export ${directory}/none.jsonl`), /^1 vpc: the store has no keys, so nothing was written; name the one/)
  assert.match(run('db finalize'), /^1 vpc: no API has used the store yet; name the one that the API uses, or make one: vpc db migrate/)
  const missing = runVpc(['db', 'import', join(directory, 'missing.jsonl'), '--store', `sqlite:${none}`])
  assert.match(missing.stderr, /cannot open '.*missing\.jsonl': there is no such file/)
  assert.equal(missing.code, 1)
  const left = readdirSync(directory).filter((name) => /none|missing/.test(name) || join(directory, name).startsWith(none))
  assert.deepEqual(left, [])
})

test('a file that is not whole is refused, and nothing is imported', async () => {
  const file = join(directory, 'whole.jsonl')
  await using store = await filled(fresh())
  await exportStore(store, file, quiet)
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  const wrong: readonly (readonly [string, RegExp, readonly string[]])[] = [
    ['cut off', /line 161 is the last one, but not the sum that ends a file/, lines.slice(0, -1)],
    ['cut in a line', /is not a JSON object/, [...lines.slice(0, -1), lines.at(-1)!.slice(0, 20)]],
    ['changed', /line 162 has another SHA-256/, lines.with(5, lines[5]!.replace('"k/', '"j/'))],
    ['a line less', /line 161 has another SHA-256/, lines.toSpliced(7, 1)],
    ['something else', /line 1 does not say that this is a store/, ['{}', ...lines.slice(1)]],
    ['a later format', /version 2 of the format/, [lines[0]!.replace('"version":1', '"version":2'), ...lines.slice(1)]],
    ['empty', /the file is empty/, []],
  ]
  await using target = openSqliteStore(fresh())
  for (const [what, message, contents] of wrong) {
    writeFileSync(file, contents.map((line) => `${line}\n`).join(''))
    await assert.rejects(importStore(target, file, quiet), message, what)
    assert.deepEqual(await everything(target), [], what)
  }
  await assert.rejects(importStore(target, join(directory, 'missing'), quiet), /ENOENT/)
  await assert.rejects(exportStore(store, join(directory, 'missing/x'), quiet), /ENOENT/)
})

test('an import of a file that is not whole makes no store', () => {
  const [file, none] = [join(directory, 'cut.jsonl'), fresh()]
  writeFileSync(file, '{"format":"vpc store","version":1,"schema":1,"revision":1}\n')
  const { code, stderr } = runVpc(['db', 'import', file, '--store', `sqlite:${none}`])
  assert.match(stderr, /^vpc: \S+cut\.jsonl line 1 is the last one, but not the sum that ends a file: it was cut off; nothing was/)
  assert.equal(code, 1)
  const left = readdirSync(directory).filter((name) => join(directory, name).startsWith(none))
  assert.deepEqual(left, [])
})

test('an export that fails leaves no file, and no descriptor', async () => {
  const file = join(directory, 'failed.jsonl')
  await using store = openSqliteStore(fresh())
  const broken = async function* (): AsyncGenerator<Entry> {
    yield { key: 'k', value: '', created: 1, modified: 1 }
    throw new Error('broken off')
  }
  const fails = {
    get: (keys: readonly string[]) => store.get(keys),
    snapshot: async (): Promise<Snapshot> => ({ revision: 1, entries: broken(), [Symbol.asyncDispose]: async () => {} }),
  }
  // The file is made while the store is read: which comes first differs from time to time.
  for (let n = 0; n < 20; n++) {
    await assert.rejects(exportStore(store, file, quiet), /the store has no keys, so nothing was written/)
    await assert.rejects(exportStore(fails, file, quiet), /broken off/)
  }
  assert.ok(!existsSync(`${file}.partial`))
  assert.deepEqual(
    openFiles().filter((path) => path.startsWith(file)),
    [],
  )
})

test("root makes a store for the user who has its directory, and a file of root's is named", async () => {
  const user = 65_534
  const [file, own] = [join(directory, 'for-user.jsonl'), join(directory, 'of-user')]
  await using from = await filled(fresh())
  await exportStore(from, file, quiet)
  chmodSync(directory, 0o711)
  mkdirSync(own)
  chownSync(own, user, user)
  const store = ['--store', `sqlite:${own}/control.db`]
  assert.equal(runVpc(['db', 'import', file, ...store]).code, 0)
  assert.deepEqual(
    readdirSync(own).filter((name) => statSync(join(own, name)).uid !== user),
    [],
  )
  const ping = (): string => Object.values(runVpc(['db', 'ping', ...store], { uid: user })).join(' ')
  assert.match(ping(), /^0 /)
  chownSync(join(own, 'control.db-lock'), 0, 0)
  assert.match(ping(), /^5 .*cannot open \S+\/control\.db-lock: .*; this process is user 65534, who must own it and the files beside it/)
})

test('an import that was broken off says so', async () => {
  await using store = openSqliteStore(fresh())
  const broken = async function* (): AsyncGenerator<{ key: string; value: string }> {
    for (let n = 0; n < 200; n++) yield { key: `k/${n}`, value: '' }
    throw new Error('broken off')
  }
  await assert.rejects(store.restore(broken(), 0), /broken off/)
  assert.equal((await store.get([restoringKey])).entries.length, 1)
  for (const use of [prepareStore, migrate, finalize])
    await assert.rejects(use(store), /an import was broken off: empty it, and import again/)
})

test('a schema rises step by step, the new form is written when it is final, and a newer one is refused', async () => {
  await using store = openSqliteStore(fresh())
  assert.deepEqual(await prepareStore(store, 1), { schema: 1, writes: 1 })
  const done: number[] = []
  const steps = new Map<number, Migration>([2, 3].map((to) => [to, async () => void done.push(to)]))
  assert.deepEqual(await prepareStore(store, 2), { schema: 1, writes: 1 }, 'the version after works with it')
  await assert.rejects(prepareStore(store, 3), /has schema 1, this vpc needs 2; migrate it: vpc db migrate/)
  await assert.rejects(finalize(store, 3), /migrate it first/)
  assert.deepEqual(await migrate(store, 3, steps), { from: 1, to: 3, schema: { schema: 3, writes: 1 } })
  assert.deepEqual(await migrate(store, 3, steps), { from: 3, to: 3, schema: { schema: 3, writes: 1 } })
  assert.deepEqual(done, [2, 3])
  for (const use of [prepareStore, migrate, finalize, readSchema])
    await assert.rejects(use(store, 2), /has schema 3, this vpc knows 2; use a newer vpc/)
  assert.deepEqual(await finalize(store, 3), { schema: 3, writes: 3 })
  await store.commit({ if: [], write: [put(schemaKey, 'none')] })
  await assert.rejects(readSchema(store), /has none, which is not a schema/)
})

test('a step that fails is tried again, and the steps before it are not', async () => {
  await using store = openSqliteStore(fresh())
  await prepareStore(store, 1)
  const done: number[] = []
  const step = (to: number, fails: boolean): [number, Migration] => [
    to,
    async () => {
      if (fails && done.length === 1) throw new Error('the store is away')
      done.push(to)
    },
  ]
  await assert.rejects(migrate(store, 3, new Map([step(2, false), step(3, true)])), /away/)
  assert.deepEqual(await readSchema(store, 3), { schema: 2, writes: 1 })
  await migrate(store, 3, new Map([step(2, false), step(3, false)]))
  assert.deepEqual(done, [2, 3])
})

test('other commands load nothing of the drivers', () => {
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
  const script = `
    import { createRequire } from 'node:module'
    const { main } = await import(${JSON.stringify(main)})
    await main(process.argv.slice(1))
    console.error(Object.keys(createRequire(${JSON.stringify(main)}).cache).filter((file) => /grpc|protobufjs/.test(file)).length)`
  const loaded = (...args: string[]): number => {
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, '--', ...args], { encoding: 'utf8' })
    return Number(stderr.trim().split('\n').at(-1))
  }
  assert.equal(loaded('version'), 0)
  assert.equal(loaded('db', 'ping', '--help'), 0)
  assert.ok(loaded('db', 'ping', '--store=etcd://127.0.0.1:1') > 10)
})
