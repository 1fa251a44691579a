/**
 * A start from a checkpoint gives the mirror that reading everything gives, whatever happened since. A checkpoint that
 * does not fit is not used: torn, changed, of another version, of another store, of a later time than a backup.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { Checkpoints } from '#control/model/checkpoints.ts'
import { sweepMarks } from '#control/model/sweep.ts'
import { openSqliteStore } from '#control/store/sqlite/sqlite-store.ts'
import { put, type Entry, type Store } from '#control/store/store.ts'
import { exportStore, importStore } from '#control/store/transfer.ts'
import { TestApi } from '../test-api.ts'
import { Cloud, random, startsAlike } from './checkpoint-cloud.ts'

const checkpointsOf = (api: TestApi, told: string[], directory = api.directory): Checkpoints =>
  new Checkpoints({
    directory,
    location: { kind: 'sqlite', path: join(api.directory, 'store.db') },
    store: api.store,
    info: (message) => void told.push(message),
  })

test('a start from a checkpoint gives what reading everything gives, after changes and without', async () => {
  await using api = await TestApi.start()
  const [told, cloud] = [[] as string[], new Cloud(api, 7)]
  await cloud.make()
  assert.equal(await startsAlike(api, checkpointsOf(api, told)), false)
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 45; i++) await cloud.change()
    // What no table knows how to pack, and what is not the mirror's.
    const exception = JSON.stringify({ host: 'h', epoch: 1, code: 'failed', text: 'é', since: 'now' })
    await api.store.commit({ if: [], write: [put(`x/vnic/v${round}`, exception), put('a/odd', '{"freed":1}'), put('plan/x', '{}')] })
    await checkpointsOf(api, told).write()
    assert.equal(await startsAlike(api, checkpointsOf(api, told)), true, 'nothing changed')
    for (let i = 0; i < 40; i++) await cloud.change()
    assert.equal(await startsAlike(api, checkpointsOf(api, told)), true, 'something changed')
  }
  assert.deepEqual(told, [])
})

test('changes that the store has forgotten are read with everything', async () => {
  await using api = await TestApi.start()
  const cloud = new Cloud(api, 11)
  await cloud.make()
  await checkpointsOf(api, []).write()
  for (let i = 0; i < 30; i++) await cloud.change()
  await api.store.compact((await api.store.get([])).revision)
  assert.equal(await startsAlike(api, checkpointsOf(api, [])), false)
})

test('a checkpoint that is torn, changed or of another version is not used', async () => {
  await using api = await TestApi.start()
  const cloud = new Cloud(api, 3)
  await cloud.make()
  for (let i = 0; i < 40; i++) await cloud.change()
  await checkpointsOf(api, []).write()
  const path = join(api.directory, 'mirror.checkpoint')
  const whole = readFileSync(path)
  const pick = random(5)
  const harms: Buffer[] = [Buffer.alloc(0), whole.subarray(0, 10), whole.subarray(1), Buffer.concat([whole, Buffer.alloc(1)])]
  for (let i = 0; i < 10; i++) harms.push(whole.subarray(0, pick(whole.length)))
  for (let i = 0; i < 40; i++) {
    const harmed = Buffer.from(whole)
    harmed[i < 16 ? whole.length - 1 - i : pick(whole.length)]! ^= 1 << pick(8)
    harms.push(harmed)
  }
  harms.push(withHead(whole, ({ code }) => ({ code: code.replace(/^./, (c) => (c === 'a' ? 'b' : 'a')) })))
  // Its mirror kept no exceptions: it would say that nothing fails.
  harms.push(withHead(whole, ({ rooms }) => ({ rooms: rooms.filter((room) => room !== 'x') })))
  for (const harmed of harms) {
    const told: string[] = []
    writeFileSync(path, harmed)
    assert.equal(await checkpointsOf(api, told).read(), undefined)
    assert.match(told.join(), /^the checkpoint .* is not used, and all of the store is read: /)
  }
  assert.equal(await startsAlike(api, checkpointsOf(api, [])), false)
  writeFileSync(path, whole)
  assert.equal(await startsAlike(api, checkpointsOf(api, [])), true)
})

interface Head {
  readonly code: string
  readonly rooms: readonly string[]
}

/** The same file, whole, but another code wrote it. */
function withHead(file: Buffer, change: (head: Head) => Partial<Head>): Buffer {
  const length = file.readUInt32LE(file.length - 8)
  const at = file.length - 16 - length
  const head = JSON.parse(file.toString('utf8', at, at + length)) as Head
  const other = Buffer.from(JSON.stringify({ ...head, ...change(head) }))
  const trailer = Buffer.from(file.subarray(-16))
  trailer.writeUInt32LE(other.length, 8)
  trailer.writeUInt32LE(crc32(other), 12)
  return Buffer.concat([file.subarray(0, at), other, trailer])
}

