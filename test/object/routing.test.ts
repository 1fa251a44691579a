/** Subnets and routers: what the tables come to say, and what is refused with the thing, the value and the way out. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, afterEach, suite, test } from 'node:test'
import { generateId, idBytes } from '#abi/id.ts'
import { openFlag, type OperationName } from '#abi/command.ts'
import { gatewayMac, routeKind, segmentOfVpc, subnetFlag, vpcOfSwitch } from '#datapath/layout.ts'
import { VpcError } from '#object/host.ts'
import { formatIp, fromMapped, ipFrom, toMapped } from '#wire/ip-address.ts'
import { formatMac, macFrom } from '#wire/mac.ts'
import { addresses, entry, neighbour, none, routes, text, u16, vni } from './inputs.ts'
import { ScratchHost, type Opened } from './scratch-host.ts'

let host: ScratchHost
let sw: Opened, router: Opened, first: Opened, second: Opened
before(() => void (host = new ScratchHost()))
after(() => host[Symbol.asyncDispose]())

const subnetOf = (number: number, prefix4: string, prefix6: string): Opened => {
  const subnet = host.create('subnet')
  subnet.do('subnetVniSet', vni(number))
  subnet.do('subnetPrefix4Set', text(prefix4))
  subnet.do('subnetPrefix6Set', text(prefix6))
  subnet.do('subnetSwitchSet', idBytes(sw.id))
  subnet.do('subnetRouterSet', idBytes(router.id))
  return subnet
}
beforeEach(() => {
  sw = host.create('vpcsw')
  router = host.create('vpcrtr')
  first = subnetOf(5001, '10.1.0.0/24', 'fd01::/64')
  second = subnetOf(5002, '10.2.0.0/24', 'fd02::/64')
})
afterEach(() => {
  for (const { type, id } of host.host.objects()) {
    const opened = host.open(type, id)
    opened.do('metaDestroy')
    opened.handle.close()
  }
})

const vpc = (of = sw): number => vpcOfSwitch(of.handle.object!.unit)
const hostOf = (address: string, of = sw): { segment: number; mac: string } | undefined => {
  const found = host.datapath.tables.hosts.get({ vpc: vpc(of), addr: toMapped(ipFrom(address)) })
  return found && { segment: found.segment, mac: formatMac(found.mac) }
}
/** Routes as text: prefix, kind and next hop. */
const routesThere = (): string[] =>
  host.datapath.tables.routes
    .entries()
    .map(([{ length, addr }, { kind, addr: hop }]) => {
      const prefix = fromMapped(addr)
      const name = Object.entries(routeKind).find(([, number]) => number === kind)![0]
      return `${formatIp(prefix)}/${length - 32 - (prefix.length === 4 ? 96 : 0)} ${name}${name === 'instance' ? ` ${formatIp(fromMapped(hop))}` : ''}`
    })
    .sort()
const local = ['10.1.0.0/24 local', '10.2.0.0/24 local', 'fd01::/64 local', 'fd02::/64 local']

function unitIn(number: number, ...list: string[]): Opened {
  const [port, hostif] = [host.create('vpcp'), host.create('hostif')]
  port.do('vpcpVniSet', vni(number))
  port.do('vpcpAddressesSet', addresses(...list))
  sw.do('vpcswPortAdd', idBytes(port.id))
  port.do('vpcpConnect', idBytes(hostif.id))
  return port
}

