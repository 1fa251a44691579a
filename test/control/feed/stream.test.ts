/** Feeds over HTTP, as agents read them: whole, resumed, cut, refused. What moves is told at once. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { FeedRefused, post } from '#agent/feed/connection.ts'
import type { ItemStore } from '#agent/compile/items.ts'
import { Exceptions } from '#control/feed/exceptions.ts'
import type { Feeds } from '#control/feed/feeds.ts'
import { ResponseSink } from '#control/feed/response-sink.ts'
import { feedRoutes } from '#control/feed/routes.ts'
import type { FeedMessage } from '#feed/message.ts'
import type { FeedItem } from '#feed/item.ts'
import { feedPath, reportPath } from '#feed/message.ts'
import { Abandoned } from '#control/model/abandoned.ts'
import { TestApi } from '../test-api.ts'
import { FeedHost } from './feed-host.ts'
import { FeedServer } from './feed-server.ts'

let api: TestApi
let feeds: Feeds
let server: FeedServer
let exceptions: Exceptions
const ids: Record<string, string> = {}
before(async () => {
  api = await TestApi.start()
  const { mirror } = api.model
  feeds = api.feeds
  exceptions = new Exceptions(mirror, api.store)
  server = await FeedServer.start(feedRoutes({ feeds, mirror, now: Date.now, exceptions, counters: api.counters }))
  await api.ok('POST', '/regions', { name: 'north' })
  await api.ok('POST', '/facilities', { name: 'f1', region: 'north' })
  for (const i of [1, 2, 3])
    ids[`h${i}`] = (await api.ok('POST', '/hosts', { name: `h${i}`, facility: 'f1', underlay: [{ address: `192.0.2.${i}` }] })).id
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  await api.ok('POST', '/vpcs', { name: 'red', account: 'shop' })
  await api.ok('POST', '/subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24' })
  for (const name of ['a', 'b', 'c']) ids[name] = (await api.ok('POST', '/vnics', { name, account: 'shop', subnet: 'web' })).id
  await api.ok('PUT', '/vnics/a/binding', { host: 'h1' })
  await api.ok('PUT', '/vnics/b/binding', { host: 'h2' })
})
after(async () => {
  exceptions.stop()
  await server[Symbol.asyncDispose]()
  assert.deepEqual(api.logged, [])
  return api[Symbol.asyncDispose]()
})

/** A host that has read nothing yet. */
class Host extends FeedHost {
  constructor(host: string, revision: string | null = null) {
    super(server.of(host), revision)
  }

  keys = (): string[] => [...this.items].map(({ kind, id }) => `${kind}/${names[id] ?? '?'}`).sort()
}
const names = new Proxy({} as Record<string, string>, { get: (_, id) => Object.entries(ids).find(([, each]) => each === id)?.[0] })
const atOf = (items: ItemStore, vnic: string): string | undefined =>
  (items.get('station', ids[vnic]!) as { host: string } | undefined)?.host

test('a host gets what is its own; another gets its side of it; a third one gets nothing', async () => {
  await using h1 = new Host(ids.h1!)
  await using h3 = new Host(ids.h3!)
  await h1.until((items) => items.size > 4)
  await h3.until(() => h3.revision > 0)
  assert.deepEqual(h1.keys(), ['host/h1', 'station/b', 'subnet/?', 'vnic/a', 'vpc/?', 'vtep/h2'])
  assert.deepEqual(h3.keys(), ['host/h3'])
  // The first vnic there brings everything, and the others hear of the new host.
  await api.ok('PUT', '/vnics/c/binding', { host: 'h3', unit: 'vmnic' })
  await h3.until((items) => items.get('vnic', ids.c!) !== undefined)
  await h1.until((items) => items.get('station', ids.c!) !== undefined && items.get('vtep', ids.h3!) !== undefined)
  assert.deepEqual(h3.keys(), ['host/h3', 'station/a', 'station/b', 'subnet/?', 'vnic/c', 'vpc/?', 'vtep/h1', 'vtep/h2'])
  await api.ok('DELETE', '/vnics/c/binding')
  await h3.until((items) => items.size === 1)
  await h1.until((items) => items.get('vtep', ids.h3!) === undefined)
  assert.equal(h1.items.get('station', ids.c!), undefined)
})

