/** Routers, NATs and wires: what a vpc and a host can have once, and what groups tell a host of a zone. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { parseCounters } from '#control/feed/counters.ts'
import { Feeds } from '#control/feed/feeds.ts'
import { topicsOf } from '#control/feed/interest.ts'
import { itemOf } from '#control/feed/items/all.ts'
import { heldBlocks } from '#control/feed/held-blocks.ts'
import { NatBlocks } from '#control/feed/nat-blocks.ts'
import { Lead } from '#control/model/lead.ts'
import { Model } from '#control/model/model.ts'
import { sweepBlocks } from '#control/model/sweep.ts'
import { takeoverMs, Wires } from '#control/model/wires.ts'
import { StoreError } from '#control/store/store-error.ts'
import { put, type Store } from '#control/store/store.ts'
import { mostBlocks } from '#feed/counters.ts'
import type { GroupItem } from '#feed/item.ts'
import { checkInvariants } from '../invariants.ts'
import { TestApi } from '../test-api.ts'

let api: TestApi
before(async () => {
  api = await TestApi.start()
  await api.ok('POST', '/regions', { name: 'north' })
  await api.ok('POST', '/azs', { name: 'north-a', region: 'north', letter: 'a' })
  await api.ok('POST', '/facilities', { name: 'f1', region: 'north' })
  for (const [name, prefix] of Object.entries({ p1: '203.0.113.0/28', p2: '198.51.100.0/28' }))
    await api.ok('POST', '/pools', { name, facility: 'f1', prefix })
  await api.ok('POST', '/orgs', { name: 'acme' })
  for (const [account, vpc] of Object.entries({ shop: 'red', bank: 'gold' })) {
    await api.ok('POST', '/accounts', { name: account, org: 'acme' })
    await api.ok('POST', '/vpcs', { name: vpc, account })
    await api.ok('POST', '/subnets', { name: `${vpc}1`, vpc, network4: '10.0.0.0/24' })
    await api.ok('POST', '/vnics', { name: `${vpc}-v`, account, subnet: `${vpc}1`, addresses: [vpc === 'red' ? '10.0.0.50' : '10.0.0.60'] })
  }
})
after(async () => {
  assert.deepEqual(api.logged, [])
  await checkInvariants(api.store)
  return api[Symbol.asyncDispose]()
})

const post = (path: string, body: object) => api.ask(api.admin, 'POST', path, body)
const patch = (path: string, body: object) => api.ask(api.admin, 'PATCH', path, body, { 'if-match': '*' })
const codeOf = ({ status, body }: { status: number; body: any }): string => `${status} ${body.type?.replace('urn:vpc:problem:', '')}`

test('a vpc has one router in effect: others are disabled, and may take its place', async () => {
  assert.equal((await post('/routers', { name: 'r1', vpc: 'red', interfaces: [{ subnet: 'red1' }] })).status, 201)
  const second = await post('/routers', { name: 'r2', vpc: 'red' })
  assert.equal(codeOf(second), '409 taken')
  assert.match(second.body.detail, /router r1 is in effect in this vpc.*join its subnets to router r1, or make one with enabled=false/)
  assert.equal((await post('/routers', { name: 'r2', vpc: 'red', enabled: false })).status, 201)
  assert.equal((await post('/routers', { name: 'r1', vpc: 'gold' })).status, 201, 'another vpc has its own')
  assert.equal(codeOf(await patch('/routers/r2', { enabled: true })), '409 taken')
  await api.ok('PATCH', '/routers/red%2Fr1', { enabled: false }, { 'if-match': '*' })
  await api.ok('PATCH', '/routers/r2', { enabled: true }, { 'if-match': '*' })
  // Of many at once one wins.
  await api.ok('PATCH', '/routers/r2', { enabled: false }, { 'if-match': '*' })
  const many = await Promise.all(Array.from({ length: 8 }, (_, i) => post('/routers', { name: `many${i}`, vpc: 'red' })))
  assert.equal(many.filter(({ status }) => status === 201).length, 1)
})

test('the stations of a vpc share addresses of one pool, eight at most', async () => {
  await api.ok('POST', '/nats', { name: 'n1', vpc: 'red', pool: 'p1', publicIps: ['203.0.113.4'] })
  const other = await post('/nats', { name: 'n2', vpc: 'red', pool: 'p2' })
  assert.equal(codeOf(other), '409 taken')
  assert.match(other.body.detail, /NAT n1 with addresses of another pool/)
  const eight = ['5', '6', '7', '8', '9', '10', '11', '12'].map((n) => `203.0.113.${n}`)
  const many = await post('/nats', { name: 'n2', vpc: 'red', pool: 'p1', publicIps: eight })
  assert.equal(codeOf(many), '409 exhausted')
  assert.match(many.body.detail, /would share 9 addresses, and 8 are the most/)
  await api.ok('POST', '/nats', { name: 'n2', vpc: 'red', pool: 'p1', publicIps: eight.slice(1) })
})

test('the next router on a wire has no address that a guest could get', async () => {
  const wire = { pool: 'p1', interface: 'em1', gateway4: '203.0.113.1' }
  const inside = await post('/hosts', { name: 'h0', facility: 'f1', wires: [wire] })
  assert.equal(codeOf(inside), '400 invalid')
  assert.match(inside.body.detail, /203.0.113.1 is in 203.0.113.0\/28 of pool p1/)
  const twice = await post('/hosts', {
    name: 'h0',
    facility: 'f1',
    wires: [
      { pool: 'p1', interface: 'em1' },
      { pool: 'p1', interface: 'em2' },
    ],
  })
  assert.match(twice.body.detail, /another wire of this host has the pool/)
})

test("a zone as a peer stands for the account's own vnics there, not for those of others", async () => {
  const { id: host } = await api.ok('POST', '/hosts', { name: 'h1', facility: 'f1', az: 'north-a' })
  const rules = [{ direction: 'in', peers: [{ az: 'north-a' }] }]
  const { id } = await api.ok('POST', '/groups', { name: 'g', account: 'shop', rules })
  await patch('/vnics/red-v', { groups: ['g'] })
  for (const vnic of ['red-v', 'gold-v']) await api.ok('PUT', `/vnics/${vnic}/binding`, { host: 'h1' })
  const feeds = new Feeds(api.model.mirror)
  const item = itemOf(feeds.view(), host, `group/${id}`) as GroupItem
  feeds.stop()
  assert.deepEqual(item.rules[0]!.peers, [{ networks: ['10.0.0.50/32'] }])
})

test('a floating address moves to another vnic, and takes its first address there', async () => {
  await api.ok('POST', '/vnics', { name: 'red-w', account: 'shop', subnet: 'red1', addresses: ['10.0.0.51'] })
  await api.ok('POST', '/floating-ips', { name: 'f', account: 'shop', pool: 'p1', target: { vnic: 'red-v' } })
  const { target } = await api.ok('PATCH', '/floating-ips/f', { target: { vnic: 'red-w' } }, { 'if-match': '*' })
  assert.equal(target.ip, '10.0.0.51')
  const wrong = await patch('/floating-ips/f', { target: { ip: '10.0.0.50' } })
  assert.match(wrong.body.detail, /the vnic has not the address 10.0.0.50/)
})

test('the next hop of a route is a vnic of the vpc: another one may have its address', async () => {
  await api.ok('POST', '/vpcs', { name: 'next', account: 'shop' })
  const route = { destination: '10.9.0.0/16', vnic: 'red-v' }
  const far = await post('/route-tables', { name: 't', vpc: 'next', routes: [route] })
  assert.match(far.body.detail, /no vnic red-v in this vpc/)
  assert.equal((await post('/route-tables', { name: 'hop', vpc: 'red', routes: [route] })).status, 201)
})

test('routes by a peering: of both vpcs that it joins, of the other one when it has agreed', async () => {
  for (const [vpc, network4] of Object.entries({ red: '10.1.0.0/24', gold: '10.2.0.0/24' })) {
    await api.ok('POST', '/vpcs', { name: `${vpc}-far`, account: vpc === 'red' ? 'shop' : 'bank' })
    await api.ok('POST', '/subnets', { name: `${vpc}-far1`, vpc: `${vpc}-far`, network4 })
  }
  const { id: peerVpc } = await api.ok('GET', '/vpcs/gold-far')
  const { id: peering } = await api.ok('POST', '/peerings', { name: 'both', vpc: 'red-far', peerVpc })
  const table = (vpc: string) => post('/route-tables', { name: 't', vpc, routes: [{ destination: '10.9.0.0/16', peering }] })
  assert.equal((await table('red-far')).status, 201)
  assert.match((await table('gold-far')).body.detail, /no peering .* that joins this vpc/)
  assert.match((await table('red')).body.detail, /no peering .* that joins this vpc/)
  await api.ok('PATCH', '/peerings/both', { accepted: true }, { 'if-match': '*' })
  assert.equal((await table('gold-far')).status, 201)
  const operator = await api.principal('banker', 'operator', { account: 'bank' })
  const own = await api.ask(operator, 'POST', '/route-tables', {
    name: 't2',
    vpc: 'gold-far',
    routes: [{ destination: '10.1.0.0/24', peering: 'both' }],
  })
  assert.equal(own.status, 201)
})

test('what fails on hosts is told of a route table; a host that has nothing to do with it is not believed', async () => {
  const { id } = await api.ok('GET', '/route-tables/hop')
  const { id: own } = await api.ok('GET', '/hosts/h1')
  const { id: liar } = await api.ok('POST', '/hosts', { name: 'liar', facility: 'f1' })
  const since = '2030-01-01T00:00:00.000Z'
  const report = (host: string, text: string, kind: 'route-table' | 'nat' = 'route-table', item = id): void =>
    api.model.mirror.hosts.report(
      host,
      { revision: '1', errors: [{ kind, id: item, code: 'failed', text, since, tries: 1 }], agent: { version: '0', feed: 1 } },
      Date.now(),
    )
  const problem = async (path = '/route-tables/hop') => (await api.ok('GET', path)).problem
  assert.equal(await problem(), null)
  report(liar, 'a lie')
  assert.equal(await problem(), null)
  report(own, 'no way')
  assert.deepEqual(await problem(), { code: 'failed', text: 'no way', since, hosts: 1 })
  const { vpc, pool } = await api.ok('GET', '/nats/n1')
  report(own, 'no router', 'nat', `${vpc}.${pool}`)
  assert.deepEqual(
    [await problem(), (await problem('/nats/n1')).text, (await problem('/floating-ips/f')).text],
    [null, 'no router', 'no router'],
  )
  // What a reader got may come back with a change.
  const whole = await api.ok('GET', '/nats/n1')
  assert.equal((await api.ask(api.admin, 'PUT', `/nats/${whole.id}`, whole, { 'if-match': '*' })).status, 200)
})

test('two APIs that choose by different rules do not take the packets from each other', async () => {
  await api.ok('POST', '/pools', { name: 'p8', facility: 'f1', prefix: '192.0.8.0/28' })
  const ids: string[] = []
  for (const n of [1, 2]) {
    const wires = [{ pool: 'p8', interface: 'em1' }]
    ids.push((await api.ok('POST', '/hosts', { name: `u${n}`, facility: 'f1', underlay: [{ address: `192.0.2.${n + 40}` }], wires })).id)
  }
  const other = await Model.start(api.store)
  const start = Date.now()
  const at = { now: 0 }
  const began = performance.now()
  for (const { mirror } of [api.model, other]) mirror.hosts.elapsed = () => began + at.now
  // Each sees another host alone, and so wants it: as two versions may want different ones.
  const choosers = [api.model, other].map((model, i) => {
    for (const id of ids) model.mirror.hosts.came(id, { api: 'one', since: new Date(start).toISOString() })
    model.mirror.hosts.went(ids[1 - i]!)
    return new Wires(
      model,
      () => start + at.now,
      () => {},
    )
  })
  const chosen = async (): Promise<string | undefined> => {
    const { entries } = await api.store.get([`o/pool/${(await api.ok('GET', '/pools/p8')).id}`])
    return JSON.parse(entries[0]!.value).wire?.host
  }
  const changes = new Set<string | undefined>()
  const look = async (ms: number): Promise<void> => {
    at.now += ms
    for (const chooser of choosers) {
      await other.mirror.reach(api.model.mirror.revision)
      await chooser.look()
      await api.model.mirror.reach(other.mirror.revision)
      changes.add(await chosen())
    }
  }
  await look(0)
  assert.ok(ids.includes((await chosen())!), 'the choice is written')
  changes.clear()
  // The first one chooses.
  for (let i = 0; i < 10; i++) await look(2_000 + (i === 0 ? takeoverMs : 0))
  assert.deepEqual([...changes], [ids[0]])
  // It ends: the other one chooses.
  await choosers[0]!.stop()
  for (const end = Date.now() + 20_000; (await chosen()) !== ids[1];) {
    assert.ok(Date.now() < end, 'the other API chooses')
    await choosers[1]!.look()
    await setTimeout(20)
  }
  await choosers[1]!.stop()
  other.stop()
})

test('an API that does not hear that it leads keeps no lease for it', async () => {
  let isDeaf = true
  const commit: Store['commit'] = async (asked) => {
    const result = await api.store.commit(asked)
    if (isDeaf) throw new StoreError('outcome-unknown', 'the store does not answer')
    return result
  }
  const store: Pick<Store, 'get' | 'lease' | 'commit'> = { get: (keys) => api.store.get(keys), lease: (ms) => api.store.lease(ms), commit }
  const lead = new Lead(store as Store, 'tests')
  await assert.rejects(lead.take(), /does not answer/)
  isDeaf = false
  assert.equal((await lead.take())?.kind, 'at')
  await lead.stop()
})

test('of several hosts with a wire one has the packets: the highest that is there', async () => {
  const feeds = new Feeds(api.model.mirror)
  const { mirror } = api.model
  const at = { now: 0, jump: 0 }
  const start = Date.now()
  const began = performance.now()
  mirror.hosts.elapsed = () => began + at.now
  const wires = new Wires(
    api.model,
    () => start + at.now + at.jump,
    () => {},
  )
  const { revision } = await api.ok('POST', '/pools', { name: 'p9', facility: 'f1', prefix: '192.0.9.0/28' })
  const hosts: Record<string, string> = {}
  for (const [name, priority] of Object.entries({ w1: 200, w2: 100, w3: 100 })) {
    const wire = { pool: 'p9', interface: 'em1', priority }
    hosts[name] = (
      await api.ok('POST', '/hosts', {
        name,
        facility: 'f1',
        underlay: [{ address: `192.0.2.${Object.keys(hosts).length + 21}` }],
        wires: [wire],
      })
    ).id
  }
  const vnic = await api.ok('POST', '/vnics', { name: 'public', account: 'bank', subnet: 'gold1' })
  await api.ok('PUT', '/vnics/public/binding', { host: 'w3' })
  await api.ok('POST', '/floating-ips', { name: 'f9', account: 'bank', pool: 'p9', target: { vnic: vnic.id } })
  const pool = (await api.ok('GET', '/pools/p9')).id
  const item = (host: string): any => itemOf(feeds.view(), hosts[host]!, `nat/${vnic.vpc}.${pool}`)
  /** Who has the wire; all others must say so. */
  const holder = (): string | undefined => {
    const found = Object.keys(hosts).filter((name) => item(name).wire !== null)
    assert.equal(found.length, 1)
    for (const name of Object.keys(hosts)) if (name !== found[0]) assert.equal(item(name).via, hosts[found[0]!])
    return found[0]
  }
  // Who had which ports is told to the next host of the wire alone, and said by the host of the wire alone.
  await api.ok('POST', '/nats', { name: 'n9', vpc: 'gold', pool: 'p9' })
  const failures: string[] = []
  const natBlocks = new NatBlocks(feeds.view, mirror, api.store, (message, error) => failures.push(`${message}: ${error}`))
  const line = `10.0.0.60 ${item('w1').shared[0]} 1024-1087`
  /** Gives what the host hears in answer. */
  const say = async (host: string, ...blocks: unknown[]): Promise<string[]> => {
    const body = parseCounters({ vnics: [], drops: [], blocks: [{ nat: `${vnic.vpc}.${pool}`, blocks }] })
    const refused = await natBlocks.take(hosts[host]!, body.blocks!)
    await mirror.fresh()
    return refused.map(({ count, code }) => `${count} ${code}`)
  }
  const kept = (): unknown[] => Object.keys(hosts).map((name) => item(name).kept)
  // More than the store takes, and what no vpcd takes.
  const ports = Array.from({ length: 800 }, (_, i) => 10_240 + 64 * i)
  const of = (inside: string): string[] => ports.map((first) => `${inside} 255.255.255.255 ${first}-${first + 63}`)
  const said = await say('w1', ...[...of('255.255.255.101'), ...of('255.255.255.102')].slice(0, mostBlocks))
  const many = heldBlocks(mirror, `${vnic.vpc}.${pool}`)!.blocks.length
  assert.ok(many > 1_000 && many < mostBlocks, `${many}`)
  assert.deepEqual(said, [`${mostBlocks - many} no-room`])
  // What cannot be read is left out, and said once; the rest counts.
  const unreadable = [':: :: 1-64', '10.0.0.60 192.0.9.1 1025-1088', 'no block', 7, 'x'.repeat(121)]
  for (const _ of [1, 2]) assert.deepEqual(await say('w1', line, ...unreadable), ['5 unreadable'])
  assert.equal(failures.length, 1)
  assert.match(failures[0]!, /^left out blocks of public ports of NAT \S+ that host \S+ says: ':: :: 1-64' is not a block of ports/)
  assert.deepEqual(heldBlocks(mirror, `${vnic.vpc}.${pool}`)!.blocks, [line])
  assert.deepEqual(await say('w2', 'a lie'), ['1 elsewhere'])
  assert.deepEqual(kept(), [undefined, undefined, undefined])
  const look = async (ms: number): Promise<string | undefined> => {
    at.now += ms
    await wires.look()
    return holder()
  }
  const came = (name: string): void => mirror.hosts.came(hosts[name]!, { api: 'one', since: new Date(start + at.now).toISOString() })
  const went = (name: string): void => mirror.hosts.went(hosts[name]!)
  assert.equal(await look(0), 'w1')
  for (const name of ['w1', 'w2', 'w3']) came(name)
  assert.equal(await look(0), 'w1')
  went('w1')
  assert.equal(await look(5_000), 'w1', 'an agent that starts anew')
  assert.equal(await look(6_000), 'w2')
  assert.deepEqual(kept(), [undefined, [line], undefined])
  const { commit } = api.store
  api.store.commit = () => Promise.reject(new StoreError('away', 'it is away'))
  assert.deepEqual(await say('w2', line), ['1 store-away'])
  api.store.commit = commit
  assert.deepEqual(await say('w2', line, line.replace('1024-1087', '1088-1151')), [])
  assert.deepEqual(kept(), [undefined, undefined, undefined])
  assert.deepEqual(topicsOf(feeds.view(), hosts.w1!), new Set([`host/${hosts.w1}`]), 'the old one has no business there any more')
  assert.ok(topicsOf(feeds.view(), hosts.w2!).has(`vpc/${vnic.vpc}`))
  // What the operator changes meanwhile keeps the choice. The choice is no change of what the operator has read.
  await api.ok('PATCH', '/pools/p9', { description: 'changed' }, { 'if-match': `"${revision}"` })
  assert.notEqual((await api.ok('GET', '/pools/p9')).revision, revision)
  assert.equal(holder(), 'w2')
  // The first one gets it back when it has been there for a while; one of the same priority takes it from nobody.
  came('w1')
  assert.equal(await look(29_000), 'w2')
  at.jump = -3_600_000
  assert.equal(await look(1_000), 'w1', 'whoever sets the clock back meanwhile')
  went('w1')
  assert.equal(await look(11_000), 'w2')
  at.jump = 0
  went('w2')
  assert.equal(await look(11_000), 'w3')
  came('w2')
  assert.equal(await look(60_000), 'w3')
  // Nobody is there: it stays. The operator takes the wire away: another has it at once.
  went('w3')
  went('w2')
  assert.equal(await look(60_000), 'w3')
  await api.ok('PATCH', '/hosts/w3', { wires: [] }, { 'if-match': '*' })
  delete hosts.w3
  assert.equal(holder(), 'w1')
  api.ahead = at.now
  const { items } = await api.ok('GET', `/audit?target=${pool}`)
  api.ahead = 0
  assert.ok(items.some((each: any) => each.principal === 'system:wire-failover' && each.result === `its wire is on host ${hosts.w2}`))
  // The sweep forgets what is of no vpc or pool.
  const other = `nb/${vnic.vpc}.00000000-0000-7000-8000-000000000000`
  await api.store.commit({ if: [], write: [put(other, '{}')] })
  assert.equal(await sweepBlocks(api.store), 1)
  const { entries } = await api.store.get([other, `nb/${vnic.vpc}.${pool}`])
  assert.deepEqual(
    entries.map((each) => each === undefined),
    [true, false],
  )
  await wires.stop()
  feeds.stop()
})
