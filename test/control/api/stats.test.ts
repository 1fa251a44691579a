/** What hosts have counted: from what they say to what the API answers. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { VnicCounters } from '#feed/counters.ts'
import { parseCounters } from '#control/feed/counters.ts'
import { TestApi } from '../test-api.ts'

let api: TestApi
const ids: Record<string, string> = {}
const start = Date.parse('2026-01-31T12:00:00Z')

before(async () => {
  api = await TestApi.start()
  const make = async (plural: string, body: object & { name: string }): Promise<void> => {
    ids[body.name] = (await api.ok('POST', `/${plural}`, body)).id
  }
  await make('regions', { name: 'north' })
  await make('facilities', { name: 'f1', region: 'north' } as never)
  for (const n of [1, 2]) await make('hosts', { name: `h${n}`, facility: 'f1', underlay: [{ address: `192.0.2.${n}` }] } as never)
  await make('orgs', { name: 'acme' })
  await make('accounts', { name: 'shop', org: 'acme' } as never)
  await make('vpcs', { name: 'red', account: 'shop' } as never)
  await make('subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24' } as never)
  for (const [name, host] of Object.entries({ a: 'h1', b: 'h1', c: 'h2' })) {
    await make('vnics', { name, account: 'shop', subnet: 'web' } as never)
    await api.ok('PUT', `/vnics/${ids[name]}/binding`, { host })
  }
})
after(async () => {
  assert.deepEqual(api.logged, [])
  await api[Symbol.asyncDispose]()
})

/** A vnic has received n packets of 100 bytes, and sent one; some were dropped. */
const counts = (name: string, n: number, drops: Record<string, number> = {}): VnicCounters => ({
  vnic: ids[name]!,
  rxPackets: n,
  rxBytes: 100 * n,
  txPackets: 1,
  txBytes: 60,
  flows: 2,
  drops,
})

const say = (host: string, at: number, ...vnics: VnicCounters[]): void =>
  api.counters.take(ids[host]!, parseCounters({ vnics, drops: [] }), start + at * 10_000)
const points = async (path: string): Promise<any[]> => (await api.ok('GET', `${path}/stats`)).points

test('differences of what a host says are points, by vnic, vpc and host', async () => {
  say('h1', 0, counts('a', 10), counts('b', 1))
  assert.deepEqual(await points('/vnics/a'), [])
  say('h1', 1, counts('a', 15, { sg_denied: 2 }), counts('b', 4))
  say('h1', 3, counts('a', 16, { sg_denied: 3 }))
  const at = (n: number): string => new Date(start + n * 10_000).toISOString()
  assert.deepEqual(await points('/vnics/a'), [
    { time: at(1), rxPackets: 5, rxBytes: 500, txPackets: 0, txBytes: 0, flows: 2, drops: { sg_denied: 2 } },
    { time: at(3), rxPackets: 1, rxBytes: 100, txPackets: 0, txBytes: 0, flows: 2, drops: { sg_denied: 1 } },
  ])
  assert.deepEqual((await points('/vpcs/red'))[0], {
    time: at(1),
    rxPackets: 8,
    rxBytes: 800,
    txPackets: 0,
    txBytes: 0,
    flows: 4,
    drops: { sg_denied: 2 },
  })
  assert.deepEqual(await points('/hosts/h1'), await points('/vpcs/red'))
  assert.deepEqual(await points('/subnets/web'), await points('/vpcs/red'))
  const { interval, points: late } = await api.ok('GET', `/vnics/a/stats?since=${at(1)}&points=1`)
  assert.deepEqual([interval, late.map(({ time }: { time: string }) => time)], [10, [at(3)]])
})

test('counters that begin anew make no huge difference', async () => {
  say('h1', 4, counts('b', 3))
  assert.equal((await points('/vnics/b')).at(-1).rxPackets, 3)
})