test('a move and a destruction reach every host that holds the address at once; the old host sends on', async () => {
  await using h1 = new Host(ids.h1!)
  await using h2 = new Host(ids.h2!)
  await using h3 = new Host(ids.h3!)
  await h1.until((items) => atOf(items, 'b') === ids.h2)
  await h2.until((items) => items.get('vnic', ids.b!) !== undefined)
  await h3.until(() => h3.revision > 0)
  const start = performance.now()
  await api.ok('PUT', '/vnics/b/binding', { host: 'h3' })
  await h1.until((items) => atOf(items, 'b') === ids.h3)
  await h2.until((items) => atOf(items, 'b') === ids.h3)
  await h3.until((items) => items.get('vnic', ids.b!) !== undefined)
  // Bench says how soon. Here the machine may be busy, but nothing waits for the next ping, 5 s later.
  assert.ok(performance.now() - start < 4_000, `it took ${performance.now() - start} ms`)
  const item = (host: Host) => host.items.get('station', ids.b!) as Extract<FeedItem, { kind: 'station' }> | undefined
  assert.deepEqual([item(h1)?.forward, item(h2)?.forward, item(h2)?.epoch], [false, true, 2])
  // The host that it left still needs to know where the others are, for a minute.
  assert.deepEqual(h2.keys(), ['host/h2', 'station/a', 'station/b', 'subnet/?', 'vpc/?', 'vtep/h1', 'vtep/h3'])
  api.ahead = 61_000
  await h2.until((items) => items.size === 1)
  await api.ok('DELETE', '/vnics/b/binding')
  await api.ok('DELETE', `/vnics/${ids.b}`)
  await h1.until((items) => items.get('station', ids.b!) === undefined)
  assert.deepEqual(h1.keys(), ['host/h1', 'subnet/?', 'vnic/a', 'vpc/?'])
})

test('a guest on its way: both hosts have its interface, first out of service, then in service; and the old one lets it go', async () => {
  await using h1 = new Host(ids.h1!)
  await using h3 = new Host(ids.h3!)
  await api.ok('POST', '/vms', { name: 'vm1', account: 'shop', type: 'kvm', vnics: ['c'], host: 'h1' })
  const vnic = (host: Host) => host.items.get('vnic', ids.c!) as Extract<FeedItem, { kind: 'vnic' }> | undefined
  const station = (host: Host) => host.items.get('station', ids.c!) as Extract<FeedItem, { kind: 'station' }> | undefined
  await h1.until(() => vnic(h1) !== undefined)
  const early = await api.ask(api.admin, 'PUT', '/vms/vm1/migration', { host: 'h3', phase: 'receive' })
  assert.match(early.body.detail, /not prepared to move to host h3; begin with phase prepare/)
  assert.match((await api.ask(api.admin, 'PUT', '/vms/vm1/migration', { host: 'h1' })).body.detail, /is on host h1 already/)
  await api.ok('PUT', '/vms/vm1/migration', { host: 'h3' })
  await h3.until(() => vnic(h3)?.migration?.way === 'in' && station(h3)?.host === ids.h1)
  // The host that it is on knows where it goes.
  await h1.until(() => station(h1)?.host === ids.h3)
  assert.deepEqual([vnic(h1)?.migration, station(h1)?.forward], [null, false])
  await api.ok('PUT', '/vms/vm1/migration', { host: 'h3', phase: 'receive' })
  await h3.until(() => vnic(h3)?.migration === null && station(h3)?.host === ids.h1)
  await api.ok('PATCH', '/vms/vm1', { host: 'h3' }, { 'if-match': '*' })
  await h1.until(() => vnic(h1)?.migration?.way === 'out' && station(h1)?.forward === true && station(h1)?.host === ids.h3)
  // Where it is placed now, its frames may still come from there.
  await h3.until(() => station(h3)?.host === ids.h1 && vnic(h3)?.migration === null)
  assert.equal(station(h3)!.forward, false)
  await api.ok('DELETE', '/vms/vm1/migration')
  await h1.until(() => vnic(h1) === undefined && station(h1)?.forward === true)
  await h3.until(() => station(h3) === undefined)
  // One whose command has died leaves nothing on the other host; one that goes on says so.
  const ahead = api.ahead
  let passed = 0
  const abandoned = new Abandoned(api.model, { now: () => Date.now() + api.ahead, elapsed: () => performance.now() + passed })
  const passes = async (ms: number): Promise<void> => {
    passed += ms
    api.ahead += ms
    await abandoned.end()
  }
  const say = (phase?: string): Promise<unknown> => api.ok('PUT', '/vms/vm1/migration', { host: 'h1', ...(phase && { phase }) })
  const records = async (): Promise<number> => (await api.ok('GET', '/audit?kind=vm&limit=1000')).items.length
  const revisionOf = async (): Promise<string> => (await api.ok('GET', '/vnics/c')).revision
  await say()
  await say('prepare')
  await h1.until(() => vnic(h1)?.migration?.way === 'in')
  const [written, revision] = [await records(), await revisionOf()]
  await passes(100_000)
  await say()
  await passes(100_000)
  // That it goes on is nothing that anybody changed.
  assert.deepEqual([await records(), await revisionOf()], [written, revision])
  const phaseNow = (): string | undefined => api.model.mirror.objects.get('vnic', ids.c!)?.record.migration?.phase
  assert.equal(phaseNow(), 'prepare')
  // An API that begins later has heard nothing for less time, and one whose clock is ahead has, too.
  const later = new Abandoned(api.model, { elapsed: () => performance.now() + passed + 600_000 })
  await later.end()
  later.stop()
  assert.equal(phaseNow(), 'prepare')
  // Nor does it take longer when somebody sets the clock back.
  api.ahead -= 86_400_000
  await passes(21_000)
  api.ahead += 86_400_000
  await h1.until(() => vnic(h1) === undefined && vnic(h3)?.migration === null && station(h3) === undefined)
  await say()
  await say('prepare')
  await say('receive')
  assert.equal(await records(), written + 2)
  await h1.until(() => vnic(h1)?.migration === null)
  await passes(121_000)
  await h1.until(() => vnic(h1) === undefined)
  // A command of an earlier version never says that it goes on.
  await say('prepare')
  await passes(1_000_000)
  await say('receive')
  await passes(1_000_000)
  assert.equal(phaseNow(), 'receive')
  await passes(4 * 3_600_000)
  await h1.until(() => vnic(h1) === undefined)
  await say()
  await say('receive')
  await api.ok('PATCH', '/vms/vm1', { host: 'h1' }, { 'if-match': '*' })
  await h3.until(() => vnic(h3)?.migration?.way === 'out')
  await passes(100_000)
  await say('receive')
  await passes(100_000)
  assert.equal(phaseNow(), 'leave')
  await passes(21_000)
  await h3.until(() => vnic(h3) === undefined)
  await h1.until(() => station(h1) === undefined && vnic(h1)?.migration === null)
  assert.ok((await api.ok('GET', `/audit?target=${ids.c}`)).items.some((each: any) => each.principal === 'system:abandoned-migration'))
  abandoned.stop()
  api.ahead = ahead
  await api.ok('PATCH', '/vms/vm1', { host: 'h3' }, { 'if-match': '*' })
  // One that is given up leaves nothing on the other host.
  await api.ok('PUT', '/vms/vm1/migration', { host: 'h1' })
  await h1.until(() => vnic(h1)?.migration?.way === 'in')
  await api.ok('DELETE', '/vms/vm1/migration')
  await h1.until(() => vnic(h1) === undefined)
  assert.equal((await api.ok('GET', '/vnics/c')).binding.host, ids.h3)
  await api.ok('PATCH', '/vms/vm1', { host: null }, { 'if-match': '*' })
  await api.ok('DELETE', '/vms/vm1')
  await h3.until((items) => items.size === 1)
})