suite('the tables', () => {
  test('have subnets with their gateways, and the routes to them', () => {
    const { subnets } = host.datapath.tables
    const table = router.handle.object!.unit * 256
    assert.deepEqual(subnets.get(5001), {
      flags: subnetFlag.routed,
      vpc: vpc(),
      routeTable: table,
      mtu: 0,
      gateway4: toMapped(ipFrom('10.1.0.1')),
      gateway6: toMapped(ipFrom('fd01::1')),
    })
    assert.deepEqual(routesThere(), local)
    second.do('subnetRouterSet', none)
    assert.deepEqual([subnets.get(5002)!.flags, subnets.get(5002)!.routeTable], [0, 0])
    assert.deepEqual(routesThere(), ['10.1.0.0/24 local', 'fd01::/64 local'])
    second.do('subnetSwitchSet', none)
    assert.equal(subnets.get(5002), undefined)
  })

  test('have stations: neighbours and units of the subnets, units first', () => {
    sw.do('vpcswNeighbourSet', Buffer.concat([neighbour(5001, '10.1.0.9'), neighbour(5001, '10.9.0.9'), neighbour(5002, '10.1.0.9')]))
    assert.deepEqual(hostOf('10.1.0.9'), { segment: 5001, mac: '02:00:00:00:00:99' })
    assert.equal(hostOf('10.9.0.9'), undefined)
    const port = unitIn(5001, '10.1.0.9', 'fd01::9', 'fe80::9')
    assert.notEqual(hostOf('10.1.0.9')!.mac, '02:00:00:00:00:99')
    assert.equal(hostOf('fd01::9')!.segment, 5001)
    assert.equal(hostOf('fe80::9'), undefined)
    port.do('vpcpVniSet', vni(5002))
    assert.equal(hostOf('10.1.0.9')!.mac, '02:00:00:00:00:99')
    assert.equal(hostOf('fd01::9'), undefined)
    first.do('subnetRouterSet', none)
    assert.equal(hostOf('10.1.0.9'), undefined)
    first.do('subnetRouterSet', idBytes(router.id))
    assert.equal(hostOf('10.1.0.9')!.segment, 5001)
    sw.do('vpcswReset')
    assert.deepEqual(host.datapath.tables.hosts.entries(), [])
  })

  test('have the routes of the tables that subnets use', () => {
    router.do('vpcrtrRouteSet', routes('10.9.0.0/16 via 10.1.0.5', '::/0 unreachable', '10.8.0.0/16 blackhole table 2'))
    assert.deepEqual(routesThere(), [...local, '10.9.0.0/16 instance 10.1.0.5', '::/0 unreachable'].sort())
    second.do('subnetRouteTableSet', u16(2))
    assert.deepEqual(
      routesThere(),
      [...local, ...local, '10.8.0.0/16 blackhole', '10.9.0.0/16 instance 10.1.0.5', '::/0 unreachable'].sort(),
    )
    router.do('metaDestroy')
    assert.deepEqual(routesThere(), [])
  })

  test('take routed packets from the VTEPs of all subnets, and of a peer', () => {
    const mux = host.create('vpcmux')
    mux.do('vpcmuxFteSet', entry(5002, '02:00:00:00:00:01', '192.0.2.2'))
    const from = (of: Opened): boolean =>
      host.datapath.tables.vteps
        .entries()
        .some(([{ segment, addr }]) => segment === (segmentOfVpc | vpc(of)) >>> 0 && formatIp(fromMapped(addr)) === '192.0.2.2')
    host.addInterface('under0', 1600, '192.0.2.1')
    const under = host.create('ethlink')
    under.do('ethlinkConnect', text('under0'))
    mux.do('vpcmuxConnect', idBytes(under.id))
    mux.do('vpcmuxListen', Buffer.from([2, 0, 0x12, 0xb5, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]))
    assert.ok(from(sw))
    const [other, peer] = [host.create('vpcsw'), host.create('vpcrtr')]
    const far = host.create('subnet')
    far.do('subnetVniSet', vni(6001))
    far.do('subnetPrefix4Set', text('10.6.0.0/24'))
    far.do('subnetSwitchSet', idBytes(other.id))
    far.do('subnetRouterSet', idBytes(peer.id))
    assert.ok(!from(other))
    router.do('vpcrtrRouteSet', routes(`10.6.0.0/24 peer ${peer.id}`))
    assert.ok(from(other))
    peer.do('metaDestroy')
    assert.ok(!from(other))
    assert.deepEqual(router.do('vpcrtrRouteList'), none)
    mux.do('vpcmuxFteDelete', entry(5002, '02:00:00:00:00:01', '192.0.2.2'))
    assert.ok(!from(sw))
  })
})

