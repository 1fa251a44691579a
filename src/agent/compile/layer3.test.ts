/** Groups, routers and public addresses in the document of a host: vpcd's own reader takes them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readHostFile } from '#abi/host-file-read.ts'
import { formatFloat } from '#abi/float.ts'
import type { HostFile } from '#abi/host-file.ts'
import { formatRoute } from '#abi/route.ts'
import { settingNames } from '#abi/settings.ts'
import type { FeedItem, GroupItem, RouterItem } from '#feed/item.ts'
import { compile } from './compile.ts'
import type { HostFacts } from './draft.ts'
import { isRule } from './groups.ts'
import { groupId, routerId, setId, subnetId, switchId } from './ids.ts'
import { ItemStore } from './items.ts'

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const [here, there, red, blue, web, db, far] = [1, 2, 3, 4, 5, 6, 7].map(uuid) as [string, string, string, string, string, string, string]
const facts = { interfaceOf: (address: string) => (address === '192.0.2.1' ? 'em0' : undefined), foreignEthlink: () => undefined }

const vpcOf = (id: string): FeedItem => ({
  kind: 'vpc',
  id,
  account: uuid(9),
  mtu: null,
  dns: { name: null, servers: [] },
  resolution: 'push',
})
const subnetOf = (id: string, vpc: string, vni: number, network4: string, routeTable: string | null = null): FeedItem => ({
  kind: 'subnet',
  id,
  vpc,
  vni,
  network4,
  network6: null,
  gateway4: network4.replace(/0\/24$/, '1'),
  gateway6: null,
  dhcp: null,
  ra: 'off',
  metadata: false,
  resolver: false,
  routeTable,
  floodUnknown: false,
})
const vnicOf = (n: number, vpc: string, subnet: string, address: string, groups: readonly string[] = []): FeedItem => ({
  kind: 'vnic',
  id: uuid(n),
  vpc,
  subnet,
  mac: `02:00:00:00:00:${n}`,
  addresses: [address],
  allowedPrefixes: [],
  groups,
  antispoof: true,
  mtu: null,
  queues: 1,
  hostname: null,
  sshKeys: [],
  userData: null,
  unit: 'hostif',
  epoch: 1,
  migration: null,
})
const stationOf = (n: number, vpc: string, subnet: string, address: string, groups: readonly string[] = []): FeedItem => ({
  kind: 'station',
  id: uuid(n),
  vpc,
  subnet,
  mac: `02:00:00:00:00:${n}`,
  addresses: [address],
  groups,
  hostname: null,
  host: there,
  epoch: 1,
  forward: false,
})
const groupOf = (id: string, ...rules: readonly Partial<GroupItem['rules'][number]>[]): GroupItem => ({
  kind: 'group',
  id,
  account: uuid(9),
  rules: rules.map((rule, i) => ({ id: uuid(900 + i), direction: 'in', protocol: 'tcp', ports: [], icmp: null, peers: [], ...rule })),
})
const base: readonly FeedItem[] = [
  { kind: 'host', dnsServers: [], id: here, underlay: [{ address: '192.0.2.1', port: 4789 }] },
  { kind: 'vtep', id: there, underlay: [{ address: '192.0.2.2', port: 4789 }] },
  vpcOf(red),
  subnetOf(web, red, 5001, '10.1.0.0/24'),
  subnetOf(db, red, 5002, '10.2.0.0/24'),
]
const router: RouterItem = { kind: 'router', id: uuid(50), vpc: red, subnets: [web, db], enabled: true }

function read(...items: readonly FeedItem[]): { readonly file: HostFile; readonly problems: readonly string[] } {
  return readFor(undefined, ...items)
}

function readFor(vpcd: HostFacts['vpcd'], ...items: readonly FeedItem[]): ReturnType<typeof read> {
  const store = new ItemStore()
  for (const item of items) store.put(item)
  const { document, problems } = compile(store, { ...facts, vpcd })
  const result = readHostFile(document)
  if (!result.ok) assert.fail(`${result.problem.path}: ${result.problem.problem}`)
  return { file: result.value, problems: problems.map(({ item, text }) => `${item.kind}: ${text}`) }
}

test('a group has its rules where a vnic is in it, and its members where a rule names it', () => {
  const [app, data] = [uuid(60), uuid(61)]
  const { file, problems } = read(
    ...base,
    vnicOf(10, red, db, '10.2.0.10', [data]),
    stationOf(20, red, web, '10.1.0.20', [app, data]),
    groupOf(app, { ports: ['80'] }),
    groupOf(data, { ports: ['5432'], peers: [{ group: app }, { cidr: '192.0.2.0/24' }] }),
  )
  assert.deepEqual(problems, [])
  const [first, second] = [data, app].map((id) => file.groups.find((group) => group.id === groupId(red, id))!)
  assert.deepEqual(
    first!.rules.map(({ id, ports, peers }) => [id, ports, peers]),
    [[uuid(900), ['5432'], [groupId(red, app), '192.0.2.0/24']]],
  )
  assert.deepEqual([first!.members, first!.switch], [['10.1.0.20'], switchId(red)])
  assert.deepEqual([second!.rules, second!.members], [[], ['10.1.0.20']])
  assert.deepEqual(file.switches[0]!.ports[0]!.groups, [groupId(red, data)])
})

test('ICMP is a rule for each family; a type says which; peers, too', () => {
  const [group] = [uuid(60)]
  const rules = (rule: Partial<GroupItem['rules'][number]>) => {
    const { file } = read(...base, vnicOf(10, red, web, '10.1.0.10', [group]), groupOf(group, { protocol: 'icmp', ...rule }))
    return file.groups[0]!.rules.map(({ id, protocol, icmp, peers }) => ({ own: isRule(uuid(900), id), protocol, icmp, peers }))
  }
  assert.deepEqual(rules({}), [
    { own: true, protocol: 'icmp', icmp: null, peers: [] },
    { own: true, protocol: 'icmpv6', icmp: null, peers: [] },
  ])
  assert.deepEqual(rules({ icmp: { type: 8, code: 0 } }), [{ own: true, protocol: 'icmp', icmp: '8/0', peers: [] }])
  assert.deepEqual(rules({ icmp: { type: 128, code: null } }), [{ own: true, protocol: 'icmpv6', icmp: '128', peers: [] }])
  assert.deepEqual(rules({ peers: [{ cidr: 'fd00::/64' }] }), [{ own: true, protocol: 'icmpv6', icmp: null, peers: ['fd00::/64'] }])
})

test('a prefix list is a set of the switch; a rule whose peers are all unknown lets nobody in', () => {
  const [group, list] = [uuid(60), uuid(70)]
  const vnic = vnicOf(10, red, web, '10.1.0.10', [group])
  const known = read(...base, vnic, groupOf(group, { peers: [{ prefixList: list }] }), {
    kind: 'prefix-list',
    id: list,
    entries: ['198.51.100.0/24'],
  })
  assert.deepEqual(
    known.file.sets.map(({ id, networks }) => [id, networks]),
    [[setId(red, list), ['198.51.100.0/24']]],
  )
  assert.deepEqual(known.file.groups[0]!.rules[0]!.peers, [setId(red, list)])
  const unknown = read(...base, vnic, groupOf(group, { peers: [{ prefixList: list }] }, { peers: [{ group: uuid(99) }] }))
  assert.deepEqual(unknown.file.groups[0]!.rules, [])
  assert.match(unknown.problems[0]!, /prefix list/)
  // Without any rule for out all would leave: a rule to nobody stands for those that come to nothing.
  const out = { direction: 'out', peers: [{ group: uuid(99) }] } as const
  const closed = (...rules: Parameters<typeof groupOf>[1][]): unknown[] =>
    read(...base, vnic, groupOf(group, ...rules)).file.groups[0]!.rules.map(({ id, direction, peers }) => [id, direction, peers])
  assert.deepEqual(closed(out), [[uuid(900), 'out', ['0.0.0.0/32']]])
  assert.equal(closed(out, { direction: 'out', ports: ['443'] }).length, 1)
  const sixth = { ...out, protocol: 'icmp', ports: [], icmp: { type: 8, code: null }, peers: [{ cidr: 'fd00::/64' }] } as const
  assert.deepEqual(closed(sixth), [[uuid(900), 'out', ['0.0.0.0/32']]])
})

test('members of a group are those of the vpc and of vpcs that a peering joins to it, not of others', () => {
  const [app, green] = [uuid(60), uuid(8)]
  const { file } = read(
    ...base,
    vpcOf(blue),
    subnetOf(far, blue, 5003, '10.3.0.0/24'),
    vpcOf(green),
    subnetOf(uuid(77), green, 5004, '10.4.0.0/24'),
    { kind: 'peering', id: uuid(90), vpcs: [blue, red] },
    groupOf(app, { peers: [{ group: app }] }),
    vnicOf(10, red, web, '10.1.0.10', [app]),
    vnicOf(11, blue, far, '10.3.0.11', [app]),
    stationOf(20, red, db, '10.2.0.20', [app]),
    stationOf(21, blue, far, '10.3.0.21', [app]),
    stationOf(22, green, uuid(77), '10.4.0.22', [app]),
  )
  const membersIn = (vpc: string) => file.groups.find(({ id }) => id === groupId(vpc, app))!.members
  assert.deepEqual(membersIn(red), ['10.2.0.20', '10.3.0.11', '10.3.0.21'])
  assert.deepEqual(membersIn(blue), ['10.1.0.10', '10.2.0.20', '10.3.0.21'])
})

test('a vnic whose group is missing lets nothing pass, and is not open', () => {
  const { file, problems } = read(...base, vnicOf(10, red, web, '10.1.0.10', [uuid(60)]))
  assert.match(problems[0]!, /group .*60 of vnic .* is not here/)
  assert.deepEqual(file.switches[0]!.ports[0]!.groups, [groupId(red, uuid(60))])
  assert.deepEqual(
    file.groups.map(({ id, rules }) => [id, rules.map(({ direction, peers }) => [direction, peers])]),
    [[groupId(red, uuid(60)), [['out', ['0.0.0.0/32']]]]],
  )
})

test('a subnet of this vpc is a peer itself, one of another vpc is its networks', () => {
  const [group] = [uuid(60)]
  const { file } = read(
    ...base,
    vpcOf(blue),
    subnetOf(far, blue, 5003, '10.3.0.0/24'),
    vnicOf(10, red, web, '10.1.0.10', [group]),
    groupOf(group, { peers: [{ subnet: db }, { subnet: far }] }),
  )
  assert.deepEqual(file.groups[0]!.rules[0]!.peers, [subnetId(db), '10.3.0.0/24'])
})

test('a router joins its subnets; tables have numbers; each target has its word', () => {
  const tables = [uuid(80), uuid(81)] as const
  const { file, problems } = read(
    ...base.slice(0, 3),
    subnetOf(web, red, 5001, '10.1.0.0/24', tables[1]),
    subnetOf(db, red, 5002, '10.2.0.0/24'),
    vpcOf(blue),
    subnetOf(far, blue, 5003, '10.3.0.0/24'),
    { kind: 'peering', id: uuid(90), vpcs: [red, blue] },
    router,
    { ...router, id: uuid(51), vpc: blue, subnets: [far] },
    { kind: 'route-table', id: tables[0], vpc: red, routes: [] },
    {
      kind: 'route-table',
      id: tables[1],
      vpc: red,
      routes: [
        { destination: '10.3.0.0/24', peering: uuid(90) },
        { destination: '10.9.0.0/16', vnic: uuid(10), via: ['fd00::5', '10.1.0.5'] },
        { destination: '10.8.0.0/16', blackhole: true },
        { destination: '0.0.0.0/0', nat: uuid(91) },
        { destination: '10.2.0.0/24', router: router.id },
      ],
    },
  )
  assert.deepEqual(problems, [])
  const subnet = (id: string) => file.subnets.find((each) => each.id === subnetId(id))!
  const number = subnet(web).routeTable
  assert.deepEqual([subnet(web).router, subnet(db).routeTable], [routerId(red), 0])
  assert.ok(number >= 1 && number <= 255)
  const own = file.routers.find(({ id }) => id === routerId(red))!
  assert.deepEqual(
    own.routes.map(({ table, target }) => [table, target.kind]),
    [
      [number, 'peer'],
      [number, 'instance'],
      [number, 'blackhole'],
      [number, 'igw'],
    ],
  )
})

test('numbers of route tables stay when others come and go; a subnet without a table goes out by public addresses', () => {
  const table = (n: number): FeedItem => ({ kind: 'route-table', id: uuid(n), vpc: red, routes: [] })
  const inTable = (n: number, ...tables: readonly FeedItem[]): number =>
    read(...base.slice(0, 3), subnetOf(web, red, 5001, '10.1.0.0/24', uuid(n)), router, ...tables).file.subnets[0]!.routeTable
  const all = Array.from({ length: 12 }, (_, i) => table(80 + i))
  const numbers = all.map((_, i) => inTable(80 + i, ...all))
  assert.equal(new Set(numbers).size, all.length)
  const alone = all.map((each, i) => inTable(80 + i, each))
  assert.ok(alone.filter((number, i) => number === numbers[i]).length >= 11, `${numbers} ${alone}`)
  const nat: FeedItem = { kind: 'nat', id: `${red}.x`, vpc: red, pools: [], shared: [], floats: [], wire: null, via: there }
  const routes = (...items: readonly FeedItem[]) => read(...base, router, ...items).file.routers[0]!.routes.map(formatRoute)
  assert.deepEqual([routes(), routes(nat)], [[], ['0.0.0.0/0 igw']])
  // A subnet that the router joins and that has no vnic in this facility: nothing else may have its packets.
  const empty = { ...router, absent: ['10.5.0.0/24', 'fd00:5::/64'] }
  const elsewhere = { kind: 'route-table', id: uuid(80), vpc: red, routes: [{ destination: '10.5.0.0/24', nat: uuid(91) }] } as const
  const closed = read(...base, empty, nat, elsewhere)
  assert.deepEqual(
    new Set(closed.file.routers[0]!.routes.map((route) => formatRoute(route).replace(/ table [0-9]+$/, ' in it'))),
    new Set(['0.0.0.0/0 igw', ...empty.absent.flatMap((network) => [`${network} unreachable`, `${network} unreachable in it`])]),
  )
  assert.match(closed.problems[0]!, /cannot route 10\.5\.0\.0\/24 elsewhere/)
})

test('a route or a floating address that cannot be is left out, and others stay', () => {
  const one: RouterItem = { ...router, subnets: [web] }
  const routes = [
    { destination: '10.9.0.0/16', vnic: uuid(10), via: ['10.2.0.5'] },
    { destination: '10.8.0.0/16', vnic: uuid(10), via: ['10.1.0.1'] },
    { destination: '10.1.0.0/24', blackhole: true },
    { destination: '10.7.0.0/16', vnic: uuid(10), via: ['10.1.0.5'] },
  ] as const
  const floats = [
    { address: '203.0.113.3', inside: '10.2.0.5' },
    { address: '203.0.113.4', inside: '10.1.0.5' },
    { address: '10.1.0.77', inside: '10.1.0.6' },
  ]
  const nat: FeedItem = { kind: 'nat', id: `${red}.x`, vpc: red, pools: ['203.0.113.0/28'], shared: [], floats, wire: null, via: there }
  const { file, problems } = read(...base, one, { kind: 'route-table', id: uuid(80), vpc: red, routes }, nat)
  assert.deepEqual(
    file.routers[0]!.routes.map((route) => formatRoute(route).replace(/ table .*/, '')),
    ['0.0.0.0/0 igw', '10.7.0.0/16 via 10.1.0.5'],
  )
  assert.deepEqual(file.nats[0]!.floats.map(formatFloat), ['203.0.113.4 to 10.1.0.5'])
  assert.deepEqual(
    problems.map((each) => each.slice(0, 40)),
    ['route-table: cannot route 10.9.0.0/16 to', 'nat: cannot have floating address 203.0.'],
  )
})

