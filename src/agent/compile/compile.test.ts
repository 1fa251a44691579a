/** The document of a host, from items: vpcd's own reader takes it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readHostFile } from '#abi/host-file-read.ts'
import type { HostFile } from '#abi/host-file.ts'
import type { FeedItem } from '#feed/item.ts'
import { settingNames } from '#abi/settings.ts'
import { lackedBy } from '#feed/features.ts'
import { compile, owner, type HostFacts } from './compile.ts'
import { muxId, portId, switchId, unitId } from './ids.ts'
import { ItemStore } from './items.ts'

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const [here, there, vpc, web] = [uuid(1), uuid(2), uuid(3), uuid(4)]
const underlay = (address: string, port = 4789) => [{ address, port }]
const facts = { interfaceOf: (address: string) => (address === '192.0.2.1' ? 'em0' : undefined), foreignEthlink: () => undefined }

const subnet = {
  kind: 'subnet',
  id: web,
  vpc,
  vni: 5001,
  network4: '10.0.0.0/24',
  network6: 'fd00::/64',
  gateway4: '10.0.0.1',
  gateway6: 'fd00::1',
  dhcp: { leaseSeconds: 3600, ntp: [], search: ['red.example'] },
  ra: 'managed',
  metadata: true,
  resolver: true,
  routeTable: null,
  floodUnknown: false,
} as const
const vnic = {
  kind: 'vnic',
  id: uuid(10),
  vpc,
  subnet: web,
  mac: '02:00:00:00:00:0a',
  addresses: ['10.0.0.10', 'fd00::a'],
  allowedPrefixes: [],
  groups: [],
  antispoof: true,
  mtu: null,
  queues: 2,
  hostname: null,
  sshKeys: [],
  userData: null,
  unit: 'vmnic',
  epoch: 1,
  migration: null,
} as const
const station = {
  kind: 'station',
  id: uuid(20),
  vpc,
  subnet: web,
  mac: '02:00:00:00:00:14',
  addresses: ['10.0.0.20'],
  groups: [],
  hostname: null,
  host: there,
  epoch: 1,
  forward: false,
} as const
const base: readonly FeedItem[] = [
  { kind: 'host', id: here, underlay: underlay('192.0.2.1'), dnsServers: [] },
  { kind: 'vtep', id: there, underlay: underlay('192.0.2.2', 4790) },
  { kind: 'vpc', id: vpc, account: uuid(5), mtu: 1400, dns: { name: null, servers: ['10.0.0.2', 'fd00::2'] }, resolution: 'push' },
  subnet,
]

function compiled(...items: readonly FeedItem[]) {
  return compiledFor(undefined, ...items)
}

/** For a vpcd that tells which settings it knows. */
function compiledFor(vpcd: HostFacts['vpcd'], ...items: readonly FeedItem[]) {
  const store = new ItemStore()
  for (const item of items) store.put(item)
  return compile(store, { ...facts, vpcd })
}

/** As vpcd reads it. */
function read(document: unknown): HostFile {
  const result = readHostFile(document)
  if (!result.ok) assert.fail(`${result.problem.path}: ${result.problem.problem}`)
  return result.value
}

test('a vnic becomes a port and a unit, a station an entry and neighbours', () => {
  const { document, problems } = compiled(...base, vnic, station)
  assert.deepEqual(problems, [])
  const file = read(document)
  assert.equal(file.owner, owner)
  assert.deepEqual(
    file.ethlinks.map(({ l2Name }) => l2Name),
    ['em0'],
  )
  const [mux] = file.muxes
  assert.equal(mux!.underlay, file.ethlinks[0]!.id)
  const vtep = '192.0.2.2:4790'
  assert.deepEqual(mux!.entries, [
    { vni: 5001, mac: station.mac, vtep, forward: false },
    { vni: 5001, mac: '00:00:00:00:00:00', vtep, forward: false },
  ])
  const [unit] = file.vmnics
  assert.deepEqual([unit!.id, unit!.mac, unit!.queues, unit!.mtuBytes], [unitId(vnic), vnic.mac, 2, 1400])
  const [sw] = file.switches
  assert.deepEqual(sw!.neighbours, [
    ...vnic.addresses.map((address) => ({ vni: 5001, address, mac: vnic.mac })),
    { vni: 5001, address: '10.0.0.20', mac: station.mac },
  ])
  const [port] = sw!.ports
  assert.deepEqual([port!.id, port!.vni, port!.interface, port!.antispoof, port!.held], [portId(vnic.id), 5001, unitId(vnic), true, false])
})

