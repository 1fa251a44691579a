/** An API that starts again does not know what hosts were told: they say what they hold, and hear the difference. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from '#agent/agent.ts'
import type { HostHalf } from '#agent/apply/host-half.ts'
import { ItemStore } from '#agent/compile/items.ts'
import { changesIn, heldBy, type Batch } from '#agent/feed/gathering.ts'
import { Exceptions } from '#control/feed/exceptions.ts'
import { Feeds } from '#control/feed/feeds.ts'
import { feedRoutes } from '#control/feed/routes.ts'
import { bucketOf } from '#feed/held.ts'
import type { FeedItem, StationItem } from '#feed/item.ts'
import { createLog } from '#system/log.ts'
import { TestApi } from '../test-api.ts'
import { FeedHost } from './feed-host.ts'
import { FeedServer } from './feed-server.ts'

let api: TestApi
let server: FeedServer
let exceptions: Exceptions
const ids: Record<string, string> = {}
before(async () => {
  api = await TestApi.start()
  const { mirror } = api.model
  exceptions = new Exceptions(mirror, api.store)
  server = await FeedServer.start(feedRoutes({ feeds: api.feeds, mirror, now: Date.now, exceptions, counters: api.counters }))
  await api.ok('POST', '/regions', { name: 'north' })
  await api.ok('POST', '/facilities', { name: 'f1', region: 'north' })
  for (const i of [1, 2, 3])
    ids[`h${i}`] = (await api.ok('POST', '/hosts', { name: `h${i}`, facility: 'f1', underlay: [{ address: `192.0.2.${i}` }] })).id
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  await api.ok('POST', '/vpcs', { name: 'red', account: 'shop' })
  await api.ok('POST', '/subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24' })
  for (let i = 0; i < 62; i++) {
    const { id } = await api.ok('POST', '/vnics', { account: 'shop', subnet: 'web' })
    await api.ok('PUT', `/vnics/${id}/binding`, { host: i === 0 ? 'h1' : 'h2' })
  }
})
after(async () => {
  exceptions.stop()
  await server[Symbol.asyncDispose]()
  assert.deepEqual(api.logged, [])
  return api[Symbol.asyncDispose]()
})

/** The API after a restart: it knows what is, and not what hosts were told. */
async function restarted(): Promise<{ of: FeedServer['of'] } & AsyncDisposable> {
  const { mirror } = api.model
  const feeds = new Feeds(mirror)
  const at = await FeedServer.start(feedRoutes({ feeds, mirror, now: Date.now, exceptions, counters: api.counters }))
  return {
    of: at.of,
    async [Symbol.asyncDispose]() {
      feeds.stop()
      await at[Symbol.asyncDispose]()
    },
  }
}
const textsOf = (items: Iterable<FeedItem>): string[] => Array.from(items, (item) => JSON.stringify(item)).sort()
const putsOf = ({ messages }: FeedHost): string[] => messages.flatMap((message) => (message.type === 'put' ? [message.item.id] : []))

test('an API that knows nothing of the past tells a host what differs from what it holds, and no more', async () => {
  const isTold = (host: FeedHost) => (): boolean => host.revision >= api.model.mirror.revision
  const opened = async (...given: ConstructorParameters<typeof FeedHost>): Promise<FeedHost> => {
    const host = new FeedHost(...given)
    await host.until(isTold(host))
    return host
  }
  await using at = await restarted()
  await using whole = await opened(server.of(ids.h1!))
  const [right, revision] = [[...whole.items], String(whole.revision)]
  assert.ok(right.length > 64)
  {
    await using same = await opened(at.of(ids.h1!), '1', { holds: right, isChecked: true })
    assert.deepEqual(textsOf(same.items), textsOf(right))
    assert.deepEqual(putsOf(same), [])
  }
  // One is another, one is missing, one is invented, and its revision is of another cloud.
  const [first, second, ...others] = right.filter(({ kind }) => kind === 'station') as StationItem[]
  const invented = { ...first!, id: '00000000-0000-4000-8000-000000000000' }
  const rest = right.filter(({ kind }) => kind !== 'station')
  const wrong = [...rest, { ...first!, host: ids.h3! }, invented, ...others]
  for (const from of ['999999999', '1', revision]) {
    await using harmed = await opened(at.of(ids.h1!), from, { holds: wrong })
    assert.deepEqual(textsOf(harmed.items), textsOf(right), from)
    const told = putsOf(harmed)
    assert.ok(told.includes(first!.id) && told.includes(second!.id) && told.length < right.length / 2, `${told.length}`)
  }
  {
    // Also where the API knows the revision: this agent has read its disk, and heard of nothing yet.
    await using harmed = await opened(server.of(ids.h1!), revision, { holds: wrong })
    assert.deepEqual(textsOf(harmed.items), textsOf(right))
  }
  {
    // Words that the API cannot read mean nothing: it tells all, whatever the agent says of its revision.
    await using garbled = await opened(at.of(ids.h1!), revision, { holds: wrong, says: 'nonsense' })
    assert.deepEqual(textsOf(garbled.items), textsOf(right))
    assert.ok(garbled.messages.some((message) => message.type === 'hello' && message.whole))
  }
  {
    // What changes meanwhile comes, too, and what goes goes.
    const host = new FeedHost(at.of(ids.h1!), '1', { holds: wrong })
    await api.ok('DELETE', `/vnics/${second!.id}/binding`)
    await host.until(isTold(host))
    assert.deepEqual(
      textsOf(host.items),
      textsOf(right).filter((text) => !text.includes(second!.id)),
    )
    await api.ok('PUT', `/vnics/${second!.id}/binding`, { host: 'h2' })
    await host[Symbol.asyncDispose]()
  }
})

