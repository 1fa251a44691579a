/** NATs: what the tables come to say, and what is refused with the thing, the value and the way out. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, suite, test } from 'node:test'
import type { OperationName } from '#abi/command.ts'
import { formatFloat } from '#abi/float.ts'
import { generateId, idBytes } from '#abi/id.ts'
import { dstKind, segmentOfVpc, vpcOfSwitch } from '#datapath/layout.ts'
import type { NatCells } from '#datapath/nat-cells.ts'
import { publicKind, type Nat } from '#datapath/nat-layout.ts'
import { VpcError } from '#object/host.ts'
import type { Nat as NatObject } from '#object/store/model.ts'
import { formatIp, fromMapped, ipFrom, toMapped } from '#wire/ip-address.ts'
import { formatMac } from '#wire/mac.ts'
import { addresses, entry, floats, json, jsonText, none, sockaddr, text, u16, vni } from './inputs.ts'
import { ScratchHost, type Opened } from './scratch-host.ts'

let host: ScratchHost
let tagged: Opened | undefined
let sw: Opened, router: Opened, subnet: Opened, ethlink: Opened, nat: Opened
before(() => {
  host = new ScratchHost()
  host.addInterface('wire0')
  host.addInterface('under0', 1600, '192.0.2.1')
})
after(() => host[Symbol.asyncDispose]())

const pool = ['203.0.113.16/28', '2001:db8:7::/64']
beforeEach(() => {
  sw = host.create('vpcsw')
  router = host.create('vpcrtr')
  subnet = host.create('subnet')
  subnet.do('subnetVniSet', vni(5001))
  subnet.do('subnetPrefix4Set', text('10.1.0.0/24'))
  subnet.do('subnetPrefix6Set', text('fd01::/64'))
  subnet.do('subnetSwitchSet', idBytes(sw.id))
  subnet.do('subnetRouterSet', idBytes(router.id))
  ethlink = host.create('ethlink')
  ethlink.do('ethlinkConnect', text('wire0'))
  nat = host.create('vpcnat')
  nat.do('vpcnatRouterSet', idBytes(router.id))
  nat.do('vpcnatEthlinkSet', idBytes(ethlink.id))
  nat.do('vpcnatPoolSet', jsonText(pool))
  nat.do('vpcnatFloatAdd', floats('203.0.113.20 to 10.1.0.5', '2001:db8:7::20 to fd01::5'))
})
afterEach(() => {
  for (const { type, id } of host.host.objects()) {
    const opened = host.open(type, id)
    opened.do('metaDestroy')
    opened.handle.close()
  }
  const { nats, publicAddresses, floats: inside } = host.datapath.tables
  for (const table of [nats, publicAddresses, inside]) assert.deepEqual(table.entries(), [], 'nothing is left')
  assert.equal(isPromiscuous(), false)
})

const device = () => host.netlink.linkByName('wire0')!
const isPromiscuous = (): boolean => (device().flags & 0x100) !== 0
const objectOf = (opened = nat): NatObject => opened.handle.object as NatObject
const row = (): Nat => host.datapath.tables.nats.get(objectOf().source)!
const addressText = (bytes: Uint8Array): string => formatIp(fromMapped(bytes))
/** The tables as text: on which wire, and for whom. */
const publicThere = (): string[] =>
  host.datapath.tables.publicAddresses
    .entries()
    .map(([{ wire, addr }, { inside }]) => `${wire} ${addressText(addr)} ${addressText(inside)}`)
const insideThere = (): string[] =>
  host.datapath.tables.floats.entries().map(([{ vpc, addr }, { addr: to }]) => `${vpc} ${addressText(addr)} ${addressText(to)}`)
const wire = (): number => device().ifindex
const vpc = (): number => vpcOfSwitch(sw.handle.object!.unit)

