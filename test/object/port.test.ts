/** Switches and ports: places of units, the tables' contents, and refusals. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { generateId, idBytes, type Id } from '#abi/id.ts'
import type { PortInfo, SwitchInfo } from '#abi/info.ts'
import { fteFlag } from '#abi/layouts.ts'
import { dstFlag, dstKind, portFlag, segmentFlag, vpcOfSwitch, segmentLocal } from '#datapath/layout.ts'
import { macFrom } from '#wire/mac.ts'
import { addresses, entry, neighbour, text, u16, u64, vni } from './inputs.ts'
import { refused, ScratchHost, type Opened } from './scratch-host.ts'
import { world } from './world.ts'

const VNI = 5001

function makeSwitch(host: ScratchHost, number = VNI): Opened {
  const sw = host.create('vpcsw')
  sw.do('vpcswVniSet', vni(number))
  return sw
}

const further = (...macs: string[]): Uint8Array => Buffer.concat(macs.map(macFrom))

function addPort(host: ScratchHost, sw: Opened, id: Id = generateId('vpcp')): Opened {
  sw.do('vpcswPortAdd', idBytes(id))
  return host.open('vpcp', id)
}

describe('a port', () => {
  test('carries the frames of its unit while it is in a switch', async () => {
    await using host = new ScratchHost()
    const sw = makeSwitch(host)
    const port = addPort(host, sw)
    const hostif = host.create('hostif')
    const { tables } = host.datapath
    assert.equal(port.describe<PortInfo>().vni, VNI)
    port.do('vpcpConnect', idBytes(hostif.id))
    const side = host.netlink.linkByName('sw-hostif0')!.ifindex
    const { mac } = hostif.handle.object!
    assert.deepEqual(tables.ports.get(side), {
      segment: VNI,
      flags: portFlag.up | portFlag.antispoof,
      stats: 0,
      vlan: 0,
      mac,
      broadcastRate: 2000,
      vpc: vpcOfSwitch(sw.handle.object!.unit),
    })
    port.do('vpcpBroadcastRateSet', new Uint8Array(Uint32Array.of(300).buffer))
    assert.equal(tables.ports.get(side)?.broadcastRate, 300)
    assert.equal(tables.fdb.get({ segment: VNI, mac })?.kind, dstKind.local)
    assert.equal(tables.flood.get({ segment: VNI, page: 0 })?.count, 1)
    assert.deepEqual(tables.segments.get(VNI)?.flags, segmentFlag.up)
    port.do('vpcpDisconnect', idBytes(hostif.id))
    assert.deepEqual([...tables.ports.entries(), ...tables.fdb.entries(), ...tables.flood.entries()], [])
  })

  test('refuses a second interface, and an interface a second port', async () => {
    await using host = new ScratchHost()
    const sw = makeSwitch(host)
    const [first, second] = [addPort(host, sw), addPort(host, sw)]
    const [one, two] = [host.create('hostif'), host.create('vmnic')]
    first.do('vpcpConnect', idBytes(one.id))
    const again = refused(() => first.do('vpcpConnect', idBytes(one.id)))
    assert.deepEqual(again, { code: 'EISCONN', message: 'cannot connect hostif0 to port vpcp0: they are connected already' })
    const taken = refused(() => first.do('vpcpConnect', idBytes(two.id)))
    assert.equal(taken.code, 'EBUSY')
    assert.equal(taken.message, `cannot connect vmnic0 to port vpcp0: the port has hostif0 (${one.id}) in it; disconnect that first`)
    const busy = refused(() => second.do('vpcpConnect', idBytes(one.id)))
    assert.equal(
      busy.message,
      `cannot connect hostif0 to port vpcp1: it is connected to port vpcp0 (${first.id}); disconnect it there first`,
    )
    second.do('vpcpDisconnect', idBytes(one.id))
    assert.equal(refused(() => first.do('vpcpDisconnect', idBytes(two.id))).code, 'ENOTCONN')
    assert.equal(refused(() => second.do('vpcpPeerGet')).code, 'ENOTCONN')
    assert.deepEqual(Buffer.from(first.do('vpcpPeerGet')), Buffer.from(idBytes(one.id)))
    assert.equal(refused(() => second.do('vpcpConnect', idBytes(generateId('hostif')))).code, 'ENOENT')
    assert.equal(refused(() => second.do('vpcpConnect', idBytes(sw.id))).code, 'EINVAL')
    const { code, message } = refused(() => second.do('vpcpConnect', idBytes(generateId('vpcmux'))))
    assert.equal(code, 'EOPNOTSUPP', message)
  })

  test('is in one switch at most, and takes its VNI', async () => {
    await using host = new ScratchHost()
    const [red, blue] = [makeSwitch(host, 5001), makeSwitch(host, 6001)]
    const port = addPort(host, red)
    assert.equal(refused(() => red.do('vpcswPortAdd', idBytes(port.id))).code, 'EEXIST')
    const other = refused(() => blue.do('vpcswPortAdd', idBytes(port.id)))
    assert.deepEqual([other.code, /it is in switch vpcsw0/.test(other.message)], ['EBUSY', true])
    assert.equal(refused(() => blue.do('vpcswPortDelete', idBytes(port.id))).code, 'ENOENT')
    red.do('vpcswPortDelete', idBytes(port.id))
    blue.do('vpcswPortAdd', idBytes(port.id))
    assert.equal(port.describe<PortInfo>().vni, 6001)
  })

  test('is on a VNI that no other switch has', async () => {
    await using host = new ScratchHost()
    const [red, blue] = [makeSwitch(host, 5001), makeSwitch(host, 6001)]
    const port = addPort(host, red)
    port.do('vpcpVniSet', vni(5002))
    const set = refused(() => addPort(host, blue).do('vpcpVniSet', vni(5002)))
    assert.equal(set.code, 'EADDRINUSE')
    assert.match(
      set.message,
      /^cannot put port vpcp1 on VNI 5002: VNI 5002 belongs to switch vpcsw0 \(.*\): port vpcp0 \(.*\) is on it; choose another with --vni$/,
    )
    assert.match(refused(() => blue.do('vpcswVniSet', vni(5001))).message, /it is the VNI that its ports get/)
    const number = generateId('vpcp')
    const own = host.create('vpcp', number)
    own.do('vpcpVniSet', vni(5001))
    assert.match(
      refused(() => blue.do('vpcswPortAdd', idBytes(number))).message,
      /^cannot add port .* to switch vpcsw1: VNI 5001 belongs to switch vpcsw0/,
    )
    red.do('vpcswNeighbourSet', neighbour(5009, '10.0.0.1'))
    assert.match(refused(() => blue.do('vpcswVniSet', vni(5009))).message, /it has neighbours on it/)
    assert.equal(refused(() => blue.do('vpcswNeighbourSet', neighbour(5001, '10.0.0.1'))).code, 'EADDRINUSE')
    red.do('vpcswReset')
    blue.do('vpcswVniSet', vni(5009))
    port.do('vpcpVniSet', vni(5001))
    blue.do('vpcswVniSet', vni(5002))
  })

  test('VNI 0 is every switch’s own', async () => {
    await using host = new ScratchHost()
    const { tables } = host.datapath
    const mac = macFrom('02:00:00:00:00:01')
    for (const unit of [0, 1]) {
      const port = addPort(host, host.create('vpcsw'))
      const hostif = host.create('hostif')
      hostif.do('metaMacSet', mac)
      port.do('vpcpConnect', idBytes(hostif.id))
      assert.equal(tables.fdb.get({ segment: segmentLocal + unit, mac })?.kind, dstKind.local)
      assert.equal(tables.segments.get(segmentLocal + unit)?.switchUnit, unit)
    }
  })

  test('has a unit whose MAC is alone in its VNI', async () => {
    await using host = new ScratchHost()
    const sw = makeSwitch(host)
    const mac = macFrom('02:00:00:00:00:01')
    const [one, two] = [host.create('hostif'), host.create('vmnic')]
    one.do('metaMacSet', mac)
    addPort(host, sw).do('vpcpConnect', idBytes(one.id))
    const port = addPort(host, sw)
    port.do('vpcpConnect', idBytes(two.id))
    const twin = refused(() => two.do('metaMacSet', mac))
    assert.equal(twin.code, 'EEXIST')
    assert.match(
      twin.message,
      /^cannot give vmnic0 MAC 02:00:00:00:00:01: VNI 5001 has a unit with MAC 02:00:00:00:00:01 already: hostif0 /,
    )
    port.do('vpcpVniSet', vni(5002))
    two.do('metaMacSet', mac)
    assert.equal(refused(() => port.do('vpcpVniSet', vni(5001))).code, 'EEXIST')
    assert.deepEqual(host.netlink.linkByName('vmnic0')?.mac, mac)
    assert.equal(refused(() => two.do('metaMacSet', macFrom('01:00:00:00:00:01'))).code, 'EINVAL')
    assert.equal(refused(() => two.do('metaMacSet', macFrom('00:00:00:00:00:00'))).code, 'EINVAL')
  })

  test('its settings are in the tables', async () => {
    await using host = new ScratchHost()
    const sw = makeSwitch(host)
    const port = addPort(host, sw)
    const vmnic = host.create('vmnic')
    port.do('vpcpConnect', idBytes(vmnic.id))
    const { tables } = host.datapath
    const { ifindex } = host.netlink.linkByName('vmnic0')!
    port.do('vpcpVlanSet', u16(7))
    port.do('vpcpAddressesSet', addresses('10.0.0.1', 'fd00::1'))
    assert.equal(tables.ports.get(ifindex)?.vlan, 7)
    assert.equal(tables.ports.get(ifindex)?.flags, portFlag.up | portFlag.antispoof | portFlag.addresses)
    assert.equal(tables.portAddresses.entries().length, 2)
    assert.deepEqual(port.describe<PortInfo>().addresses, ['10.0.0.1', 'fd00::1'])
    assert.deepEqual(Buffer.from(port.do('vpcpAddressesGet')), Buffer.from(addresses('10.0.0.1', 'fd00::1')))
    port.do('vpcpAddressesSet', addresses('10.0.0.2'))
    assert.equal(tables.portAddresses.entries().length, 1)
    port.do('vpcpAntispoofSet', u16(0))
    sw.do('vpcswUpSet', u64(0n))
    assert.equal(tables.ports.get(ifindex)?.flags, portFlag.addresses)
    assert.equal(tables.segments.get(VNI)?.flags, 0)
    sw.do('vpcswFloodUnknownSet', u16(1))
    assert.equal(tables.segments.get(VNI)?.flags, segmentFlag.floodUnknown)
    for (const bad of ['0.0.0.0', '224.0.0.1', '255.255.255.255', '::', 'ff02::1']) {
      assert.match(
        refused(() => port.do('vpcpAddressesSet', addresses('10.0.0.3', bad))).message,
        /is not an address that a unit can send from/,
      )
    }
    assert.equal(refused(() => port.do('vpcpAddressesSet', new Uint8Array(17))).code, 'EINVAL')
    assert.equal(refused(() => port.do('vpcpVlanSet', u16(4096))).code, 'EINVAL')
    assert.equal(refused(() => port.do('vpcpAntispoofSet', u16(2))).code, 'EINVAL')
    port.do('vpcpAddressesSet', addresses())
    assert.equal(tables.portAddresses.entries().length, 0)
  })
})

describe('what a port lets pass', () => {
  test('is told to the programs', async () => {
    await using host = new ScratchHost()
    const port = addPort(host, makeSwitch(host))
    port.do('vpcpConnect', idBytes(host.create('vmnic').id))
    const { ifindex } = host.netlink.linkByName('vmnic0')!
    const flags = (): number | undefined => host.datapath.tables.ports.get(ifindex)?.flags
    const usual = portFlag.up | portFlag.antispoof
    port.do('vpcpAnyEthertypeSet', u16(1))
    assert.equal(flags(), usual | portFlag.ethertypes)
    port.do('vpcpVrrpSet', u16(1))
    port.do('vpcpAnyEthertypeSet', u16(0))
    assert.equal(flags(), usual | portFlag.vrrp)
    assert.equal(refused(() => port.do('vpcpVrrpSet', u16(2))).code, 'EINVAL')
    port.do('vpcpMacsSet', further('02:00:00:00:09:01'))
    assert.equal(flags(), usual | portFlag.vrrp | portFlag.macs)
    const { anyEthertype, vrrp, macs } = port.describe<PortInfo>()
    assert.deepEqual([anyEthertype, vrrp, macs], [false, true, ['02:00:00:00:09:01']])
  })

  test('is further MACs, each an entry that leads to the unit, and one place for broadcasts', async () => {
    await using host = new ScratchHost()
    const sw = makeSwitch(host)
    const [port, other] = [addPort(host, sw), addPort(host, sw)]
    const [vmnic, twin] = [host.create('vmnic'), host.create('vmnic')]
    port.do('vpcpConnect', idBytes(vmnic.id))
    other.do('vpcpConnect', idBytes(twin.id))
    const { tables } = host.datapath
    const { ifindex } = host.netlink.linkByName('vmnic0')!
    const leadsTo = (mac: string): number | undefined => tables.fdb.get({ segment: VNI, mac: macFrom(mac) })?.ifindex
    port.do('vpcpMacsSet', further('02:00:00:00:09:01', '02:00:00:00:09:02', '02:00:00:00:09:01'))
    assert.deepEqual(port.describe<PortInfo>().macs, ['02:00:00:00:09:01', '02:00:00:00:09:02'])
    assert.deepEqual([leadsTo('02:00:00:00:09:01'), leadsTo('02:00:00:00:09:02')], [ifindex, ifindex])
    assert.equal(tables.flood.get({ segment: VNI, page: 0 })?.count, 2)
    // A MAC has one place in a VNI.
    const taken = refused(() => other.do('vpcpMacsSet', further('02:00:00:00:09:02')))
    assert.match(
      taken.message,
      /^cannot set the further MACs of port vpcp1: VNI 5001 has a unit with MAC 02:00:00:00:09:02 already: vmnic0 /,
    )
    const own = refused(() => other.do('vpcpMacsSet', vmnic.handle.object!.mac))
    assert.equal(own.code, 'EEXIST')
    port.do('vpcpMacsSet', further('02:00:00:00:09:02'))
    assert.deepEqual([leadsTo('02:00:00:00:09:01'), leadsTo('02:00:00:00:09:02')], [undefined, ifindex])
    port.do('vpcpVniSet', vni(VNI + 1))
    assert.equal(leadsTo('02:00:00:00:09:02'), undefined)
    assert.equal(tables.fdb.get({ segment: VNI + 1, mac: macFrom('02:00:00:00:09:02') })?.ifindex, ifindex)
    port.do('vpcpDisconnect', idBytes(vmnic.id))
    assert.deepEqual(
      tables.fdb.entries().map(([, { stats }]) => stats),
      [1],
    )
  })

  test('is not more MACs than 16, nor such as no station has', async () => {
    await using host = new ScratchHost()
    const port = addPort(host, makeSwitch(host))
    const many = Array.from({ length: 17 }, (_, i) => `02:00:00:00:09:${i.toString(16).padStart(2, '0')}`)
    const { code, message } = refused(() => port.do('vpcpMacsSet', further(...many)))
    assert.deepEqual([code, /a port takes 16 further MACs, not 17/.test(message)], ['E2BIG', true])
    port.do('vpcpMacsSet', further(...many.slice(1)))
    for (const bad of [further('01:00:00:00:00:01'), further('00:00:00:00:00:00'), new Uint8Array(7)])
      assert.equal(refused(() => port.do('vpcpMacsSet', bad)).code, 'EINVAL')
  })
})

describe('an uplink', () => {
  test('serves the VNI of its port, with the vtag of its ethlink, and makes the interface promiscuous for as long', async () => {
    await using host = new ScratchHost()
    const ifindex = host.addInterface('wire0')
    const promisc = (): boolean => (host.netlink.linkByIndex(ifindex)!.flags & 0x100) !== 0
    const sw = makeSwitch(host)
    const port = addPort(host, sw)
    const ethlink = host.create('ethlink')
    const { tables } = host.datapath
    ethlink.do('ethlinkVtagSet', u16(12))
    port.do('vpcpConnect', idBytes(ethlink.id))
    sw.do('vpcswUplinkSet', idBytes(port.id))
    sw.do('vpcswUplinkSet', idBytes(port.id))
    assert.equal(tables.segments.get(VNI)?.uplink.kind, dstKind.none)
    ethlink.do('ethlinkConnect', text('wire0'))
    assert.deepEqual([tables.segments.get(VNI)?.uplink.ifindex, tables.segments.get(VNI)?.uplink.vlan, promisc()], [ifindex, 12, true])
    assert.equal(tables.ports.get(ifindex)?.flags, portFlag.up | portFlag.uplink)
    assert.equal(tables.ports.get(ifindex)?.vlan, 12)
    assert.equal(tables.flood.get({ segment: VNI, page: 0 })?.dst[0]?.kind, dstKind.uplink)
    assert.deepEqual(
      host.programs().map(({ pinName }) => pinName),
      ['ethlink0'],
    )
    port.do('vpcpVniSet', vni(5002))
    assert.equal(tables.segments.get(5002)?.uplink.ifindex, ifindex)
    assert.equal(tables.segments.get(VNI)?.uplink.kind, dstKind.none)
    sw.do('vpcswPortDelete', idBytes(port.id))
    assert.deepEqual([promisc(), host.programs(), tables.ports.entries(), sw.describe<SwitchInfo>().uplink], [false, [], [], null])
  })

  test('leaves an interface promiscuous that was so before', async () => {
    await using host = new ScratchHost()
    const ifindex = host.addInterface('wire0')
    host.netlink.setLink(ifindex, { promisc: true })
    const sw = makeSwitch(host)
    const port = addPort(host, sw)
    const ethlink = host.create('ethlink')
    ethlink.do('ethlinkConnect', text('wire0'))
    port.do('vpcpConnect', idBytes(ethlink.id))
    sw.do('vpcswUplinkSet', idBytes(port.id))
    ethlink.do('metaDestroy')
    assert.notEqual(host.netlink.linkByIndex(ifindex)!.flags & 0x100, 0)
  })

  test('is one port of the switch, with an ethlink in it', async () => {
    await using host = new ScratchHost()
    const sw = makeSwitch(host)
    const [first, second] = [addPort(host, sw), addPort(host, sw)]
    assert.equal(refused(() => sw.do('vpcswUplinkGet')).code, 'ENOENT')
    const hostif = host.create('hostif')
    first.do('vpcpConnect', idBytes(hostif.id))
    assert.match(refused(() => sw.do('vpcswUplinkSet', idBytes(first.id))).message, /an uplink takes an ethlink/)
    sw.do('vpcswUplinkSet', idBytes(second.id))
    assert.deepEqual(Buffer.from(sw.do('vpcswUplinkGet')), Buffer.from(idBytes(second.id)))
    first.do('vpcpDisconnect', idBytes(hostif.id))
    assert.match(refused(() => second.do('vpcpConnect', idBytes(hostif.id))).message, /the port is the uplink of its switch/)
    const other = refused(() => sw.do('vpcswUplinkSet', idBytes(first.id)))
    assert.deepEqual([other.code, /its uplink is port vpcp1/.test(other.message)], ['EEXIST', true])
    assert.equal(refused(() => sw.do('vpcswUplinkSet', idBytes(generateId('vpcp')))).code, 'ENOENT')
  })
})

describe('neighbours', () => {
  test('are set and deleted wholly or not at all', async () => {
    await using host = new ScratchHost()
    const sw = makeSwitch(host)
    const { tables } = host.datapath
    const both = Buffer.concat([neighbour(VNI, '10.0.0.1'), neighbour(VNI, 'fd00::1')])
    sw.do('vpcswNeighbourSet', both)
    assert.equal(tables.neighbours.entries().length, 2)
    assert.deepEqual(Buffer.from(sw.do('vpcswNeighbourList')), both)
    const missing = refused(() => sw.do('vpcswNeighbourDelete', Buffer.concat([neighbour(VNI, '10.0.0.1'), neighbour(VNI, '10.0.0.7')])))
    assert.deepEqual(missing, {
      code: 'ENOENT',
      message: 'cannot delete neighbours of switch vpcsw0: there is no neighbour 10.0.0.7 on VNI 5001',
    })
    assert.equal(tables.neighbours.entries().length, 2)
    for (const [bad, why] of [
      [neighbour(VNI, '10.0.0.2', '01:00:00:00:00:00'), /neighbour 2 of 2: the MAC of 10.0.0.2 is a multicast address/],
      [neighbour(VNI, '224.0.0.2'), /is not an address of a host/],
      [neighbour(1 << 24, '10.0.0.2'), /does not fit in 24 bits/],
    ] as const) {
      assert.match(refused(() => sw.do('vpcswNeighbourSet', Buffer.concat([neighbour(VNI, '10.0.0.3'), bad]))).message, why)
    }
    assert.equal(refused(() => sw.do('vpcswNeighbourSet', new Uint8Array(29))).code, 'EINVAL')
    sw.do('vpcswNeighbourDelete', neighbour(VNI, 'fd00::1'))
    assert.equal(tables.neighbours.entries().length, 1)
    sw.do('vpcswReset')
    assert.equal(tables.neighbours.entries().length, 0)
  })
})

describe('a held port', () => {
  test('is in no table that frames are sent by; an entry for its MAC holds until it is let go', async () => {
    await using host = new ScratchHost()
    const { port, hostif, mux } = world(host)
    const { mac } = hostif.handle.object!
    const { tables } = host.datapath
    const side = host.netlink.linkByName('sw-hostif0')!.ifindex
    const hex = Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':')
    mux.do('vpcmuxFteFlagsSet', entry(5001, hex, '192.0.2.9', 0, fteFlag.forward))
    assert.equal(tables.fdb.get({ segment: VNI, mac })?.kind, dstKind.local)
    port.do('vpcpHeldSet', u16(1))
    assert.deepEqual(port.do('vpcpHeldGet'), u16(1))
    assert.deepEqual([tables.ports.get(side)!.flags & portFlag.up, tables.ports.get(side)!.flags & portFlag.held], [0, portFlag.held])
    const away = tables.fdb.get({ segment: VNI, mac })!
    assert.deepEqual([away.kind, away.flags], [dstKind.remote, dstFlag.forward])
    await host.kill()
    host.start()
    assert.equal(host.open('vpcp', port.id).describe<PortInfo>().held, true)
    assert.equal(host.datapath.tables.fdb.get({ segment: VNI, mac })?.flags, dstFlag.forward)
    host.open('vpcp', port.id).do('vpcpHeldSet', u16(0))
    assert.equal(host.datapath.tables.fdb.get({ segment: VNI, mac })?.kind, dstKind.local)
  })

  test('is not an uplink, and an uplink is not held', async () => {
    await using host = new ScratchHost()
    const { sw, uplink, other } = world(host)
    assert.match(refused(() => uplink.do('vpcpHeldSet', u16(1))).message, /cannot hold port vpcp2: it is the uplink of its switch/)
    sw.do('vpcswPortDelete', idBytes(uplink.id))
    other.do('vpcpDisconnect', idBytes(other.describe<PortInfo>().peer!))
    other.do('vpcpHeldSet', u16(1))
    assert.match(refused(() => sw.do('vpcswUplinkSet', idBytes(other.id))).message, /the port is held; release it first/)
  })
})
