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
import { Feeds } from '#control/feed/feeds.ts'
import { Checkpoints } from '#control/model/checkpoints.ts'
import { Mirror } from '#control/model/mirror.ts'
import { openSqliteStore } from '#control/store/sqlite/sqlite-store.ts'
import { put, type Entry, type Store } from '#control/store/store.ts'
import { exportStore, importStore } from '#control/store/transfer.ts'
import { kinds } from '#resource/kinds.ts'
import { TestApi } from '../test-api.ts'

/** Numbers from 0 to below `most` that follow from a seed. */
function random(seed: number): (most: number) => number {
  let state = seed
  return (most) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * most)
  }
}

const checkpointsOf = (api: TestApi, told: string[], directory = api.directory): Checkpoints =>
  new Checkpoints({
    directory,
    location: { kind: 'sqlite', path: join(api.directory, 'store.db') },
    store: api.store,
    info: (message) => void told.push(message),
  })

/** Everything that can be asked of a mirror. */
async function contents(mirror: Mirror, store: Store): Promise<object> {
  const { entries } = await store.range('')
  const { objects } = mirror
  const ids = kinds.flatMap(({ kind }) => [...objects.ids(kind)])
  const names = new Set(ids.flatMap((id) => kinds.flatMap(({ kind }) => objects.get(kind, id)?.record.name ?? [])))
  const sorted = <T>(all: readonly T[]): string[] => all.map((each) => JSON.stringify(each)).sort()
  const accounts = [...objects.ids('account')]
  const feeds = new Feeds(mirror)
  feeds.stop()
  const { places } = feeds
  const hosts = [...objects.ids('host')]
  return {
    objects: kinds.map(({ kind }) => [kind, objects.count(kind), Array.from(objects.ids(kind), (id) => objects.get(kind, id))]),
    revisions: kinds.map(({ kind }) => ids.map((id) => objects.modifiedOf(kind, id))),
    owned: accounts.map((id) => kinds.map(({ kind }) => [objects.count(kind, id), [...objects.ids(kind, id)]])),
    pages: kinds.map(({ kind }) =>
      ids.map((id) => [objects.idsFrom(kind, id), objects.ids(kind, undefined, id)].map((all) => [...all][0])),
    ),
    users: ids.map((id) => [sorted(objects.usersOf(id)), sorted(objects.usersOf(id, 'vnic')), objects.usersOf(id, 'x').length]),
    named: Array.from(names, (name) => kinds.map(({ kind }) => sorted(objects.named(kind, name)))),
    nobody: [objects.named('vnic', 'nobody'), objects.get('vnic', 'nobody'), [...objects.ids('vnic', 'nobody')], [...objects.ids('x')]],
    names: entries.map(({ key }) => mirror.nameHolder(key)),
    claims: entries.map(({ key, value }) => (value.startsWith('{') ? [mirror.claim(key), mirror.gone(key)] : [])),
    excepted: [...mirror.excepted].sort(),
    hosts: hosts.map((id) => [sorted([...places.vpcsOf(id)]), sorted([...places.groupsOf(id)])]),
    vpcs: [...objects.ids('vpc')].map((id) => [sorted([...places.hostsOf(id)]), feeds.view().resolutions.isDemand(id)]),
    labelled: [...objects.ids('vpc')].flatMap((id) => ['web', 'db', 'nobody'].map((name) => sorted(feeds.named(id, name)))),
    revision: mirror.revision,
  }
}

/** Start with a checkpoint and without: both have the same, and the store says so, too. Gives whether it was used. */
async function startsAlike(api: TestApi, checkpoints: Checkpoints): Promise<boolean> {
  let isRead = false
  const store = new Proxy(api.store, {
    get(target, name) {
      if (name === 'snapshot') isRead = true
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const [short, whole] = [await Mirror.start(store, checkpoints), await Mirror.start(api.store)]
  try {
    assert.deepEqual(await contents(short, api.store), await contents(whole, api.store))
    assert.deepEqual(await short.compare({ pauseMs: 0, chunk: 50 }), [])
    return !isRead
  } finally {
    short.stop()
    whole.stop()
  }
}

/** A cloud that changes by chance. */
class Cloud {
  readonly #pick: (most: number) => number
  readonly #api: TestApi
  #hosts: string[] = []
  #subnets: string[] = []
  #groups: string[] = []
  readonly #vnics: string[] = []
  #n = 0

  constructor(api: TestApi, seed: number) {
    this.#api = api
    this.#pick = random(seed)
  }

  async make(): Promise<void> {
    const { ok } = { ok: this.#api.ok.bind(this.#api) }
    await ok('POST', '/regions', { name: 'north' })
    await ok('POST', '/facilities', { name: 'f1', region: 'north' })
    await ok('POST', '/orgs', { name: 'acme' })
    for (const account of ['shop', 'bank']) {
      await ok('POST', '/accounts', { name: account, org: 'acme' })
      for (const name of ['a', 'b']) {
        await ok('POST', '/vpcs', { name, account })
        this.#subnets.push((await ok('POST', '/subnets', { name: 'web', vpc: `${account}/${name}`, network4: '10.0.0.0/16' })).id)
      }
      this.#groups.push((await ok('POST', '/groups', { name: 'crowd', account, rules: [] })).id)
    }
    for (let i = 0; i < 4; i++) {
      const host = { name: `h${i}`, facility: 'f1', capacity: 65_536, underlay: [{ address: `100.64.0.${i + 1}` }] }
      this.#hosts.push((await ok('POST', '/hosts', host)).id)
    }
  }

  #one<T>(all: readonly T[]): T {
    return all[this.#pick(all.length)]!
  }

  async change(): Promise<void> {
    const id = this.#one(this.#vnics)
    const ask = (method: string, path: string, body?: unknown): Promise<unknown> =>
      this.#api.ask(this.#api.admin, method, path, body, { 'if-match': '*' })
    switch (id === undefined ? 0 : this.#pick(8)) {
      case 0:
      case 1: {
        const n = this.#pick(4)
        const names = [{}, { name: `n${this.#n++}` }, { description: 'größer – 大' }, { labels: { tier: `"${this.#hosts[0]}"` } }]
        const body = { account: n < 2 ? 'shop' : 'bank', subnet: this.#subnets[n], ...this.#one(names) }
        const hostname = this.#pick(4) === 0 ? { dhcpHostname: this.#one(['web', 'db']) } : {}
        const made = await this.#api.ok('POST', '/vnics', { ...body, groups: this.#pick(2) ? [this.#groups[n >> 1]] : [], ...hostname })
        return void this.#vnics.push(made.id)
      }
      case 2:
      case 3:
        return void (await ask('PUT', `/vnics/${id}/binding`, { host: this.#one(this.#hosts) }))
      case 4:
        return void (await ask('PATCH', `/vnics/${id}`, { groups: [], description: 'ß' }))
      case 5:
        return void (await ask('DELETE', `/vnics/${id}/binding`))
      case 6:
        await ask('DELETE', `/vnics/${id}/binding`)
        return void (await ask('DELETE', `/vnics/${id}`))
      case 7:
        return void (await ask('POST', '/vms', { account: 'shop', vnics: [id], name: `vm${this.#n++}` }))
    }
  }
}

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
  assert.match(told.join(), /it is of another store$/)
  // Nor does another store.
  await using other = await TestApi.start()
  assert.equal(await checkpointsOf(other, told, api.directory).read(), undefined)
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