test('a VTEP that goes in one step with the subnet and its router is in no table any more', () => {
  host.addInterface('under1', 1600, '192.0.2.1')
  const [red, web, r1] = [generateId('vpcsw'), generateId('subnet'), generateId('vpcrtr')]
  const [under, mux] = [generateId('ethlink'), generateId('vpcmux')]
  const entries = [{ vni: 7001, mac: '02:00:00:00:00:01', vtep: '192.0.2.2' }]
  const muxes = { muxes: [{ id: mux, underlay: under, listen: '192.0.2.1:4789', entries }] }
  const places = { routers: [{ id: r1 }], subnets: [{ id: web, vni: 7001, prefix4: '10.7.0.0/24', switch: red, router: r1 }] }
  const apply = (document: object): void => {
    const mgmt = host.open('mgmt', generateId('mgmt'), openFlag.create | openFlag.read | openFlag.write)
    using _ = mgmt.handle
    mgmt.do('mgmtApply', text(JSON.stringify({ version: 1, owner: 'agent', ...document })))
  }
  apply({ ethlinks: [{ id: under, 'l2-name': 'under1' }], switches: [{ id: red }], ...places, ...muxes })
  const left = (): number => host.datapath.tables.vteps.entries().length
  assert.equal(left(), 2)
  const emptied = { muxes: [{ id: mux, 'remove-entries': entries }], remove: [web, r1, red] }
  apply({ partial: true, ...emptied })
  assert.equal(left(), 0)
})

test('a router that outlives vpcd leads only to what does', () => {
  const [one, two] = [host.create('vpcrtr'), host.create('vpcrtr')]
  const toTwo = routes(`10.6.0.0/24 peer ${two.id}`)
  one.do('vpcrtrRouteSet', toTwo)
  assert.throws(
    () => one.do('metaCommit'),
    /peer .*: vpcrtr\d \(\S+\) is not committed, and goes with its last descriptor; commit it first/,
  )
  one.do('vpcrtrRouteDelete', toTwo)
  one.do('metaCommit')
  assert.throws(() => one.do('vpcrtrRouteSet', toTwo), /is not committed/)
  two.do('metaCommit')
  two.do('vpcrtrRouteSet', routes(`10.7.0.0/24 peer ${one.id}`))
  one.do('vpcrtrRouteSet', toTwo)
  assert.notDeepEqual(one.do('vpcrtrRouteList'), none)
})

