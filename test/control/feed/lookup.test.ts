/** Large vpcs: hosts that ask get what they ask for, hear what becomes of it, and learn nothing else. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Lookups, parseLookup } from '#control/feed/lookups.ts'
import type { HostFeed } from '#control/feed/host-feed.ts'
import { TestApi } from '../test-api.ts'

let api: TestApi
let lookups: Lookups
let vpc: string
const ids: Record<string, string> = {}
const addresses: Record<string, string> = {}

/** A host that keeps what the feed says. */
class Host {
  readonly id: string
  items = new Map<string, any>()
  nobody: string[] = []
  whole = 0
  revision: number | undefined
  feed: HostFeed | undefined
  lines = 0
  constructor(id: string) {
    this.id = id
  }
  open(options = { asks: true }, revision = this.revision): this {
    const write = (line: string): boolean => {
      const message = JSON.parse(line)
      this.lines++
      if (message.type === 'hello' && message.whole) [this.items, this.whole] = [new Map(), this.whole + 1]
      if (message.type === 'put') this.items.set(`${message.item.kind}/${message.item.id}`, message.item)
      if (message.type === 'delete') this.items.delete(`${message.kind}/${message.id}`)
      if (message.type === 'nobody') this.nobody.push(message.address)
      if (message.type === 'sync') this.revision = Number(message.revision)
      return true
    }
    this.feed = api.feeds.open(this.id, revision, { write, drained: async () => {}, end: () => {} }, options)
    return this
  }
  async told(): Promise<this> {
    for (const end = Date.now() + 10_000; !this.feed!.isTold;) {
      assert.ok(Date.now() < end, 'it is not told')
      this.feed!.ping()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return this
  }
  ask = (...names: string[]): void => lookups.ask(this.id, { vpc, addresses: names.map((name) => addresses[name] ?? name), vnics: [] })
  has = (name: string): string | undefined => this.items.get(`station/${ids[name]}`)?.host
  /** Names of the stations that it has. */
  stations = (): string[] => Object.keys(ids).filter((name) => this.has(name) !== undefined)
}

let [h1, h2, h3]: Host[] = []
/** A minute passes. */
function later(): void {
  api.ahead += 61_000
  if (api.passed !== undefined) api.passed += 61_000
}
/** Somebody sets the clock that people see ahead by this; the one that never jumps goes on. */
function setClock(ms: number): void {
  api.passed ??= api.ahead
  api.ahead = api.passed + ms
}
const dayMs = 86_400_000

before(async () => {
  api = await TestApi.start()
  lookups = new Lookups(api.feeds, api.model.mirror, () => Date.now() + api.ahead)
  await api.ok('POST', '/regions', { name: 'north' })
  await api.ok('POST', '/facilities', { name: 'f1', region: 'north' })
  const hosts = []
  for (const i of [1, 2, 3, 4])
    hosts.push(new Host((await api.ok('POST', '/hosts', { name: `h${i}`, facility: 'f1', underlay: [{ address: `192.0.2.${i}` }] })).id))
  ;[h1, h2, h3] = hosts
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  vpc = (await api.ok('POST', '/vpcs', { name: 'red', account: 'shop', resolution: 'demand' })).id
  await api.ok('POST', '/subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/16' })
  for (const [name, host] of [
    ['a', 'h1'],
    ['b', 'h2'],
    ['c', 'h2'],
    ['d', 'h3'],
    ['e', undefined],
  ] as const) {
    const made = await api.ok('POST', '/vnics', { name, account: 'shop', subnet: 'web' })
    ;[ids[name], addresses[name]] = [made.id, made.addresses[0]]
    if (host !== undefined) await api.ok('PUT', `/vnics/${name}/binding`, { host })
  }
})
after(() => {
  assert.deepEqual(api.logged, [])
  return api[Symbol.asyncDispose]()
})