test('a checkpoint is of one history: not of another store, and not of a backup from before it', async () => {
  await using api = await TestApi.start()
  const cloud = new Cloud(api, 23)
  await cloud.make()
  for (let i = 0; i < 20; i++) await cloud.change()
  await checkpointsOf(api, []).write()
  const backup = join(api.directory, 'backup')
  mkdirSync(backup)
  for (const name of ['store.db', 'store.db-wal', 'admin-token']) copyFileSync(join(api.directory, name), join(backup, name))
  const exported = join(api.directory, 'exported')
  await exportStore(api.store, exported, () => {})
  assert.doesNotMatch(readFileSync(exported, 'utf8'), /"cp\//)
  // An export of an older version has the mark: who imports it must not take the file for that of the new store.
  const [mark] = (await api.store.range('cp/')).entries
  await using moved = openSqliteStore(join(api.directory, 'moved.db'))
  await importStore(moved, withEntry(exported, mark!), () => {})
  assert.deepEqual([(await moved.range('cp/')).entries, (await moved.range('n/')).entries.length > 0], [[], true])
  // The backup knows this checkpoint, and goes on by itself.
  copyFileSync(join(api.directory, 'mirror.checkpoint'), join(backup, 'mirror.checkpoint'))
  await using old = await TestApi.start({ directory: backup })
  await new Cloud(old, 5).change().catch(() => {})
  await old.ok('POST', '/regions', { name: 'south' })
  assert.equal(await startsAlike(old, checkpointsOf(old, [])), true)
  // A later one it does not know, though its revisions have come as far.
  for (let i = 0; i < 20; i++) await cloud.change()
  await checkpointsOf(api, []).write()
  for (let i = 0; i < 80; i++) await old.ok('POST', '/regions', { name: `r${i}` })
  copyFileSync(join(api.directory, 'mirror.checkpoint'), join(backup, 'mirror.checkpoint'))
  const told: string[] = []
  assert.equal(await startsAlike(old, checkpointsOf(old, told)), false)
  assert.match(told.join(), /it is too old, or of another store$/)
  // Nor does another store.
  await using other = await TestApi.start()
  assert.equal(await checkpointsOf(other, told, api.directory).read(), undefined)
})

test('marks of checkpoints go when no start can go on from them, and an API writes again for what is no mark alone', async () => {
  await using api = await TestApi.start()
  await new Cloud(api, 9).make()
  const { mirror } = api.model
  const [one, lost] = ['one', 'lost'].map((name) => {
    const directory = join(api.directory, name)
    mkdirSync(directory)
    return checkpointsOf(api, [], directory)
  }) as [Checkpoints, Checkpoints]
  const marks = async (): Promise<number> => (await api.store.range('cp/')).entries.length
  for (const checkpoints of [one, lost]) {
    assert.equal(checkpoints.isBehind(mirror), true)
    await checkpoints.write()
  }
  await mirror.fresh()
  assert.deepEqual([one.isBehind(mirror), lost.isBehind(mirror)], [false, false])
  await api.ok('POST', '/regions', { name: 'south' })
  assert.deepEqual([one.isBehind(mirror), lost.isBehind(mirror)], [true, true])
  assert.deepEqual([await sweepMarks(api.store), await marks()], [0, 2])
  await api.store.compact((await api.store.get([])).revision)
  // It is forgotten what changed since the first, and not what changed since the next one.
  await one.write()
  assert.deepEqual([await sweepMarks(api.store), await marks()], [1, 1])
  assert.equal(await startsAlike(api, one), true)
  const told: string[] = []
  assert.equal(await startsAlike(api, checkpointsOf(api, told, join(api.directory, 'lost'))), false)
  assert.match(told.join(), /the store does not know it: it is too old, or of another store$/)
})

test('an end while a checkpoint is written leaves the one that was there, and no part of another', async () => {
  await using api = await TestApi.start()
  await new Cloud(api, 1).make()
  const checkpoints = checkpointsOf(api, [])
  await checkpoints.write()
  const before = readFileSync(join(api.directory, 'mirror.checkpoint'))
  const writing = checkpoints.write()
  await checkpoints.stop()
  await writing
  assert.deepEqual(readFileSync(join(api.directory, 'mirror.checkpoint')).equals(before), true)
  assert.equal(
    readdirSync(api.directory).some((name) => name.endsWith('.partial')),
    false,
  )
  assert.equal(await startsAlike(api, checkpointsOf(api, [])), true)
  // One whose mark is on its way: the end waits for it, since the file of before would be none.
  const { promise: marking, resolve } = Promise.withResolvers<void>()
  const telling = new Proxy(api.store, {
    get(target, name) {
      if (name === 'commit') resolve()
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const location = { kind: 'sqlite', path: join(api.directory, 'store.db') } as const
  const last = new Checkpoints({ directory: api.directory, location, store: telling, info: () => {} })
  const ending = last.write()
  await marking
  await last.stop()
  assert.equal(existsSync(join(api.directory, 'mirror.checkpoint.partial')), false)
  await ending
  assert.equal(await startsAlike(api, checkpointsOf(api, [])), true)
  // One whose mark is in the store, but which did not get its name: the one before is none any more.
  const store = openFailingAfterMark(api.store)
  const late = new Checkpoints({ directory: api.directory, location, store, info: () => {} })
  await late.read()
  await assert.rejects(late.write())
  assert.ok(existsSync(join(api.directory, 'mirror.checkpoint')))
  assert.equal(await startsAlike(api, checkpointsOf(api, [])), false)
})

/** The same export, with one key more. */
function withEntry(path: string, { key, value }: Entry): string {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(0, -1)
  const text = [...lines, JSON.stringify({ key, value }), ''].join('\n')
  const sum = { entries: lines.length, sha256: createHash('sha256').update(text).digest('hex') }
  writeFileSync(`${path}.more`, text + JSON.stringify(sum))
  return `${path}.more`
}

/** A store whose commits happen, and nobody hears of it. */
function openFailingAfterMark(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown
      if (name === 'commit')
        return async (commit: Parameters<Store['commit']>[0]) => {
          await target.commit(commit)
          throw new Error('nobody heard')
        }
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
