/**
 * An API whose member of etcd is cut off, with a host's feed and a user's watch: meanwhile the others go on and forget
 * what it has missed.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { ItemStore } from '#agent/compile/items.ts'
import { feedMessages } from '#agent/feed/connection.ts'
import { changesIn, Gathering } from '#agent/feed/gathering.ts'
import { Presence } from '#control/agents/presence.ts'
import { Counters } from '#control/feed/counters.ts'
import { Exceptions } from '#control/feed/exceptions.ts'
import { feedRoutes } from '#control/feed/routes.ts'
import { openEtcdStore } from '#control/store/etcd/etcd-store.ts'
import { FeedServer } from '../feed/feed-server.ts'
import { checkInvariants } from '../invariants.ts'
import { TestApi } from '../test-api.ts'
import type { EtcdCluster } from './etcd-cluster.ts'
import { until } from './harm.ts'

const cutOff = 2

/** Keep what a feed says, as an agent does: it comes back with its revision when the feed ends. */
async function follow(server: FeedServer, host: string, items: ItemStore, signal: AbortSignal): Promise<void> {
  for (let revision: string | null = null; !signal.aborted; await sleep(50)) {
    const gathering = new Gathering()
    try {
      for await (const message of feedMessages(server.of(host), { revision, signal })) {
        const batch = gathering.take(message)
        if (batch === undefined) continue
        const { put, gone } = changesIn(items, batch)
        for (const { kind, id } of gone) items.delete(kind, id)
        for (const item of put) items.put(item)
        revision = batch.revision
      }
    } catch {
      // It comes back.
    }
  }
}

async function make(api: TestApi): Promise<Record<string, string>> {
  await api.ok('POST', '/regions', { name: 'north' })
  await api.ok('POST', '/facilities', { name: 'f1', region: 'north' })
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  await api.ok('POST', '/vpcs', { name: 'red', account: 'shop' })
  await api.ok('POST', '/subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24' })
  const ids: Record<string, string> = {}
  for (const i of [1, 2]) {
    ids[`h${i}`] = (await api.ok('POST', '/hosts', { name: `h${i}`, facility: 'f1', underlay: [{ address: `192.0.2.${i}` }] })).id
    ids[`v${i}`] = await plugged(api, `v${i}`, `h${i}`)
  }
  return ids
}

async function plugged(api: TestApi, name: string, host: string): Promise<string> {
  const { id } = await api.ok('POST', '/vnics', { name, account: 'shop', subnet: 'web' })
  await api.ok('PUT', `/vnics/${name}/binding`, { host })
  return id
}

/** Its hosts are absent for the others, and present again; feed and watch miss nothing. */
export async function fallBehind(cluster: EtcdCluster): Promise<void> {
  const location = cluster.location('/vpc1/behind/')
  const at = (...members: number[]) => ({ ...location, endpoints: members.map((n) => location.endpoints[n]!) })
  const quick = { progressMs: 600, askEveryMs: 300, callMs: 2000 }
  await using api = await TestApi.start({ store: openEtcdStore(at(cutOff), quick) })
  const ids = await make(api)
  await using other = await TestApi.start({ store: openEtcdStore(at(0, 1), quick), directory: api.directory })
  const presence = new Presence({ store: api.store, api: 'a', connected: () => api.feeds.connected, now: Date.now, leaseMs: 2000 })
  api.feeds.onConnection(() => presence.changed())
  const exceptions = new Exceptions(api.model.mirror, api.store)
  await using server = await FeedServer.start(
    feedRoutes({ feeds: api.feeds, mirror: api.model.mirror, now: Date.now, exceptions, counters: new Counters(api.model.mirror) }),
  )
  const [items, end] = [new ItemStore(), new AbortController()]
  const feed = follow(server, ids.h1!, items, end.signal).catch(() => {})
  let watched = ''
  const watch = (await api.raw(api.admin, 'GET', '/watch?kind=vnic')).body!.pipeThrough(new TextDecoderStream())
  const reading = (async () => {
    for await (const text of watch) watched += text
  })()
  try {
    const isHere = (): boolean => [...other.model.mirror.hosts.present].includes(ids.h1!)
    await until('the host is here', isHere)
    await until('the host knows its neighbour', () => items.get('station', ids.v2!) !== undefined)
    const heal = await cluster.harm(cutOff, 'cut off')
    await until('its lease ends', () => !isHere())
    assert.equal((await api.ask(api.admin, 'GET', '/vnics')).status, 503)
    ids.v3 = await plugged(other, 'v3', 'h2')
    await other.ok('DELETE', '/vnics/v2/binding')
    await other.ok('DELETE', '/vnics/v2')
    await other.store.compact((await other.store.get([])).revision)
    await heal()
    await until('the feed has all', () => items.get('station', ids.v3!) !== undefined && items.get('station', ids.v2!) === undefined)
    await until('the host is here again', isHere)
    const [mine, theirs] = [await api.ok('GET', '/vnics'), await other.ok('GET', '/vnics')]
    assert.deepEqual(mine, theirs)
    await until('the watch is told to list again', () => watched.includes('event: reset'))
    await checkInvariants(api.store)
    await until('the member is back', () => cluster.isWell(cutOff))
  } finally {
    end.abort()
    exceptions.stop()
    await presence.stop()
    await Promise.allSettled([feed, reading])
  }
}
