/**
 * Groups, routers, public addresses and peerings from the model to real vpcds: whatever tenants do, each host's items
 * are a document that its vpcd takes whole.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { compile } from '#agent/compile/compile.ts'
import { Feeds } from '#control/feed/feeds.ts'
import { keysOf, topicsOf } from '#control/feed/interest.ts'
import { itemOf } from '#control/feed/items/all.ts'
import { itemKey, type FeedItem } from '#feed/item.ts'
import { checkInvariants } from '../control/invariants.ts'
import { TestApi } from '../control/test-api.ts'
import { TestHost } from '../daemon/test-host.ts'
import { Desk, numbers } from './desk.ts'
import { agree, arrives, traced } from './path-law.ts'

const accounts = ['shop', 'bank'] as const
/** Vpcs with their account and subnets. */
const vpcs = { red: 'shop', blue: 'shop', gold: 'bank' } as const
type VpcName = keyof typeof vpcs
const names = Object.keys(vpcs) as VpcName[]

let api: TestApi
let feeds: Feeds
const places: { readonly id: string; readonly host: TestHost; readonly desk: Desk }[] = []
const random = numbers(Number(process.env['VPC_LAYER3_SEED'] ?? 13))
const steps = Number(process.env['VPC_LAYER3_STEPS'] ?? 50)
const below = (count: number): number => Math.floor(random() * count)
const oneOf = <T>(values: readonly T[]): T => values[below(values.length)]!
const some = <T>(values: readonly T[], most: number): T[] => [...new Set(Array.from({ length: below(most + 1) }, () => oneOf(values)))]

before(async () => {
  api = await TestApi.start()
  feeds = new Feeds(api.model.mirror)
  await api.ok('POST', '/regions', { name: 'north' })
  await api.ok('POST', '/azs', { name: 'north-a', region: 'north', letter: 'a' })
  await api.ok('POST', '/facilities', { name: 'f1', region: 'north' })
  for (const [name, prefix] of Object.entries({ p1: '203.0.113.0/28', p2: '198.51.100.0/29' }))
    await api.ok('POST', '/pools', { name, facility: 'f1', prefix })
  await api.ok('POST', '/orgs', { name: 'acme' })
  for (const name of accounts) await api.ok('POST', '/accounts', { name, org: 'acme' })
  for (const [i, [name, account]] of Object.entries(vpcs).entries()) {
    await api.ok('POST', '/vpcs', { name, account })
    for (const n of [1, 2])
      await api.ok('POST', '/subnets', {
        name: `${name}${n}`,
        vpc: name,
        network4: `10.${i}.${n}.0/24`,
        network6: n === 1 ? 'auto' : undefined,
      })
    for (const n of [1, 2, 3]) await api.ok('POST', '/vnics', { name: `${name}-${n}`, account, subnet: `${name}${1 + (n % 2)}` })
  }
  for (const account of accounts)
    for (const n of [1, 2, 3]) {
      await api.ok('POST', '/groups', { name: `${account}-g${n}`, account })
      await api.ok('POST', '/prefix-lists', { name: `${account}-l${n}`, account, entries: [`192.0.${n}.0/24`, `fd00:${n}::/64`] })
    }
  places.push(...(await Promise.all([1, 2].map(placeOf))))
})
/** A host of the cloud with a vpcd; the second one has the wire of both pools. */
async function placeOf(n: number): Promise<(typeof places)[number]> {
  const host = TestHost.create()
  host.ip('link', 'add', 'pub0', 'type', 'veth', 'peer', 'name', 'wan-pub')
  if (n > 1) host.ip('address', 'add', `192.0.2.${n}/24`, 'dev', 'wan')
  const wire = { interface: 'pub0', prefix4: '203.0.113.0/24', gateway4: '203.0.113.254' }
  const wires = n === 1 ? [] : ['p1', 'p2'].map((pool) => ({ pool, ...wire }))
  const underlay = [{ address: `192.0.2.${n}` }]
  const { id } = await api.ok('POST', '/hosts', { name: `h${n}`, facility: 'f1', az: 'north-a', underlay, wires })
  await host.start()
  const desk = new Desk(host.socketPath)
  await desk.reconciler.run({ complete: true })
  return { id, host, desk }
}

after(async () => {
  assert.deepEqual(api.logged, [])
  await checkInvariants(api.store)
  feeds.stop()
  for (const { desk, host } of places) {
    await desk.half.close()
    await host[Symbol.asyncDispose]()
  }
  await api[Symbol.asyncDispose]()
})

