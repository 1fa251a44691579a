/** Harms the leader of a cluster while clients write, and checks that nothing is lost. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEtcdStore } from '#control/store/etcd/etcd-store.ts'
import type { Store } from '#control/store/store.ts'
import type { EtcdCluster, Harm } from './etcd-cluster.ts'
import { Recorder, type Acknowledged } from './recorder.ts'

/** What a watch has seen: by revision, each key and its value. */
type Seen = ReadonlyMap<number, ReadonlyMap<string, string | undefined>>

/** Wait until it is so. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  for (const limit = performance.now() + limitMs; !(await isSo()); await sleep(20))
    assert.ok(performance.now() < limit, `not within ${limitMs / 1000} s: ${what}`)
}

/** Whom it happens to, and what. */
export interface HarmOf {
  readonly who: 'leader' | 'follower'
  readonly how: Harm
}

/**
 * Three processes with clients write all the time. Members are harmed and healed, one after another; then everything is
 * compared: one history with all of it in it.
 */
export async function writeUnderHarm(cluster: EtcdCluster, prefix: string, harms: readonly HarmOf[]): Promise<Recorder> {
  const location = cluster.location(prefix)
  const open = (): Store => openEtcdStore(location, { progressMs: 1000 })
  await using one = open()
  await using two = open()
  await using three = open()
  await using watching = open()
  const { revision } = await watching.range('')
  const seen = new Map<number, Map<string, string | undefined>>()
  let reached = revision
  const end = new AbortController()
  const watched = (async () => {
    for await (const item of watching.watch('', { after: revision, signal: end.signal })) {
      assert.ok(item.kind !== 'reset', JSON.stringify(item))
      reached = item.revision
      if (item.kind !== 'changes') continue
      assert.ok(!seen.has(item.revision), 'a revision came twice')
      seen.set(item.revision, new Map(item.changes.map(({ key, value }) => [key, value])))
    }
  })()
  const recorder = new Recorder([one, two, three], 4)
  try {
    for (const each of harms) await harmAndHeal(cluster, recorder, each)
  } finally {
    // Before the stores close: else their clients' errors hide what was wrong.
    await recorder.stop()
  }
  recorder.check()
  const final = await one.range('')
  await until('the watch is there', () => reached >= final.revision)
  end.abort()
  await watched
  compare(seen, recorder.acknowledged, new Map(final.entries.map(({ key, value }) => [key, value])))
  return recorder
}

/** Clients write before, while the member is harmed, and after it is back. */
async function harmAndHeal(cluster: EtcdCluster, recorder: Recorder, { who, how }: HarmOf): Promise<void> {
  const more = async (count: number): Promise<void> => {
    const goal = recorder.acknowledged.length + count
    // The longest gap is judged by itself; a busy machine may take long for many.
    await until(`${count} more commits, ${who} ${how}`, () => recorder.acknowledged.length >= goal, 60_000)
  }
  await more(Math.floor(Math.random() * 120))
  const leader = await cluster.leader()
  const member = who === 'leader' ? leader : (leader + 1 + Math.floor(Math.random() * 2)) % 3
  const heal = await cluster.harm(member, how)
  await more(300)
  await heal()
  await until('the member is back', () => cluster.isWell(member), 60_000)
  await more(80)
}

function compare(seen: Seen, acknowledged: readonly Acknowledged[], final: ReadonlyMap<string, string>): void {
  for (const { key, value, revision } of acknowledged) {
    assert.ok(seen.get(revision)?.has(key), `the watch missed ${key} of revision ${revision}`)
    assert.equal(seen.get(revision)!.get(key), value)
  }
  const replayed = new Map<string, string>()
  const written = new Set<string>()
  for (const [, changes] of [...seen].sort(([a], [b]) => a - b))
    for (const [key, value] of changes) {
      if (value === undefined) replayed.delete(key)
      else replayed.set(key, value)
      if (value === undefined) continue
      assert.ok(!written.has(`${key} ${value}`), `${value} was written twice`)
      written.add(`${key} ${value}`)
    }
  assert.deepEqual([...replayed].sort(), [...final].sort())
}