test('a host that comes back gets what it missed; one that has been away too long gets everything', async () => {
  const first = new Host(ids.h1!)
  await first.until((items) => items.size > 2)
  const revision = String(first.revision)
  await first[Symbol.asyncDispose]()
  await api.ok('PATCH', '/vnics/a', { mtu: 1400 }, { 'if-match': '*' })
  await using again = new Host(ids.h1!, revision)
  await again.until((items) => items.size > 0)
  assert.deepEqual(again.messages[0], { type: 'hello', host: ids.h1, version: 1, whole: false })
  assert.deepEqual(again.keys(), ['vnic/a'])
  await using ahead = new Host(ids.h1!, '999999')
  await ahead.until((items) => items.size > 2)
  assert.equal((ahead.messages[0] as { whole: boolean }).whole, true)
  // A host has one feed: the newer one counts.
  assert.match(String(await again.done), /the API ended the feed/)
})

test('an agent of another version, and one that speaks nonsense, are refused', async () => {
  const refusal = async (path: string, body?: unknown): Promise<FeedRefused> => {
    const signal = AbortSignal.timeout(5_000)
    if (body !== undefined)
      return post(server.of(ids.h1!), path, body, { signal }).then(
        () => assert.fail(path),
        (error) => error,
      )
    return new Promise((resolve) =>
      request(`${server.of(ids.h1!).url}${path}`, (response) => {
        response.resume()
        resolve(new FeedRefused(response.statusCode!, ''))
      }).end(),
    )
  }
  for (const [query, status] of [
    ['version=2', 426],
    ['version=0', 426],
    ['version=x', 400],
    ['', 400],
    ['version=1&revision=-1', 400],
  ] as const)
    assert.equal((await refusal(`${feedPath}?${query}`)).status, status, query)
  const report = { revision: '5', errors: [], ready: [], agent: { version: '1', feed: 1 } }
  await post(server.of(ids.h1!), reportPath, report, { signal: AbortSignal.timeout(5_000) })
  assert.equal(api.model.mirror.hosts.get(ids.h1!)?.acked, 5)
  for (const wrong of [{}, { ...report, revision: 5 }, { ...report, errors: [{ kind: 'vnic' }] }, []])
    assert.equal((await refusal(reportPath, wrong)).status, 400, JSON.stringify(wrong))
})