test('it gets its own vnics and the hosts of the vpc; of stations those that it asks for', async () => {
  await h1!.open().told()
  const kinds = [...h1!.items.keys()].map((key) => key.split('/')[0]).sort()
  assert.deepEqual(kinds, ['host', 'subnet', 'vnic', 'vpc', 'vtep', 'vtep'])
  assert.deepEqual(h1!.items.get(`vpc/${vpc}`).hosts, [h1!.id, h2!.id, h3!.id].sort())
  h1!.ask('b', 'e', '10.0.250.250', 'a')
  await h1!.told()
  assert.deepEqual(h1!.stations(), ['b'])
  assert.deepEqual(h1!.nobody, [addresses.e, '10.0.250.250'])
})

test('an agent that cannot ask gets everything', async () => {
  await h3!.open({ asks: false }).told()
  assert.deepEqual(h3!.stations(), ['a', 'b', 'c'])
})

test('what it asked for is corrected at once; of the rest it hears nothing', async () => {
  const lines = h1!.lines
  await api.ok('PATCH', '/vnics/c', { mtu: 1400 }, { 'if-match': '*' })
  await h3!.told()
  await h1!.told()
  assert.ok(h1!.lines <= lines + 2, `${h1!.lines - lines} lines about what it did not ask for`)
  const start = performance.now()
  await api.ok('PUT', '/vnics/b/binding', { host: 'h3' })
  await h1!.told()
  assert.equal(h1!.has('b'), h3!.id)
  // At once, and not with the next ping: the bench says how soon.
  assert.ok(performance.now() - start < 4_000)
  await api.ok('DELETE', '/vnics/b/binding')
  await h1!.told()
  assert.equal(h1!.has('b'), undefined)
  // It asked once: when the vnic is there again, it hears.
  await api.ok('PUT', '/vnics/b/binding', { host: 'h2' })
  await h1!.told()
  assert.equal(h1!.has('b'), h2!.id)
})

test('it comes back with what it asked for; an API that does not know what that was sends everything anew', async () => {
  await h1!.told()
  api.feeds.gone(h1!.feed!)
  await api.ok('PUT', '/vnics/b/binding', { host: 'h3' })
  const { whole } = h1!
  await h1!.open().told()
  assert.deepEqual([h1!.whole, h1!.has('b'), h1!.stations()], [whole, h3!.id, ['b']])
  // Another API had it before this one did, and somebody sets the clock back by a day.
  const comeElsewhere = (): void => api.model.mirror.hosts.came(h1!.id, { api: 'other', since: new Date().toISOString() })
  comeElsewhere()
  await h1!.open().told()
  const { whole: then } = h1!
  setClock(-dayMs)
  api.feeds.gone(h1!.feed!)
  await h1!.open().told()
  assert.deepEqual([h1!.whole, h1!.stations()], [then, ['b']])
  setClock(0)
  // Another API had it meanwhile, where it may have asked for more.
  api.feeds.gone(h1!.feed!)
  await new Promise((resolve) => setTimeout(resolve, 5))
  comeElsewhere()
  lookups.ask(h1!.id, { vpc, addresses: [], vnics: [ids.c!] })
  await h1!.open().told()
  assert.deepEqual([h1!.whole, h1!.stations()], [then + 1, ['b', 'c']])
})

test('an answer that had not been sent when the connection broke comes with the next one', async () => {
  await h2!.open().told()
  h2!.ask('d')
  api.feeds.gone(h2!.feed!)
  await new Promise((resolve) => setTimeout(resolve, 30))
  assert.equal(h2!.has('d'), undefined)
  const { whole } = h2!
  await h2!.open().told()
  assert.deepEqual([h2!.whole, h2!.has('d')], [whole, h3!.id])
})