test('a subnet tells guests what its vpc says', () => {
  const services = ({ dhcp, leaseTime, domain, ra, autonomous, managed, otherConfig, maxPacket }: HostFile['subnets'][number]) => ({
    dhcp,
    leaseTime,
    domain,
    ra,
    autonomous,
    managed,
    otherConfig,
    maxPacket,
  })
  const common = { leaseTime: 3600, domain: 'red.example', maxPacket: 1400, dhcp: true, otherConfig: true, ra: true }
  const [managed] = read(compiled(...base).document).subnets
  assert.deepEqual(services(managed!), { ...common, autonomous: false, managed: true })
  assert.equal(managed!.dns?.length, 2)
  const [slaac] = read(compiled(...base, { ...subnet, ra: 'slaac' }).document).subnets
  assert.deepEqual(services(slaac!), { ...common, autonomous: true, managed: false })
  const [none] = read(compiled(...base, { ...subnet, network6: null, gateway6: null, dhcp: null }).document).subnets
  assert.deepEqual([none!.ra, none!.dhcp, none!.managed], [false, false, false])
})

test('a subnet has its services, and a port what they tell its guest', () => {
  const host = { kind: 'host', id: here, underlay: underlay('192.0.2.1'), dnsServers: ['192.0.2.53', '2001:db8::53'] } as const
  const guest = { ...vnic, hostname: 'web1', sshKeys: ['ssh-ed25519 AAAA a', 'ssh-ed25519 BBBB'], userData: '#!/bin/sh\n' }
  const { subnets, switches } = read(compiled(...base, host, guest).document)
  assert.deepEqual([subnets[0]!.metadata, subnets[0]!.resolver, subnets[0]!.dnsForward?.length], [true, true, 2])
  const [{ hostname, sshKeys, userData }] = switches[0]!.ports as [HostFile['switches'][number]['ports'][number]]
  assert.deepEqual([hostname, sshKeys, userData], ['web1', guest.sshKeys.join('\n'), guest.userData])
  // Names of guests of other hosts, in one order; without a resolver none.
  const far = [
    { ...station, hostname: 'db' },
    { ...station, id: uuid(21), mac: '02:00:00:00:00:15', hostname: 'app', addresses: ['10.0.0.19', 'fd00::13'] },
    { ...station, id: uuid(22), mac: '02:00:00:00:00:16', hostname: null, addresses: ['10.0.0.18'] },
  ]
  const named = read(compiled(...base, host, ...far).document).subnets
  assert.equal(named[0]!.hosts, '10.0.0.19 app\n10.0.0.20 db\nfd00::13 app')
  const many = Array.from({ length: 4097 }, (_, i) => ({
    ...station,
    id: uuid(100 + i),
    hostname: 'x',
    addresses: [`10.9.${i >> 8}.${i & 255}`],
  }))
  const { problems } = compiled(...base, host, ...many)
  assert.deepEqual(
    problems.map(({ item, code }) => [item.id, code]),
    [[web, 'no-room']],
  )
  const [off] = read(compiled(...base, host, ...far, { ...subnet, metadata: false, resolver: false }).document).subnets
  assert.deepEqual([off!.metadata, off!.resolver, off!.dnsForward, off!.hosts], [false, false, null, null])
})

test('a guest on its way is held, and one that left is forwarded to', () => {
  const coming = compiled(...base, { ...vnic, migration: { way: 'in', host: there } }).document
  assert.equal(read(coming).switches[0]!.ports[0]!.held, true)
  const going = compiled(
    ...base,
    { ...vnic, migration: { way: 'out', host: there } },
    { ...station, id: vnic.id, mac: vnic.mac, forward: true },
  )
  assert.deepEqual(
    read(going.document).switches[0]!.ports.map(({ held, leaving }) => [held, leaving]),
    [[false, true]],
  )
  assert.equal(read(going.document).muxes[0]!.entries[0]!.forward, true)
  const both = compiled(
    ...base,
    { ...vnic, migration: { way: 'in', host: there } },
    { ...station, id: vnic.id, mac: vnic.mac, addresses: vnic.addresses },
  )
  assert.equal(read(both.document).switches[0]!.neighbours.length, 2)
  const left = compiled(...base, { ...station, forward: true }).document
  assert.equal(read(left).muxes[0]!.entries[0]!.forward, true)
})

test('more than 64 hosts in a VNI get no broadcasts', () => {
  const others = (count: number): FeedItem[] =>
    Array.from({ length: count }, (_, i) => i).flatMap((i): FeedItem[] => [
      { kind: 'vtep', id: uuid(1000 + i), underlay: underlay(`192.0.2.${i + 10}`) },
      { ...station, id: uuid(2000 + i), host: uuid(1000 + i), mac: `02:00:00:00:01:${(i + 16).toString(16)}`, addresses: [] },
    ])
  const broadcasts = (count: number): number =>
    read(compiled(...base, ...others(count)).document).muxes[0]!.entries.filter(({ mac }) => mac === '00:00:00:00:00:00').length
  assert.equal(broadcasts(64), 64)
  assert.equal(broadcasts(65), 0)
})