test('a host speaks of its own vnics alone', async () => {
  say('h2', 5, counts('a', 1_000_000), counts('c', 1))
  say('h2', 6, counts('a', 2_000_000), counts('c', 2))
  assert.equal((await points('/vnics/a')).length, 2)
  assert.equal((await points('/vnics/c')).length, 1)
  const drop = {
    time: new Date(start).toISOString(),
    reason: 'sg_denied',
    length: 60,
    vni: 1,
    direction: 'in',
    peer: '10.0.0.9',
    text: 'IPv4 10.0.0.9:1 > 10.0.0.4:80 TCP S len 60',
    rule: null,
  }
  const told = parseCounters({ vnics: [], drops: ['a', 'c'].map((name) => ({ ...drop, vnic: ids[name] })) })
  api.counters.take(ids.h2!, told, start)
  const { drops } = await api.ok('GET', '/vpcs/red/drops')
  assert.deepEqual(drops, [{ ...drop, vnic: ids.c }])
  assert.deepEqual((await api.ok('GET', `/vpcs/red/drops?since=${drop.time}`)).drops, [])
})

test('what is older than an hour is forgotten', async () => {
  say('h1', 361, counts('a', 20))
  assert.deepEqual(
    (await points('/vnics/a')).map(({ rxPackets }: { rxPackets: number }) => rxPackets),
    [1, 4],
  )
})

test('what passes now has a point for each vnic, and for each NAT as the host of its wire says', async () => {
  const pool = await api.ok('POST', '/pools', { name: 'public', facility: 'f1', prefix: '198.51.100.0/28' })
  await api.ok('PATCH', '/hosts/h1', { wires: [{ pool: 'public', interface: 'em1' }] }, { 'if-match': '*' })
  const nat = await api.ok('POST', '/nats', { name: 'out', vpc: 'red', pool: 'public' })
  const now = Date.now()
  const sayBoth = (n: number, host = 'h1'): void => {
    const { vnic: _, flows: __, ...counted } = counts('a', n)
    const told = { vnics: [counts('a', n)], nats: [{ nat: `${ids.red}.${pool.id}`, ...counted }], drops: [] }
    api.counters.take(ids[host]!, parseCounters(told), now)
  }
  for (const n of [21, 22]) sayBoth(n)
  // Its vnic is not there, nor the wire.
  for (const n of [100, 200]) sayBoth(n, 'h2')
  const { interval, items } = await api.ok('GET', '/vpcs/red/traffic')
  const passed = { rxPackets: 1, rxBytes: 100, txPackets: 0, txBytes: 0, drops: {} }
  assert.deepEqual(
    [interval, items],
    [
      10,
      [
        { kind: 'vnic', id: ids.a, ...passed, rxPackets: 2, rxBytes: 200, flows: 2 },
        { kind: 'nat', id: nat.id, ...passed, flows: 0 },
      ],
    ],
  )
  assert.equal((await points('/nats/out')).length, 1)
  // It has a wire of the pool, and another one has the packets: what it says does not count, and disturbs nobody.
  await api.ok('PATCH', '/hosts/h2', { wires: [{ pool: 'public', interface: 'em1', priority: 1 }] }, { 'if-match': '*' })
  for (const n of [300, 400]) sayBoth(n, 'h2')
  sayBoth(23)
  assert.deepEqual(
    (await points('/nats/out')).map(({ rxPackets }: { rxPackets: number }) => rxPackets),
    [2],
  )
  api.ahead = 60_000
  assert.deepEqual((await api.ok('GET', '/vpcs/red/traffic')).items, [])
  api.ahead = 0
})

test('what a host may not say is refused whole, and so is what one may not ask', async () => {
  const good = counts('a', 1)
  for (const bad of [{ rxBytes: -1 }, { vnic: 'x' }, { drops: { 'a b': 1 } }, { flows: 1.5 }])
    assert.throws(() => parseCounters({ vnics: [{ ...good, ...bad }], drops: [] }), /vnics\.0/)
  assert.throws(() => parseCounters({ vnics: Array(4_001).fill(good), drops: [] }), /vnics/)
  for (const query of ['since=yesterday', 'points=0', 'points=361'])
    assert.equal((await api.ask(api.admin, 'GET', `/vnics/a/stats?${query}`)).status, 400)
})