test('a vnic that leaves: the host that it left sends its frames on, asked or not', async () => {
  await h2!.open().told()
  await api.ok('PUT', '/vnics/c/binding', { host: 'h1' })
  const forward = async (): Promise<boolean | undefined> => {
    api.feeds.expire()
    await h2!.told()
    return h2!.items.get(`station/${ids.c}`)?.forward
  }
  assert.equal(await forward(), true)
  // For a minute, whoever sets the clock meanwhile, and also when it changes in another way.
  for (const [i, ms] of [dayMs, -dayMs].entries()) {
    setClock(ms)
    assert.equal(await forward(), true)
    await api.ok('PATCH', '/vnics/c', { mtu: 1400 + i }, { 'if-match': '*' })
    assert.equal(await forward(), true)
  }
  later()
  assert.equal(await forward(), undefined)
  await api.ok('PATCH', '/vnics/c', { mtu: 1300 }, { 'if-match': '*' })
  assert.equal(await forward(), undefined)
  // With a clock that is wrong by a day, too.
  await api.ok('PUT', '/vnics/c/binding', { host: 'h2' })
  await api.ok('PUT', '/vnics/c/binding', { host: 'h1' })
  setClock(0)
  assert.equal(await forward(), true)
  later()
  assert.equal(await forward(), undefined)
})

test('a guest on its way: both hosts are told of each other, asked or not', async () => {
  const [from, to] = [h1!, h2!]
  await from.open().told()
  await to.open().told()
  const other = (): (string | undefined)[] => [from.has('a'), to.has('a')]
  const told = async (): Promise<void> => {
    await from.told()
    await to.told()
  }
  assert.deepEqual(other(), [undefined, undefined])
  await api.ok('POST', '/vms', { name: 'vm1', account: 'shop', type: 'kvm', vnics: ['a'], host: 'h1' })
  for (const phase of ['prepare', 'receive']) {
    await api.ok('PUT', '/vms/vm1/migration', { host: 'h2', phase })
    await told()
    assert.deepEqual(other(), [to.id, from.id])
  }
  await api.ok('PATCH', '/vms/vm1', { host: 'h2' }, { 'if-match': '*' })
  await told()
  assert.deepEqual(other(), [to.id, from.id])
  // A host that comes back gets the same.
  for (const host of [from, to]) await host.open().told()
  assert.deepEqual(other(), [to.id, from.id])
  await api.ok('DELETE', '/vms/vm1/migration')
  await told()
  assert.deepEqual(other(), [to.id, undefined])
  await api.ok('PATCH', '/vms/vm1', { host: null }, { 'if-match': '*' })
  await api.ok('DELETE', '/vms/vm1')
  await api.ok('PUT', '/vnics/a/binding', { host: 'h1' })
  await told()
})

test('a vpc that becomes small is told whole; one that becomes large takes nothing away', async () => {
  await api.ok('PATCH', '/vpcs/red', { resolution: 'push' }, { 'if-match': '*' })
  await h1!.told()
  assert.deepEqual(h1!.stations(), ['b', 'd'])
  assert.equal(h1!.items.get(`vpc/${vpc}`).resolution, 'push')
  await api.ok('PATCH', '/vpcs/red', { resolution: 'demand' }, { 'if-match': '*' })
  await h1!.told()
  assert.deepEqual(h1!.stations(), ['b', 'd'])
  await api.ok('PUT', '/vnics/d/binding', { host: 'h2' })
  await h1!.told()
  assert.equal(h1!.has('d'), h2!.id)
  // What comes now it has to ask for.
  await api.ok('PUT', '/vnics/e/binding', { host: 'h3' })
  await h1!.told()
  assert.deepEqual(h1!.stations(), ['b', 'd'])
})