const vnicOf = (vpc: VpcName): string => `${vpc}-${1 + below(3)}`
const patch = (path: string, body: object): Promise<unknown> => api.ask(api.admin, 'PATCH', path, body, { 'if-match': '*' })
const post = (path: string, body: object): Promise<unknown> => api.ask(api.admin, 'POST', path, body)

/** Make it, or let it go. */
const toggle = async (path: string, name: string, body: object): Promise<unknown> =>
  random() < 0.6 ? post(`/${path}`, { name, ...body }) : api.ask(api.admin, 'DELETE', `/${path}/${name}`, undefined, { 'if-match': '*' })

const peerOf = (account: string, vpc: VpcName): object =>
  oneOf<object>([
    { cidr: '192.0.2.0/25' },
    { cidr: 'fd00:9::/64' },
    { group: `${account}-g${1 + below(3)}` },
    { subnet: `${vpc}/${vpc}${1 + below(2)}` },
    { vpc },
    { az: 'north-a' },
    { prefixList: `${account}-l${1 + below(3)}` },
  ])

function ruleOf(account: string, vpc: VpcName): object {
  const protocol = oneOf(['any', 'tcp', 'udp', 'sctp', 'icmp'])
  const ports = ['tcp', 'udp', 'sctp'].includes(protocol) ? some(['22', '80', '8000-8010'], 2) : []
  const icmp = protocol === 'icmp' && random() < 0.5 ? { type: oneOf([8, 3, 128]), ...(random() < 0.5 && { code: 0 }) } : undefined
  const peers = Array.from({ length: below(3) }, () => peerOf(account, vpc))
  return { direction: oneOf(['in', 'out']), protocol, ports, ...(icmp && { icmp }), peers }
}

const routeOf = (vpc: VpcName): object =>
  oneOf<object>([{ nat: `${vpc}-nat` }, { vnic: vnicOf(vpc) }, { peering: oneOf(['red-gold', 'red-blue']) }, { blackhole: 'drop' }])

/** What tenants do. Much of it is refused: then nothing has changed. */
const deeds: readonly (() => Promise<unknown>)[] = [
  () => api.ask(api.admin, 'PUT', `/vnics/${vnicOf(oneOf(names))}/binding`, { host: oneOf(['h1', 'h2']), unit: 'hostif' }),
  () => api.ask(api.admin, 'DELETE', `/vnics/${vnicOf(oneOf(names))}/binding`),
  () => {
    const vpc = oneOf(names)
    const account = vpcs[vpc]
    return patch(`/vnics/${vnicOf(vpc)}`, { groups: some([1, 2, 3], 3).map((n) => `${account}-g${n}`) })
  },
  () => {
    const vpc = oneOf(names)
    const rules = Array.from({ length: below(4) }, () => ruleOf(vpcs[vpc], vpc))
    return patch(`/groups/${vpcs[vpc]}-g${1 + below(3)}`, { rules })
  },
  () => patch(`/prefix-lists/shop-l${1 + below(3)}`, { entries: some(['192.0.2.0/24', '198.18.0.0/15', 'fd00:7::/48'], 3) }),
  () => {
    const vpc = oneOf(names)
    return toggle('routers', `${vpc}-r${1 + below(2)}`, { vpc, interfaces: some([1, 2], 3).map((n) => ({ subnet: `${vpc}${n}` })) })
  },
  () => patch(`/routers/${oneOf(names)}-r${1 + below(2)}`, { enabled: random() < 0.7 }),
  () => {
    const vpc = oneOf(names)
    const routes = some(['0.0.0.0/0', '10.0.1.0/24', '10.2.0.0/16', '172.16.0.0/12', 'fd00:5::/64'], 4)
    return toggle('route-tables', `${vpc}-t${1 + below(3)}`, {
      vpc,
      routes: routes.map((destination) => ({ destination, ...routeOf(vpc) })),
    })
  },
  () => {
    const vpc = oneOf(names)
    return patch(`/subnets/${vpc}${1 + below(2)}`, { routeTable: random() < 0.7 ? `${vpc}-t${1 + below(3)}` : null })
  },
  () => {
    const vpc = oneOf(names)
    return toggle('nats', `${vpc}-nat`, { vpc, pool: oneOf(['p1', 'p2']) })
  },
  () => {
    const account = oneOf(accounts)
    return toggle('floating-ips', `${account}-f${1 + below(3)}`, { account, pool: oneOf(['p1', 'p2']) })
  },
  () => patch(`/floating-ips/shop-f${1 + below(3)}`, { target: random() < 0.7 ? { vnic: vnicOf(oneOf(['red', 'blue'])) } : null }),
  () => patch(`/floating-ips/bank-f${1 + below(3)}`, { target: random() < 0.7 ? { vnic: vnicOf('gold') } : null }),
  async () => {
    const peer = oneOf(['gold', 'blue'])
    const { id } = await api.ok('GET', `/vpcs/${peer}`)
    return toggle('peerings', `red-${peer}`, { vpc: 'red', peerVpc: id })
  },
  () => patch(`/peerings/red-${oneOf(['gold', 'blue'])}`, { accepted: random() < 0.8 }),
]