test('in a vpc on demand its hosts may send, few or many, whatever stations are known', () => {
  const hosts = (count: number): string[] => Array.from({ length: count }, (_, i) => uuid(1000 + i))
  const entries = (count: number): string[] => {
    const demand = { ...base[2], resolution: 'demand', hosts: [here, ...hosts(count)] } as FeedItem
    const vteps = hosts(count).map((id, i): FeedItem => ({ kind: 'vtep', id, underlay: underlay(`192.0.2.${i + 10}`) }))
    return read(compiled(...base, demand, ...vteps).document).muxes[0]!.entries.map(({ mac }) => mac)
  }
  assert.deepEqual(new Set(entries(64)), new Set(['00:00:00:00:00:00']))
  assert.equal(entries(64).length, 64)
  assert.equal(new Set(entries(65)).size, 65)
  assert.ok(!entries(65).includes('00:00:00:00:00:00'))
})

test('a missing interface is a problem of the host, and vnics get on without a mux', () => {
  const { document, problems } = compiled(
    { kind: 'host', id: here, underlay: underlay('192.0.2.9'), dnsServers: [] },
    ...base.slice(1),
    vnic,
  )
  assert.deepEqual(
    problems.map(({ item, code }) => [item.kind, code]),
    [['host', 'interface-missing']],
  )
  assert.equal(read(document).switches[0]!.ports.length, 1)
})

test('what the API has not sent is a problem of the item that needs it', () => {
  const lost = { ...vnic, id: uuid(11), subnet: uuid(99) }
  const { document, problems } = compiled(...base, lost, vnic, { ...station, host: uuid(98) })
  assert.deepEqual(
    problems.map(({ item, code }) => [item.id, code]),
    [
      [lost.id, 'failed'],
      [station.id, 'failed'],
    ],
  )
  assert.equal(read(document).vmnics.length, 1)
})

test('a port lists single addresses; a larger prefix is a problem, and the port is made', () => {
  const { document, problems } = compiled(...base, { ...vnic, allowedPrefixes: ['10.0.0.77/32', '10.9.0.0/16'] })
  assert.match(problems[0]!.text, /10\.9\.0\.0\/16/)
  assert.equal(read(document).switches[0]!.ports[0]!.addresses.length, 3)
})

test('a place in the document names its item', () => {
  const { document, itemAt: find } = compiled(...base, vnic, station)
  const itemAt = (path: string): FeedItem | undefined => find(document, path)
  assert.equal(itemAt('switches[0].ports[0].vni')?.id, vnic.id)
  assert.equal(itemAt('switches[0].neighbours[2]')?.id, station.id)
  assert.equal(itemAt('muxes[0].entries[1]')?.id, web)
  assert.equal(itemAt('muxes[0].listen')?.id, here)
  const part = { switches: [{ id: switchId(vpc), ports: [{ id: portId(vnic.id) }] }] }
  assert.equal(find(part, 'switches[0].ports[0].vni')?.id, vnic.id)
  assert.equal(itemAt('switches[0].nothing')?.id, vpc)
  assert.equal(itemAt(''), undefined)
})

test('ids follow from what they stand for', () => {
  const ids = (): unknown => [muxId(here), switchId(vpc), portId(vnic.id), unitId(vnic)]
  assert.deepEqual(ids(), ids())
  assert.notEqual(unitId(vnic), unitId({ ...vnic, unit: 'hostif' }))
})

test('a vpcd that is older: what it does not know is left out; what that makes impossible is said by name', () => {
  const without = (...lacking: readonly string[]) => {
    const settings = new Set(settingNames().filter((name) => !lacking.includes(name)))
    return { version: '0.0.9', settings }
  }
  assert.deepEqual(lackedBy(without().settings), [])
  assert.deepEqual(lackedBy(without('vpcp.leaving', 'subnet.hosts').settings), ['moves of running guests', 'names of guests'])
  const moving = {
    ...vnic,
    id: uuid(11),
    mac: '02:00:00:00:00:0b',
    addresses: ['10.0.0.11'],
    migration: { way: 'out', host: there },
  } as const
  const old = compiledFor(without('vpcp.leaving', 'vpcp.groups'), ...base, vnic, moving)
  assert.deepEqual(
    read(old.document).switches[0]!.ports.map(({ id }) => id),
    [portId(vnic.id)],
  )
  assert.deepEqual(
    old.problems.map(({ item, code, text }) => [item.id, code, text]),
    [[moving.id, 'too-old', "vpcd 0.0.9 of this host does not know moves of running guests ('leaving'); update vpcd there"]],
  )
  // A guest without its name is better than none.
  const nameless = compiledFor(without('vpcp.hostname'), ...base, { ...vnic, hostname: 'web1' })
  assert.deepEqual(
    read(nameless.document).switches[0]!.ports.map(({ hostname }) => hostname),
    [null],
  )
  assert.deepEqual(
    nameless.problems.map(({ code, text }) => [code, text]),
    [['too-old', "vpcd 0.0.9 of this host does not know names of guests ('hostname'); update vpcd there"]],
  )
  // One that does not tell is asked for everything.
  const silent = compiledFor({ version: '0.0.1', settings: undefined }, ...base, vnic, moving)
  assert.deepEqual([silent.problems, read(silent.document).switches[0]!.ports.length], [[], 2])
})