test('it finds stations by the names of vnics, of guests, and by those that vnics say, of its own vpc alone', async () => {
  const made = async (name: string, more: object, host?: string): Promise<string> => {
    const { id } = await api.ok('POST', '/vnics', { name, account: 'shop', subnet: 'web', ...more })
    if (host !== undefined) await api.ok('PUT', `/vnics/${name}/binding`, { host })
    return id
  }
  const named = await made('n1', {}, 'h2')
  const says = await made('n2', { dhcpHostname: 'mail' }, 'h2')
  const inGuest = await made('n3', {})
  await api.ok('POST', '/vms', { name: 'big', account: 'shop', type: 'container', vnics: [inGuest], host: 'h3' })
  await made('n4', { dhcpHostname: 'away' })
  await api.ok('POST', '/vpcs', { name: 'blue', account: 'shop' })
  await api.ok('POST', '/subnets', { name: 'other', vpc: 'blue', network4: '10.0.0.0/16' })
  await made('n5', { subnet: 'blue/other' }, 'h2')
  api.ahead += 60_000
  const found = async (...names: string[]): Promise<string[]> => {
    const before = new Set(h1!.items.keys())
    lookups.ask(h1!.id, { vpc, addresses: [], names })
    await h1!.told()
    return [...h1!.items.keys()].filter((key) => !before.has(key)).sort()
  }
  assert.deepEqual(await found('none', 'n5', 'n2', 'n3', 'away'), [])
  assert.deepEqual(await found('N1', 'mail', 'big'), [named, says, inGuest].map((id) => `station/${id}`).sort())
  // By its MAC it finds stations of this vpc alone, too, that are plugged in.
  const [m1, m2, m3] = [await made('m1', {}, 'h2'), await made('m2', {}), await made('m3', { subnet: 'blue/other' }, 'h2')]
  const macs = await Promise.all([m1, m2, m3].map(async (id) => ((await api.ok('GET', `/vnics/${id}`)).mac as string).toUpperCase()))
  lookups.ask(h1!.id, { vpc, addresses: [], macs: [...macs, '02:00:00:00:00:99'] })
  await h1!.told()
  assert.deepEqual(
    [m1, m2, m3].map((id) => h1!.items.has(`station/${id}`)),
    [true, false, false],
  )
  // A name that is given up is found no more.
  await api.ok('PATCH', '/vnics/n2', { dhcpHostname: 'post' }, { 'if-match': '*' })
  assert.deepEqual(api.feeds.named(vpc, 'mail'), [])
  assert.deepEqual(api.feeds.named(vpc, 'post'), [says])
})

test('it asks about its own vpcs alone, and not too often', async () => {
  const other = new Host((await api.ok('GET', '/hosts/h4')).id)
  assert.throws(() => other.ask('a'), /no vnic of this host has to do with vpc/)
  const many = Array.from({ length: 200 }, (_, i) => `10.0.9.${i + 1}`)
  let taken = 0
  assert.throws(() => {
    for (let i = 0; i < 20; i++, taken++) h1!.ask(...many)
  }, /asks for more than 200 addresses a second/)
  assert.ok(taken >= 9 && taken <= 11, `${taken}`)
  // Somebody sets the clock back by a day: the host may ask again after as long as before.
  api.ahead = -86_400_000
  assert.throws(() => h1!.ask(...many), /asks for more/)
  api.ahead += 1_000
  h1!.ask(...many)
  api.ahead = 0
})

test('a lookup is checked', () => {
  assert.deepEqual(parseLookup({ vpc, addresses: ['10.0.0.1', 'fd00::1'] }), {
    vpc,
    addresses: ['10.0.0.1', 'fd00::1'],
    names: [],
    macs: [],
    vnics: [],
  })
  for (const wrong of [null, [], {}, { vpc }, { vpc: 'red', addresses: [] }, { vpc, addresses: 'x' }, { vpc, addresses: ['10.0.0'] }])
    assert.throws(() => parseLookup(wrong), /vpc:|addresses:/, JSON.stringify(wrong))
  assert.throws(() => parseLookup({ vpc, addresses: Array(257).fill('10.0.0.1') }), /256/)
  assert.throws(() => parseLookup({ vpc, addresses: [], vnics: ['x'] }), /vnics/)
  assert.throws(() => parseLookup({ vpc, addresses: [], names: [1] }), /names/)
  assert.throws(() => parseLookup({ vpc, addresses: [], macs: ['02:00'] }), /macs/)
})