test('what an agent says that it holds counts the batches that vpcd has not done yet', async () => {
  const items = new ItemStore()
  items.put({ kind: 'prefix-list', id: 'one', entries: [] })
  items.put({ kind: 'prefix-list', id: 'two', entries: [] })
  const said = (item: FeedItem | null, id: string): Batch['said'] => new Map([[`prefix-list/${id}`, { kind: 'prefix-list', id, item }]])
  const batch = { revision: '2', requests: [], whole: false, buckets: undefined }
  const three: FeedItem = { kind: 'prefix-list', id: 'three', entries: ['10.0.0.0/8'] }
  const waiting = [
    { ...batch, said: said(three, 'three') },
    { ...batch, said: said(null, 'one') },
    { ...batch, said: new Map(), buckets: { count: 2, which: [bucketOf('prefix-list/two', 2)] } },
  ]
  const after = new ItemStore()
  for (const { kind, id } of items) after.put(items.get(kind, id)!)
  for (const each of waiting) {
    const { put, gone } = changesIn(after, each)
    for (const { kind, id } of gone) after.delete(kind, id)
    for (const item of put) after.put(item)
  }
  assert.equal(after.get('prefix-list', 'two'), undefined)
  assert.equal(String(heldBy(items, waiting)), String(heldBy(after, [])))
  assert.notEqual(String(heldBy(items, waiting)), String(heldBy(items, [])))
})

test('an agent whose cache somebody has changed, checksums and all, ends with what the API says', async () => {
  await using at = await restarted()
  await using whole = new FeedHost(server.of(ids.h1!))
  await whole.until(() => whole.revision >= api.model.mirror.revision)
  const right = textsOf(whole.items)
  const stateDir = mkdtempSync(join(tmpdir(), 'vpc-agent-'))
  await runAgent(at.of(ids.h1!), stateDir, right)
  const db = new DatabaseSync(join(stateDir, 'cache.db'))
  const put = (key: string, item: FeedItem): void => {
    const sum = createHash('sha256').update(key).update('\0').update(JSON.stringify(item)).digest().subarray(0, 8)
    db.prepare('INSERT OR REPLACE INTO items (key, text, sum) VALUES (?, ?, ?)').run(key, JSON.stringify(item), sum)
  }
  const [first, second] = [...whole.items].filter(({ kind }) => kind === 'station') as StationItem[]
  put(`station/${first!.id}`, { ...first!, host: ids.h3! })
  put('station/00000000-0000-4000-8000-000000000000', { ...first!, id: '00000000-0000-4000-8000-000000000000' })
  db.prepare('DELETE FROM items WHERE key = ?').run(`station/${second!.id}`)
  db.close()
  await runAgent(at.of(ids.h1!), stateDir, right)
  rmSync(stateDir, { recursive: true })
})

/** Run an agent, with a vpcd that takes everything, until its cache has these items and no others. */
async function runAgent(server: { readonly url: string }, stateDir: string, items: readonly string[]): Promise<void> {
  let isConnected = false
  const half = (): HostHalf => ({
    connect: async () => isConnected !== (isConnected = true),
    apply: async () => {},
    facts: { interfaceOf: () => 'em0', foreignEthlink: () => undefined },
    close: async () => {},
  })
  const stop = new AbortController()
  const agent = new Agent({ server: () => server, stateDir, version: '0', log: createLog({ out: { write: () => {} } }), half })
  const running = agent.run(stop.signal)
  try {
    const db = new DatabaseSync(join(stateDir, 'cache.db'), { readOnly: true })
    const kept = (): string[] =>
      db
        .prepare(`SELECT text FROM items WHERE key <> 'revision'`)
        .all()
        .map(({ text }) => text as string)
        .sort()
    for (let i = 0; i < 400 && kept().join('\n') !== items.join('\n'); i++) await sleep(50)
    const [now, wanted] = [new Set(kept()), new Set(items)]
    db.close()
    assert.deepEqual([[...now.difference(wanted)], [...wanted.difference(now)]], [[], []])
  } finally {
    stop.abort()
    await running
  }
}