/** All items of a host. */
function itemsOf(host: string): Map<string, FeedItem> {
  const view = feeds.view()
  const keys = new Set([...topicsOf(view, host)].flatMap((topic) => keysOf(view, topic)))
  const items = [...keys].flatMap((key) => itemOf(view, host, key) ?? [])
  return new Map(items.map((item) => [itemKey(item), item]))
}

function tell(desk: Desk, items: ReadonlyMap<string, FeedItem>): void {
  for (const { kind, id } of desk.items) if (!items.has(itemKey({ kind, id }))) desk.delete(kind, id)
  for (const item of items.values()) if (JSON.stringify(desk.items.get(item.kind, item.id)) !== JSON.stringify(item)) desk.put(item)
}

/** Packets that the model and the programs are asked about after each step, both. */
const packetsPerStep = 12
const law = { asked: 0, arrived: 0, codes: new Map<string, number>() }

/** Ask both about some packets of vnics that are plugged in. */
async function askBoth(): Promise<void> {
  const { items } = await api.ok('GET', '/vnics?limit=100')
  const plugged = (items as any[]).filter(({ binding }) => binding)
  if (plugged.length === 0) return
  for (let n = 0; n < packetsPerStep; n++) {
    const from = oneOf(plugged)
    const to =
      random() < 0.85 ? oneOf(oneOf(items as any[]).addresses as string[]) : oneOf(['198.18.0.9', '172.16.5.5', '10.0.1.1', '192.0.2.77'])
    const way = oneOf([{ protocol: 'icmp' }, ...['22', '80', '9999'].map((port) => ({ protocol: oneOf(['tcp', 'udp']), port }))])
    const query = new URLSearchParams({ from: from.id, to, ...way })
    // What a guest sends to itself never leaves it.
    if ((from.addresses as string[]).includes(to)) continue
    const { status, body } = await api.ask(api.admin, 'GET', `/path-check?${query}`)
    if (status !== 200) continue // The two have no address of one family.
    const place = places.find(({ id }) => id === from.binding.host)!
    const outcome = await traced(
      body,
      { id: from.id, vpc: place.host.vpc },
      places.map(({ host }) => host.runDir),
    )
    agree(body, outcome)
    law.asked++
    if (arrives(body)) law.arrived++
    else law.codes.set(body.obstacle.code, (law.codes.get(body.obstacle.code) ?? 0) + 1)
  }
}

test('whatever tenants do, vpcds take what follows, and do what the model says of packets', async (context) => {
  const seen = new Map<string, number>()
  for (let step = 0; step < steps; step++) {
    for (let n = 0; n < 6; n++) await oneOf(deeds)()
    for (const { id, host, desk } of places) {
      const items = itemsOf(id)
      tell(desk, items)
      await desk.reconciler.run({ complete: true })
      const { document, problems } = compile(desk.items, desk.half.facts)
      const said = problems.map(({ text }) => text).sort()
      assert.deepEqual(
        desk.reconciler
          .errors()
          .map(({ text }) => text)
          .sort(),
        said,
        `step ${step}: what vpcd refuses`,
      )
      await using mgmt = await host.vpc.mgmt()
      const missing = (await mgmt.plan(document)).map(({ action, type, settings }) => `${action} ${type} ${JSON.stringify(settings)}`)
      assert.deepEqual(missing, [], `step ${step}`)
      for (const list of ['groups', 'sets', 'routers', 'nats'] as const)
        for (const each of (document[list] ?? []) as object[]) seen.set(list, (seen.get(list) ?? 0) + JSON.stringify(each).length)
    }
    await askBoth()
  }
  for (const list of ['groups', 'sets', 'routers', 'nats']) assert.ok(seen.get(list)! > 1000, `${list}: ${seen.get(list)}`)
  context.diagnostic(`${law.asked} packets, ${law.arrived} arrive; others: ${JSON.stringify(Object.fromEntries(law.codes))}`)
  assert.ok(law.asked > steps * 3 && law.arrived > steps / 2 && law.codes.size >= 5, 'packets of all kinds were asked about')
})
