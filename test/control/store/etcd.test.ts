/** The etcd store, against a real cluster of three members with TLS and users: the suite of all stores. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster } from '#control/store/etcd/cluster.ts'
import { openEtcdStore } from '#control/store/etcd/etcd-store.ts'
import { openSqliteStore } from '#control/store/sqlite/sqlite-store.ts'
import { versionWarning } from '#control/store/etcd/version.ts'
import { empty, put, type Store } from '#control/store/store.ts'
import { exportStore, importStore } from '#control/store/transfer.ts'
import { StoreError, type StoreErrorCode } from '#control/store/store-error.ts'
import { conformance } from './conformance.ts'
import { makeUnderHarm } from './apis-on-etcd.ts'
import { startFromCheckpoints } from './checkpoint-on-etcd.ts'
import { fallBehind } from './behind-on-etcd.ts'
import { failOver } from './failover-on-etcd.ts'
import { EtcdCluster } from './etcd-cluster.ts'
import { until, writeUnderHarm } from './harm.ts'
import { moveCloud } from './moved-cloud.ts'
import { runOutOfRoom } from './room-on-etcd.ts'
import { agreesWithModel } from './random-history.ts'
import { scratch } from '../test-api.ts'

let cluster: EtcdCluster
before(async () => {
  cluster = await EtcdCluster.start()
})
after(() => cluster[Symbol.asyncDispose]())

let count = 0
conformance('etcd', async () => openEtcdStore(cluster.location(`/vpc1/${count++}/`), { progressMs: 400 }))

test('random histories agree with a model', () =>
  agreesWithModel(async () => openEtcdStore(cluster.location(`/vpc1/r${count++}/`), { progressMs: 400 }), 15))

const refused =
  (code: StoreErrorCode, message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof StoreError && error.code === code && message.test(error.message)

test('a user without a role, and a prefix without one, are refused with the way out', async () => {
  const role = /permission denied; give the user of this certificate a role on the prefix/
  for (const location of [cluster.location('/vpc1/x/', 'stranger'), cluster.location('/vpc10/')]) {
    await using store = openEtcdStore(location)
    await assert.rejects(store.range(''), refused('denied', role))
    await assert.rejects(store.commit({ if: [empty('')], write: [put('a', '')] }), refused('denied', role))
    await assert.rejects(
      async () => {
        for await (const item of store.watch('', { after: 0 })) assert.fail(JSON.stringify(item))
      },
      refused('denied', /role on the prefix/),
    )
  }
})

test('a store without the authority of the members, or at the wrong port, says so', async () => {
  const { endpoints, prefix } = cluster.location('/vpc1/x/')
  await using plain = openEtcdStore({ kind: 'etcd', endpoints, prefix, credentials: undefined }, { callMs: 300 })
  await assert.rejects(plain.range(''), refused('away', /no member of etcd answers \(10\.98\.7\.1:2379/))
  await using nobody = openEtcdStore({ ...cluster.location('/vpc1/x/'), endpoints: ['10.98.7.254:9'] }, { callMs: 300 })
  await assert.rejects(nobody.commit({ if: [], write: [put('a', '')] }), refused('away', /no member/))
})

test('keys of a lease go when its holder is gone', async () => {
  await using one = openEtcdStore(cluster.location('/vpc1/lease/'))
  const other = openEtcdStore(cluster.location('/vpc1/lease/'))
  const lease = await other.lease(1000)
  const { revision } = await other.commit({ if: [], write: [put('here', '', lease.id)] })
  await other[Symbol.asyncDispose]()
  assert.equal(lease.lost.aborted, true)
  for await (const item of one.watch('here', { after: revision }))
    if (item.kind === 'changes') {
      assert.deepEqual(item.changes, [{ key: 'here', value: undefined, created: 0 }])
      break
    }
})

test('the driver leaves nothing of its own behind', async () => {
  const location = cluster.location('/vpc1/clean/')
  const store = openEtcdStore(location)
  await store.commit({ if: [], write: [put('a', '')] })
  await store[Symbol.asyncDispose]()
  const raw = new Cluster(location.endpoints, location.credentials, { tryMs: 1500, callMs: 3000, askEveryMs: 2000 })
  const range = { key: Buffer.from('/vpc1/clean/'), range_end: Buffer.from('/vpc1/clean0') }
  const { kvs } = await raw.ask('read', (member, deadlineMs) => member.call('range', range, deadlineMs))
  raw.close()
  assert.deepEqual(
    kvs.map(({ key }) => Buffer.from(key).toString()),
    ['/vpc1/clean/a'],
  )
})

test('the old version is for tests only', async () => {
  await using store = openEtcdStore(cluster.location('/vpc1/version/'))
  const { version, warnings, members } = await store.status()
  assert.equal(members!.filter(({ isLeader }) => isLeader).length, 1)
  assert.equal(
    warnings.some((warning) => /is for tests only/.test(warning)),
    versionWarning(version) !== undefined,
  )
  for (const [of, warning] of [
    ['3.4.23', /tests only/],
    ['3.5.17', /tests only/],
    ['3.5.18', /access rules/],
    ['3.5.33', undefined],
    ['3.6.0', undefined],
  ] as const)
    warning === undefined ? assert.equal(versionWarning(of), undefined) : assert.match(versionWarning(of)!, warning)
})

test('a store moves from SQLite to etcd and back', async () => {
  const directory = mkdtempSync('/dev/shm/vpc-move-')
  try {
    await using from = openSqliteStore(join(directory, 'from.db'))
    for (let n = 0; n < 60; n++)
      await from.commit({ if: [], write: Array.from({ length: 100 }, (_, i) => put(`k/${n}/${i}`, `v${n * i}\u2028`)) })
    await using etcd = openEtcdStore(cluster.location('/vpc1/moved/'))
    await using back = openSqliteStore(join(directory, 'back.db'))
    const files = ['there.jsonl', 'back.jsonl'].map((name) => join(directory, name)) as [string, string]
    await exportStore(from, files[0], () => {})
    await importStore(etcd, files[0], () => {})
    await assert.rejects(
      importStore(etcd, files[0], () => {}),
      refused('not-empty', /has keys already/),
    )
    await exportStore(etcd, files[1], () => {})
    await importStore(back, files[1], () => {})
    const contents = async (store: Store): Promise<unknown> => (await store.range('')).entries.map(({ key, value }) => [key, value])
    const expected = await contents(from)
    assert.deepEqual(await contents(etcd), expected)
    assert.deepEqual(await contents(back), expected)
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('a cloud moves from SQLite to etcd and back by commands, and nothing differs', () =>
  moveCloud(scratch(), cluster.location('/vpc1/cloud/')))

test('a host and a command that know two APIs go on with the other when one ends', async () => {
  const directory = scratch()
  await failOver(directory, cluster.location('/vpc1/failover/')).finally(() => rmSync(directory, { recursive: true }))
})

test('a watch reaches revisions that others made elsewhere in the same etcd', async () => {
  await using store = openEtcdStore(cluster.location('/vpc1/shared/'), { progressMs: 60_000 })
  await using other = openEtcdStore(cluster.location('/other/', 'root'))
  const { revision } = await store.range('')
  const reached = (async () => {
    for await (const item of store.watch('', { after: revision })) if (item.kind === 'progress') return item.revision
    return 0
  })()
  await other.commit({ if: [], write: [put('a', '')] })
  const { revision: now } = await store.get([])
  assert.ok(now > revision)
  const late = new AbortController()
  const limit = sleep(15_000, 0, { signal: late.signal }).catch(() => 0)
  assert.ok((await Promise.race([reached, limit])) > now)
  late.abort()
})

test('a watch goes on when its member is stopped, or cut off from the others but not from us', async () => {
  for (const how of ['stopped', 'alone'] as const) {
    const location = cluster.location(`/vpc1/watch-${how}/`)
    // The first watch of a driver takes the second member.
    await using watching = openEtcdStore(location, { progressMs: 600, askEveryMs: 300 })
    await using writing = openEtcdStore({ ...location, endpoints: [0, 2].map((n) => location.endpoints[n]!) })
    const { revision } = await writing.commit({ if: [], write: [put('a', '')] })
    const seen: number[] = []
    const end = new AbortController()
    const watched = (async () => {
      for await (const item of watching.watch('', { after: revision, signal: end.signal }))
        if (item.kind === 'changes') seen.push(item.revision)
    })()
    const written = [(await writing.commit({ if: [], write: [put('a', '1')] })).revision]
    await until('the watch gives the first change', () => seen.length === 1)
    const heal = await cluster.harm(1, how)
    for (let n = 0; n < 5; n++) written.push((await writing.commit({ if: [], write: [put('a', `${n}`)] })).revision)
    await until(`the watch gives all changes, ${how}`, () => seen.length === written.length)
    await heal()
    end.abort()
    await watched
    assert.deepEqual(seen, written)
    await until('the member is back', () => cluster.isWell(1))
  }
})

/** How often a member is harmed, at random, besides; `VPC_HARMS=40` takes some minutes. */
const more = Number(process.env['VPC_HARMS'] ?? 1)
const anyOf = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!