type Refusal = readonly [what: string, object: () => Opened, operation: OperationName, input: () => Uint8Array, says: RegExp]
const refusals: readonly Refusal[] = [
  [
    'a prefix that overlaps another',
    () => second,
    'subnetPrefix4Set',
    () => text('10.1.0.128/25'),
    /10.1.0.128\/25 overlaps 10.1.0.0\/24 of subnet subnet\d.* in router vpcrtr\d.*; choose another/,
  ],
  [
    'a gateway outside',
    () => first,
    'subnetGateway4Set',
    () => text('10.2.0.1'),
    /its gateway 10.2.0.1 is outside of 10.1.0.0\/24; choose one inside/,
  ],
  [
    'a gateway that is the broadcast address',
    () => first,
    'subnetGateway4Set',
    () => text('10.1.0.255'),
    /10.1.0.255 is the broadcast address/,
  ],
  [
    'host bits',
    () => first,
    'subnetPrefix4Set',
    () => text('10.1.0.1/24'),
    /'10.1.0.1\/24' is not a network: it has host bits; the network is 10.1.0.0\/24/,
  ],
  ['a prefix of the other family', () => first, 'subnetPrefix4Set', () => text('fd09::/64'), /is not IPv4/],
  [
    'a prefix without room',
    () => first,
    'subnetPrefix4Set',
    () => text('10.1.0.0/31'),
    /no room for a gateway and a station; take 30 bits or fewer/,
  ],
  [
    'a prefix that nobody can have',
    () => first,
    'subnetPrefix4Set',
    () => text('169.254.0.0/16'),
    /cannot have addresses of 169.254.0.0\/16/,
  ],
  ['the VNI of another subnet', () => second, 'subnetVniSet', () => vni(5001), /VNI 5001 is subnet subnet\d .* already/],
  [
    'a second router',
    () => first,
    'subnetRouterSet',
    () => idBytes(host.create('vpcrtr').id),
    /router vpcrtr\d .* has it; a subnet has one router/,
  ],
  ['an object of another type as router', () => first, 'subnetRouterSet', () => idBytes(sw.id), /it is the id of a switch; name a router/],
  [
    'a route by nobody',
    () => router,
    'vpcrtrRouteSet',
    () => routes('10.9.0.0/16 via 10.7.0.5'),
    /route '10.9.0.0\/16 via 10.7.0.5' .*: no subnet of the router has that address/,
  ],
  [
    'a route by a gateway',
    () => router,
    'vpcrtrRouteSet',
    () => routes('10.9.0.0/16 via 10.1.0.1'),
    /no subnet of the router has that address for a station/,
  ],
  [
    'a route to its own subnet',
    () => router,
    'vpcrtrRouteSet',
    () => routes('10.1.0.0/24 blackhole'),
    /10.1.0.0\/24 is subnet\d, which the router has anyway/,
  ],
  ['a route to itself', () => router, 'vpcrtrRouteSet', () => routes(`10.9.0.0/16 peer ${router.id}`), /that is the router itself/],
  [
    'to delete what is not there',
    () => router,
    'vpcrtrRouteDelete',
    () => routes('10.9.0.0/16 blackhole'),
    /no route for 10.9.0.0\/16 in table 0/,
  ],
  [
    'a neighbour with the address of the gateway',
    () => sw,
    'vpcswNeighbourSet',
    () => neighbour(5001, '10.1.0.1'),
    /10.1.0.1 is the gateway of subnet subnet\d/,
  ],
  [
    'an entry for the MAC of the gateway',
    () => host.create('vpcmux'),
    'vpcmuxFteSet',
    () => entry(5001, formatMac(gatewayMac), '192.0.2.2'),
    /the MAC of the gateways of all subnets/,
  ],
]

suite('refused, with nothing changed,', () => {
  for (const [what, object, operation, input, says] of refusals)
    test(`is ${what}`, () => {
      const [asked, value] = [object(), input()]
      const before = host.snapshot()
      assert.throws(
        () => asked.do(operation, value),
        (error) => error instanceof VpcError && says.test(error.message),
      )
      assert.deepEqual(host.snapshot(), before)
    })

  test('are a port with the address of the gateway, and a unit with its MAC', () => {
    const port = unitIn(5001, '10.1.0.7')
    assert.throws(() => port.do('vpcpAddressesSet', addresses('fd01::1')), /fd01::1 is the gateway of subnet subnet\d/)
    assert.throws(() => first.do('subnetGateway4Set', text('10.1.0.7')), /port vpcp\d .* has its gateway's address 10.1.0.7/)
    const vmnic = host.create('vmnic')
    vmnic.do('metaMacSet', Uint8Array.from(gatewayMac))
    const other = host.create('vpcp')
    sw.do('vpcswPortAdd', idBytes(other.id))
    assert.throws(() => other.do('vpcpConnect', idBytes(vmnic.id)), /is the MAC of the gateways of all subnets; give the unit another one/)
    vmnic.do('metaMacSet', macFrom('02:00:00:00:00:77'))
    other.do('vpcpConnect', idBytes(vmnic.id))
  })

  test('is a subnet that leaves while a route goes by a station of it; destroying it takes the route along', () => {
    router.do('vpcrtrRouteSet', routes('10.9.0.0/16 via 10.1.0.5'))
    assert.throws(() => first.do('subnetRouterSet', none), /route '10.9.0.0\/16 via 10.1.0.5' of vpcrtr\d/)
    assert.throws(() => first.do('subnetPrefix4Set', text('10.3.0.0/24')), /route '10.9.0.0\/16 via 10.1.0.5' of vpcrtr\d/)
    first.do('metaDestroy')
    assert.deepEqual(router.do('vpcrtrRouteList'), none)
  })
})