suite('a NAT by an ethlink', () => {
  test('is in the tables while its parts are there', () => {
    const there = [`${wire()} 203.0.113.20 10.1.0.5`, `${wire()} 2001:db8:7::20 fd01::5`]
    assert.deepEqual(publicThere().sort(), there.sort())
    assert.deepEqual(insideThere().sort(), [`${vpc()} 10.1.0.5 203.0.113.20`, `${vpc()} fd01::5 2001:db8:7::20`])
    const { mac, mtu, vpc: of } = row()
    assert.deepEqual([row().wire, formatMac(mac), mtu, of], [wire(), formatMac(device().mac as never), 1500, vpc()])
    assert.equal(isPromiscuous(), true)
    ethlink.do('ethlinkDisconnect')
    assert.deepEqual([publicThere(), row().wire, isPromiscuous()], [[], 0, false])
    ethlink.do('ethlinkConnect', text('wire0'))
    assert.deepEqual(publicThere().sort(), there.sort())
    ethlink.do('metaDestroy')
    assert.deepEqual([publicThere(), objectOf().ethlink], [[], null])
  })

  test('says where the next hop is', () => {
    for (const [operation, value] of [
      ['vpcnatPrefix4Set', '203.0.113.0/24'],
      ['vpcnatPrefix6Set', '2001:db8:7::/64'],
      ['vpcnatGateway4Set', '203.0.113.1'],
      ['vpcnatGateway6Set', 'fe80::1'],
    ] as const)
      nat.do(operation, text(value))
    const { prefix4, length4, prefix6, length6, gateway4, gateway6 } = row()
    assert.deepEqual([addressText(prefix4), length4, addressText(prefix6), length6], ['203.0.113.0', 24, '2001:db8:7::', 64])
    assert.deepEqual([gateway4, gateway6].map(addressText), ['203.0.113.1', 'fe80::1'])
  })

  test('moves an address to another station', () => {
    nat.do('vpcnatFloatAdd', floats('203.0.113.20 to 10.1.0.7'))
    assert.deepEqual(insideThere().sort(), [`${vpc()} 10.1.0.7 203.0.113.20`, `${vpc()} fd01::5 2001:db8:7::20`])
    nat.do('vpcnatFloatDelete', floats('203.0.113.20 to 10.1.0.7'))
    assert.deepEqual(publicThere(), [`${wire()} 2001:db8:7::20 fd01::5`])
  })

  test('loses the addresses of a subnet that goes, and all when its router goes', () => {
    assert.throws(() => subnet.do('subnetPrefix4Set', text('10.3.0.0/24')), /floating address 203.0.113.20 to 10.1.0.5 of vpcnat\d/)
    subnet.do('metaDestroy')
    assert.deepEqual(objectOf().floats, [])
    router.do('metaDestroy')
    assert.deepEqual([objectOf().router, row().vpc], [null, 0])
  })

  test('is the same after a start, and an audit finds nothing', async () => {
    for (const each of [sw, router, subnet, ethlink, nat]) each.do('metaCommit')
    const ids = [nat.id, sw.id, router.id, ethlink.id]
    const before = [publicThere(), insideThere(), row()]
    await host.restart()
    nat = host.open('vpcnat', ids[0]!)
    assert.deepEqual([publicThere(), insideThere(), row()], before)
    const mgmt = host.open('mgmt', generateId('mgmt'), 1 | 4 | 8)
    using _ = mgmt.handle
    assert.deepEqual((json(mgmt.do('mgmtAudit')) as { items: unknown[] }).items, [])
    host.datapath.tables.publicAddresses.delete({ wire: wire(), addr: toMapped(ipFrom('203.0.113.20')) })
    const { items } = json(mgmt.do('mgmtAudit')) as { items: { what: string }[] }
    assert.equal(items.length, 1)
    mgmt.do('mgmtRepair')
    assert.deepEqual([publicThere(), insideThere(), row()], before)
  })
})

