/** Anti-entropy: what a watch was not told is found and repaired, and what is only on its way is left alone. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Mirror } from '#control/model/mirror.ts'
import { compare, type Known } from '#control/store/compare.ts'
import { openSqliteStore } from '#control/store/sqlite/sqlite-store.ts'
import { del, put, rangeOf, type KeyRange, type Store } from '#control/store/store.ts'
import { eventsOf } from '../event-stream.ts'
import { TestApi } from '../test-api.ts'
import { FaultyStore } from './faulty-store.ts'

const directory = mkdtempSync('/dev/shm/vpc-compare-')
after(() => rmSync(directory, { recursive: true }))

let count = 0
const fresh = (): Store => openSqliteStore(join(directory, `${count++}.db`), { progressMs: 5 })

/** A map that follows a store. */
class Follower implements Known, Disposable {
  readonly entries = new Map<string, number>()
  revision = 0
  readonly #end = new AbortController()

  constructor(store: Store, after: number) {
    void this.#follow(store, after)
  }

  async #follow(store: Store, after: number): Promise<void> {
    for await (const item of store.watch('', { after, signal: this.#end.signal })) {
      if (item.kind === 'reset') return
      if (item.kind === 'changes')
        for (const { key, value } of item.changes) value === undefined ? this.entries.delete(key) : this.entries.set(key, item.revision)
      this.revision = item.revision
    }
  }

  keys = ({ from, to }: KeyRange, limit: number): string[] =>
    [...this.entries.keys()]
      .filter((key) => key >= from && key < to)
      .sort()
      .slice(0, limit)
  modifiedOf = (key: string): number | undefined => this.entries.get(key)

  async reach(revision: number): Promise<void> {
    while (this.revision < revision) await sleep(1)
  }

  repair(key: string, entry: { readonly modified: number } | undefined): void {
    entry === undefined ? this.entries.delete(key) : this.entries.set(key, entry.modified)
  }

  [Symbol.dispose](): void {
    this.#end.abort()
  }
}

const ranges = [rangeOf({ from: '', to: 'k/3' }), rangeOf({ from: 'k/4', to: '~' })]

/** Keys come, change and go, in ranges that are compared and in one that is not. */
async function write(store: Store, commits: number): Promise<void> {
  for (let n = 0; n < commits; n++) {
    const key = `k/${Math.floor(Math.random() * 8)}/${Math.floor(Math.random() * 30)}`
    await store.commit({ if: [], write: [Math.random() < 0.3 ? del(key) : put(key, `${n}`)] })
  }
}

async function isIn(store: Store, follower: Follower): Promise<void> {
  const { entries, revision } = await store.range('')
  await follower.reach(revision)
  const compared = (key: string): boolean => key < 'k/3' || key >= 'k/4'
  const known = [...follower.entries].filter(([key]) => compared(key)).sort()
  assert.deepEqual(
    known,
    entries.filter(({ key }) => compared(key)).map(({ key, modified }) => [key, modified]),
  )
}

test('what a watch was not told is found, whatever the size of the pieces', async () => {
  for (const chunk of [1, 3, 7, 1000]) {
    await using store = fresh()
    const lossy = new FaultyStore(store, { drop: 0.2 })
    using follower = new Follower(lossy, 1)
    await write(store, 300)
    await follower.reach((await store.range('')).revision)
    await assert.rejects(isIn(store, follower))
    const repaired = await compare(store, follower, { ranges, chunk, pauseMs: 0 })
    assert.ok(repaired.length > 0 && lossy.happened.drop >= repaired.length)
    await isIn(store, follower)
    assert.deepEqual(await compare(store, follower, { ranges, chunk, pauseMs: 0 }), [])
  }
})

test('what is only on its way is not a difference', async () => {
  await using store = fresh()
  const slow = new FaultyStore(store, { delay: 0.5 })
  using follower = new Follower(slow, 1)
  const writing = write(store, 600)
  const done = new AbortController()
  void writing.then(() => done.abort())
  let compared = 0
  for (; !done.signal.aborted; compared++) assert.deepEqual(await compare(slow, follower, { ranges, chunk: 20, pauseMs: 0 }), [])
  assert.ok(compared > 1)
  await isIn(store, follower)
})

test('the mirror of an API repairs itself', async () => {
  await using store = fresh()
  const lossy = new FaultyStore(store, { drop: 0.3 })
  const mirror = await Mirror.start(lossy)
  try {
    let told = 0
    mirror.listen(mirror.revision, () => told++)
    for (let n = 0; n < 60; n++) {
      const write = [
        put(`n/-/vpc/x${n % 20}`, `id ${n}`),
        put(`a/v/${n % 20}`, JSON.stringify({ n })),
        put('au/1/x', 'no JSON'),
        put('t/1/x', ''),
      ]
      await store.commit({ if: [], write: n % 3 === 2 ? [del(`n/-/vpc/x${n % 20}`), del(`a/v/${(n + 5) % 20}`)] : write })
    }
    const { entries, revision } = await store.range('')
    await mirror.reach(revision)
    const repaired = await mirror.compare({ pauseMs: 0, chunk: 4 })
    assert.ok(repaired.length > 0)
    assert.equal(mirror.repaired, repaired.length)
    const values = new Map(entries.map(({ key, value }) => [key, value]))
    for (let n = 0; n < 20; n++) {
      assert.equal(mirror.nameHolder(`n/-/vpc/x${n}`), values.get(`n/-/vpc/x${n}`))
      const claim = mirror.claim(`a/v/${n}`)
      assert.equal(claim && JSON.stringify(claim.value), values.get(`a/v/${n}`))
    }
    assert.deepEqual(await mirror.compare({ pauseMs: 0 }), [])
  } finally {
    mirror.stop()
  }
})

test('a watch that goes on from the revision of a repair misses nothing: it begins anew, and the next one goes on', async () => {
  let isLosing = false
  const written: string[] = []
  await using api = await TestApi.start({ wrap: (store) => losing(store, () => isLosing, written) })
  const { mirror } = api.model
  const other = await api.ok('POST', '/regions', { name: 'north' })
  const { id } = await api.ok('POST', '/regions', { name: 'south' })
  const before = mirror.revision
  // The store writes, and the watch says how far it is alone.
  isLosing = true
  const keys = [other.id, id].map((each) => `o/region/${each}`).sort()
  const { entries } = await api.store.get(keys)
  const changed = entries.map((entry) => put(entry!.key, JSON.stringify({ ...JSON.parse(entry!.value), description: 'warm' })))
  const { revision } = await api.store.commit({ if: [], write: changed })
  await mirror.reach(revision)
  isLosing = false
  const watching = async (after: number): Promise<string> => {
    const response = await api.raw(api.admin, 'GET', `/watch?kind=region&after=${after}`)
    for await (const { event } of eventsOf(response)) return event
    return 'nothing'
  }
  assert.equal(await watching(revision), 'bookmark')
  assert.deepEqual(await mirror.compare({ pauseMs: 0 }), keys)
  assert.equal(written.filter((key) => key === 'meta/repaired').length, 1, 'one more revision for both')
  assert.equal((await api.ok('GET', `/regions/${id}`)).description, 'warm')
  // Both had these revisions as the newest before the repair.
  assert.deepEqual([await watching(before), await watching(revision)], ['reset', 'reset'])
  await mirror.reach(revision + 1)
  assert.equal(await watching(revision), 'reset')
  assert.equal(await watching(mirror.revision), 'bookmark')
})

/** A store whose watch says of changes that there were some, and not which, while it loses them. `written`: keys. */
function losing(store: Store, isLosing: () => boolean, written: string[]): Store {
  const watch: Store['watch'] = async function* (keys, options) {
    for await (const item of store.watch(keys, options))
      yield isLosing() && item.kind === 'changes' ? ({ kind: 'progress', revision: item.revision } as const) : item
  }
  const commit: Store['commit'] = (asked) => {
    written.push(...asked.write.map(({ key }) => key))
    return store.commit(asked)
  }
  return new Proxy(store, {
    get(target, name) {
      if (name === 'watch') return watch
      if (name === 'commit') return commit
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

test('a mirror whose watch forgets changes has what there is, and nothing else', async () => {
  await using store = fresh()
  const forgetful = new FaultyStore(store, { reset: 0.3 })
  const mirror = await Mirror.start(forgetful)
  const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
  const stamp = { time: '2026-01-01T00:00:00Z', by: 'x', request: 'x' }
  const object = (n: number, step: number): string =>
    JSON.stringify({
      v: 1,
      id: uuid(n),
      kind: 'region',
      labels: {},
      spec: { step },
      account: null,
      name: null,
      created: stamp,
      updated: stamp,
    })
  const gone = JSON.stringify({ v: 1, gone: stamp, org: null, account: null, vpc: null })
  try {
    for (let step = 0; step < 200; step++) {
      const n = step % 17
      const keys = [`a/${uuid(n)}/0a`, `m/${uuid(n)}/02`, `n/-/region/r${n}`, `here/${uuid(n)}`]
      const write = step % 3 === 2 ? keys.map(del) : keys.map((key) => put(key, JSON.stringify({ kind: 'vnic', id: uuid(step) })))
      const own = step % 5 === 4 ? del(`o/region/${uuid(n)}`) : put(`o/region/${uuid(n)}`, step % 7 === 6 ? gone : object(n, step))
      await store.commit({ if: [], write: [...write, own] })
      if (step % 20 === 0) await mirror.fresh()
    }
    await mirror.fresh()
    assert.ok(forgetful.happened.reset > 0)
    assert.deepEqual(await mirror.compare({ pauseMs: 0, chunk: 3 }), [])
    const { entries } = await store.range('here/')
    assert.deepEqual(
      mirror.hosts.present.toSorted(),
      entries.map(({ key }) => key.slice(5)),
    )
  } finally {
    mirror.stop()
  }
})