test('a second router of a vpc is refused by name; one that is disabled does not count', () => {
  const second = { ...router, id: uuid(51) }
  assert.match(read(...base, router, second).problems[0]!, /router .*51 as well: router .*50/)
  assert.deepEqual(read(...base, { ...router, enabled: false }, second).problems, [])
  assert.deepEqual(read(...base, { ...router, enabled: false }).file.routers, [])
})

test('public addresses are on the wire of this host, or by the host that has it, which may then send into every VNI', () => {
  const nat: FeedItem = {
    kind: 'nat',
    id: `${red}.${uuid(95)}`,
    vpc: red,
    pools: ['203.0.113.0/28'],
    shared: ['203.0.113.2'],
    floats: [{ address: '203.0.113.3', inside: '10.1.0.10' }],
    wire: null,
    via: there,
  }
  const via = read(...base, router, nat)
  assert.deepEqual(via.problems, [])
  assert.equal(via.file.nats[0]!.router, routerId(red))
  assert.deepEqual(
    via.file.muxes[0]!.entries.map(({ vni, mac, vtep }) => `${vni} ${mac} ${vtep}`),
    ['5001 00:00:00:00:00:00 192.0.2.2', '5002 00:00:00:00:00:00 192.0.2.2'],
  )
  const kept = ['10.1.0.10 203.0.113.2 1024-1087']
  const own: FeedItem = { ...nat, via: null, wire: { interface: 'em1', prefix4: '203.0.113.0/24', gateway4: '203.0.113.254' }, kept }
  const wire = read(...base, router, own)
  assert.deepEqual(wire.problems, [])
  assert.equal(wire.file.nats[0]!.ethlink, wire.file.ethlinks.find((each) => each.l2Name === 'em1')!.id)
  assert.deepEqual(wire.file.muxes[0]!.entries, [])
  assert.deepEqual(wire.file.nats[0]!.kept, kept)
  // A vpcd that cannot keep ports gives them anew.
  const settings = new Set(settingNames().filter((name) => name !== 'vpcnat.kept'))
  const old = readFor({ version: '0.0.9', settings }, ...base, router, own)
  assert.deepEqual([old.problems, old.file.nats.map((each) => each.kept)], [[], [[]]])
  assert.match(read(...base, nat).problems[0]!, /no router/)
})