test('members are killed, stopped and cut off while twelve clients write: nothing is lost, and the history is linearizable', async (t) => {
  const leaders = (['killed', 'stopped', 'cut off'] as const).map((how) => ({ who: 'leader' as const, how }))
  const others = Array.from({ length: more }, () => ({
    who: more === 1 ? ('follower' as const) : anyOf(['leader', 'follower'] as const),
    how: anyOf(['killed', 'stopped', 'cut off', 'alone'] as const),
  }))
  const recorder = await writeUnderHarm(cluster, '/vpc1/harmed/', [...leaders, ...others])
  const { count, acknowledged, unknown, away, longestGapMs } = recorder
  const gap = Math.round(longestGapMs)
  t.diagnostic(`${others.map(({ who, how }) => `${who} ${how}`).join(', ')}`)
  t.diagnostic(`${count} operations, ${acknowledged.length} commits, ${unknown} unknown, ${away} away; longest gap ${gap} ms`)
  assert.ok(count > 3000, `${count} operations`)
  assert.ok(longestGapMs < 8000, `${gap} ms without a commit`)
})

test('two APIs give each interface an address of its own while the leader is killed, and no request fails', () => makeUnderHarm(cluster))

test('APIs start from their checkpoints, use none that does not fit, and leave marks of others alone', () => startFromCheckpoints(cluster))

test('an API that was cut off while its changes were forgotten catches up, and so do its feed and its watch', () => fallBehind(cluster))

test('an etcd without room refuses writes and says so before and then, loses nothing, and takes them again', () => runOutOfRoom(cluster))