test('a NAT by another host has its VTEP, from which routed packets are taken', () => {
  const [under, mux] = [host.create('ethlink'), host.create('vpcmux')]
  under.do('ethlinkConnect', text('under0'))
  nat.do('vpcnatEthlinkSet', none)
  nat.do('vpcnatViaSet', text('192.0.2.7'))
  const taken = (): boolean =>
    host.datapath.tables.vteps
      .entries()
      .some(([{ segment, addr }]) => segment === (segmentOfVpc | vpc()) >>> 0 && addressText(addr) === '192.0.2.7')
  assert.deepEqual([row().host.kind, taken()], [dstKind.none, false])
  mux.do('vpcmuxConnect', idBytes(under.id))
  mux.do('vpcmuxListen', sockaddr('192.0.2.1'))
  assert.deepEqual([row().host.kind, formatIp(row().host.vtep.addr.subarray(0, 4)), taken()], [dstKind.remote, '192.0.2.7', true])
  assert.deepEqual(publicThere(), [])
  assert.equal(insideThere().length, 2)
  // It is one of the VNI's hosts as well, and stays one of the router's when those entries go.
  mux.do('vpcmuxFteSet', entry(5001, '02:00:00:00:00:01', '192.0.2.7'))
  mux.do('vpcmuxFteDelete', entry(5001, '02:00:00:00:00:01', '192.0.2.7'))
  assert.ok(taken())
  nat.do('vpcnatViaSet', text('[2001:db8::7]'))
  assert.deepEqual([String(Buffer.from(nat.do('vpcnatViaGet'))), taken()], ['2001:db8::7', false])
  nat.do('vpcnatViaSet', text('2001:db8::7'))
  nat.do('vpcnatViaSet', none)
  assert.ok(!taken())
})