test('a host that is removed is sent away; one whose certificate ends may come back', async () => {
  const host = (await api.ok('POST', '/hosts', { name: 'h4', facility: 'f1' })).id
  const first = new Host(host)
  await first.until((items) => items.size === 1)
  server.ends.get(host)!.abort('the certificate has ended')
  await first.done
  assert.ok(!first.messages.some(({ type }) => type === 'bye'))
  const second = new Host(host)
  await second.until((items) => items.size === 1)
  await api.ok('DELETE', `/hosts/${host}`)
  server.ends.get(host)!.abort('the host is gone')
  await second.done
  assert.deepEqual(second.messages.at(-1), { type: 'bye', reason: 'the host is removed from the cloud' })
})

test('a reader that takes nothing is cut, and costs no more than what it has not read', async () => {
  const { promise, resolve } = Promise.withResolvers<{ written: number; error: unknown }>()
  const slow = createServer(async (_, response) => {
    const sink = new ResponseSink(response, { stalledMs: 50 })
    let written = 0
    try {
      for (;;) if (!sink.write('x'.repeat(1_000) + (written += 1_000))) await sink.drained()
    } catch (error) {
      resolve({ written, error })
    }
  })
  await new Promise<void>((done) => slow.listen(0, '127.0.0.1', done))
  const client = connect((slow.address() as { port: number }).port, '127.0.0.1')
  const closed = once(client, 'close')
  client.on('error', () => {}).pause()
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  const { written, error } = await promise
  assert.equal((error as Error).name, 'AbortError')
  // What the kernel holds for a socket, and no more.
  assert.ok(written < 32 << 20, `${written}`)
  client.resume()
  await closed
  slow.close()
})

test('a host gets its ping also while the model changes, of which nothing is for it', async () => {
  await using h3 = new Host(ids.h3!)
  const pings = (from: number): number => h3.messages.slice(from).filter(({ type }) => type === 'ping').length
  await h3.until(() => h3.revision > 0)
  // It is told of nothing any more.
  for (let i = 0; pings(0) === 0 && i < 1_000; i++) {
    feeds.ping()
    await sleep(10)
  }
  const { length } = h3.messages
  // Where it is being told of a revision just then, the next one has its ping.
  for (let i = 0; pings(length) === 0 && i < 3; i++) {
    await api.ok('POST', '/regions', { name: `south${i}` })
    feeds.ping()
    await h3.until(() => h3.revision >= api.model.mirror.revision)
  }
  assert.ok(pings(length) > 0)
})

test('a feed whose connection breaks is forgotten', async () => {
  const stalled = request(`${server.of(ids.h1!).url}${feedPath}?version=1`)
  stalled.end()
  const [response] = (await once(stalled, 'response')) as [IncomingMessage]
  response.on('error', () => {})
  assert.ok(feeds.connected.has(ids.h1!))
  stalled.destroy()
  for (let i = 0; feeds.connected.has(ids.h1!) && i < 500; i++) await sleep(10)
  assert.ok(!feeds.connected.has(ids.h1!))
})

test('what a host has at a sync names nothing that it has not: also when the model changes while it reads', async () => {
  await api.ok('POST', '/vpcs', { name: 'fresh', account: 'shop' })
  const subnet = (await api.ok('POST', '/subnets', { name: 'fresh', vpc: 'fresh', network4: '10.9.0.0/24' })).id
  for (const [name, host] of [
    ['near', 'h1'],
    ['far', 'h2'],
  ]) {
    ids[name!] = (await api.ok('POST', '/vnics', { name, account: 'shop', subnet })).id
    await api.ok('PUT', `/vnics/${name}/binding`, { host })
  }
  const [stations, vteps] = [new Map<string, string>(), new Set<string>()]
  const missing: string[] = []
  let drains = 0
  const done = Promise.withResolvers<void>()
  const feed = feeds.open(ids.h1!, undefined, {
    write(line) {
      const message = JSON.parse(line) as FeedMessage
      if (message.type === 'put' && message.item.kind === 'vtep') vteps.add(message.item.id)
      if (message.type === 'put' && message.item.kind === 'station') stations.set(message.item.id, message.item.host)
      if (message.type === 'sync') missing.push(...[...stations.values()].filter((host) => !vteps.has(host)))
      if (message.type === 'sync' && stations.get(ids.far!) === ids.h3) done.resolve()
      return message.type !== 'put'
    },
    // The host reads slowly, and what it is about to be told moves to a host that it has not heard of.
    async drained() {
      if (drains++ === 0) await api.ok('PUT', '/vnics/far/binding', { host: 'h3' })
    },
    end() {},
  })
  await done.promise
  feeds.gone(feed)
  assert.deepEqual(missing, [])
})