type Refusal = readonly [what: string, operation: OperationName, input: () => Uint8Array, says: RegExp, prepare?: () => void]
const refusals: readonly Refusal[] = [
  [
    'an address that another NAT has',
    'vpcnatFloatAdd',
    () => floats('203.0.113.21 to 10.1.0.6'),
    /floating address 203.0.113.21 to 10.1.0.6: vpcnat\d \(.*\) has it for 10.1.0.9; choose another, or remove it there first/,
    () => {
      const other = host.create('vpcnat')
      other.do('vpcnatRouterSet', idBytes(router.id))
      other.do('vpcnatPoolSet', jsonText(pool))
      other.do('vpcnatFloatAdd', floats('203.0.113.21 to 10.1.0.9'))
    },
  ],
  [
    'an address twice',
    'vpcnatFloatsSet',
    () => floats('203.0.113.21 to 10.1.0.6', '203.0.113.21 to 10.1.0.7'),
    /203.0.113.21 stands there for 10.1.0.6 already; give it once/,
  ],
  [
    'a second address for a station',
    'vpcnatFloatAdd',
    () => floats('203.0.113.21 to 10.1.0.5'),
    /10.1.0.5 has 203.0.113.20 already; a station has one public address of a family/,
  ],
  [
    'a station outside of the subnets',
    'vpcnatFloatAdd',
    () => floats('203.0.113.21 to 10.9.0.5'),
    /no subnet of router vpcrtr\d \(.*\) has 10.9.0.5; name a station of one of its subnets/,
  ],
  ['a gateway as station', 'vpcnatFloatAdd', () => floats('203.0.113.21 to 10.1.0.1'), /10.1.0.1 is the gateway of a subnet/],
  [
    'an address that is not in the pool',
    'vpcnatFloatAdd',
    () => floats('203.0.113.40 to 10.1.0.6'),
    /203.0.113.40 is none of its public addresses \(203.0.113.16\/28, .*\); choose one of them, or extend the pool/,
  ],
  [
    'an address without a pool',
    'vpcnatFloatAdd',
    () => floats('203.0.113.21 to 10.1.0.6'),
    /vpcnat\d has no public addresses; give it some with vpc nat set --pool/,
    () => {
      nat.do('vpcnatFloatsSet', none)
      nat.do('vpcnatPoolSet', jsonText([]))
    },
  ],
  [
    'a pool without the addresses in use',
    'vpcnatPoolSet',
    () => jsonText(['192.0.2.0/24']),
    /203.0.113.20 is none of its public addresses/,
  ],
  ['no router while stations have addresses', 'vpcnatRouterSet', () => none, /vpcnat\d serves no router; give it one/],
  ['a router that is not there', 'vpcnatRouterSet', () => idBytes(generateId('vpcrtr')), /there is no router of that id on this host/],
  [
    'an ethlink that is not there',
    'vpcnatEthlinkSet',
    () => idBytes(generateId('ethlink')),
    /use ethlink [\da-f-]+: there is no ethlink of that id on this host; create it first, with vpc ethlink create/,
  ],
  [
    'an ethlink whose frames are tagged',
    'vpcnatEthlinkSet',
    () => idBytes(tagged!.id),
    /carry VLAN tag 7; wrap the VLAN interface itself in an ethlink/,
    () => {
      tagged = host.create('ethlink')
      tagged.do('ethlinkVtagSet', u16(7))
    },
  ],
  ['a second place', 'vpcnatViaSet', () => text('192.0.2.7'), /its public addresses are behind ethlink .*; they are in one place/],
  ['a host that cannot be', 'vpcnatViaSet', () => text('224.0.0.1'), /that is not an address of a host; name its VTEP/],
  [
    'a gateway that a station has',
    'vpcnatGateway4Set',
    () => text('203.0.113.20'),
    /it is the floating address of 10.1.0.5; choose another/,
  ],
  ['a gateway of the other family', 'vpcnatGateway4Set', () => text('fe80::1'), /is not IPv4/],
  ['to share a floating address', 'vpcnatSharedSet', () => addresses('203.0.113.20'), /vpcnat\d .* has it for 10.1.0.5/],
  ['to share what is not in the pool', 'vpcnatSharedSet', () => addresses('203.0.113.99'), /none of its public addresses \(203/],
  [
    'to share an address twice',
    'vpcnatSharedSet',
    () => addresses('203.0.113.21', '203.0.113.21'),
    /it stands there already; give it once/,
  ],
  [
    'to share more addresses than fit',
    'vpcnatSharedSet',
    () => addresses(...Array.from({ length: 9 }, (_, i) => `203.0.113.${21 + i}`)),
    /9 addresses for all to share; a NAT has 8 at most/,
  ],
  ['to remove what is not there', 'vpcnatFloatDelete', () => floats('203.0.113.29 to 10.1.0.5'), /no floating address 203.0.113.29/],
]

suite('addresses that stations share', () => {
  const natCells = (): NatCells => host.datapath.tables.natCells
  const shared = (): string[] => natCells().addressesOf(objectOf().source).map(addressText)

  test('are on the wire, and the way out of all stations without a floating address', () => {
    nat.do('vpcnatSharedSet', addresses('203.0.113.22', '2001:db8:7::22'))
    assert.deepEqual(shared(), ['203.0.113.22', '2001:db8:7::22'])
    const row = host.datapath.tables.publicAddresses.get({ wire: wire(), addr: toMapped(ipFrom('203.0.113.22')) })
    assert.deepEqual([row?.kind, row?.nat, row?.vpc], [publicKind.blocks, objectOf().source, vpc()])
    assert.deepEqual(
      insideThere()
        .filter((text) => / (0.0.0.0|::) /.test(text))
        .sort(),
      [`${vpc()} 0.0.0.0 ::`, `${vpc()} :: ::`],
    )
    nat.do('vpcnatSharedSet', addresses('203.0.113.22'))
    assert.deepEqual(shared(), ['203.0.113.22'])
    ethlink.do('ethlinkDisconnect')
    assert.deepEqual(shared(), ['203.0.113.22'], 'ports stay while the interface is away')
    ethlink.do('ethlinkConnect', text('wire0'))
    nat.do('vpcnatEthlinkSet', none)
    assert.deepEqual(shared(), [])
  })

  test('of another host: stations have the blocks there that they had here, and nobody else gets them', () => {
    nat.do('vpcnatEthlinkSet', none)
    const kept = ['10.1.0.9 203.0.113.22 1344-1407', '10.1.0.9 203.0.113.22 2048-2111', '10.1.0.8 203.0.113.22 1344-1407']
    nat.do('vpcnatKeptSet', text(JSON.stringify([...kept, '10.1.0.7 203.0.113.99 1024-1087'])))
    nat.do('vpcnatSharedSet', addresses('203.0.113.22'))
    nat.do('vpcnatEthlinkSet', idBytes(ethlink.id))
    const blocks = (): unknown =>
      (json(nat.do('vpcnatBlocks')) as any[]).map(({ inside, address, firstPort }) => `${inside} ${address} ${firstPort}`)
    const his = ['10.1.0.9 203.0.113.22 1344', '10.1.0.9 203.0.113.22 2048']
    assert.deepEqual([blocks(), natCells().fill(objectOf().source)?.blocks], [his, 2])
    // While it shares them, they are what the programs make of them.
    nat.do('vpcnatKeptSet', text('[]'))
    assert.deepEqual(blocks(), his)
    assert.throws(() => nat.do('vpcnatKeptSet', text('["10.1.0.9 203.0.113.22 1000-1063"]')), /is not a block of ports; one looks like/)
    assert.throws(() => nat.do('vpcnatKeptSet', text('["fd01::9 203.0.113.22 1344-1407"]')), /must be of one family/)
  })

  test('keep who has which port through a start, and an audit sees a map that is gone', async () => {
    nat.do('vpcnatSharedSet', addresses('203.0.113.22'))
    for (const each of [sw, router, subnet, ethlink, nat]) each.do('metaCommit')
    const { source } = objectOf()
    const guest = { nat: source, vpc: vpc(), inside: toMapped(ipFrom('10.1.0.9')) }
    natCells().giveBlock(guest, 5)
    const blocks = (): unknown => (json(nat.do('vpcnatBlocks')) as object[]).map((row) => ({ ...row, ageSeconds: 0 }))
    const before = blocks()
    assert.deepEqual(
      (before as { inside: string; firstPort: number; lastPort: number }[]).map((row) => [row.inside, row.firstPort, row.lastPort]),
      [['10.1.0.9', 1344, 1407]],
    )
    const id = nat.id
    await host.restart()
    nat = host.open('vpcnat', id)
    assert.deepEqual([blocks(), shared()], [before, ['203.0.113.22']])
    const mgmt = host.open('mgmt', generateId('mgmt'), 1 | 4 | 8)
    using _ = mgmt.handle
    assert.deepEqual((json(mgmt.do('mgmtAudit')) as { items: unknown[] }).items, [])
    natCells().set(source, [])
    assert.equal((json(mgmt.do('mgmtAudit')) as { items: unknown[] }).items.length, 1)
    mgmt.do('mgmtRepair')
    assert.deepEqual(shared(), ['203.0.113.22'])
  })
})

suite('what is refused, and changes nothing', () => {
  for (const [what, operation, input, says, prepare] of refusals)
    test(what, () => {
      prepare?.()
      const state = (): unknown => [publicThere().sort(), insideThere().sort(), row(), objectOf().floats.map(formatFloat)]
      const before = state()
      assert.throws(
        () => nat.do(operation, input()),
        (error) => error instanceof VpcError && says.test(error.message),
      )
      assert.deepEqual(state(), before)
    })

  test('a VLAN tag of an ethlink whose wire has public addresses', () => {
    assert.throws(() => ethlink.do('ethlinkVtagSet', u16(7)), /NAT vpcnat\d \(.*\) uses it, whose frames have no tag; wrap the VLAN/)
  })
})
