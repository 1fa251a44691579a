/**
 * Real packets between real namespaces, through every kind of device that the datapath has, by the programs that run
 * there.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dstKind, noDst, portFlag, segmentFlag, unwatched } from '#datapath/layout.ts'
import { deviceFeatures, openEthtool, setDeviceFeatures } from '#kernel/ethtool.ts'
import { macFrom } from '#wire/mac.ts'
import { Fabric, Host, Space } from './fabric.ts'
import { capture, kernelCounter, ping, tcpTransfer } from './traffic.ts'
import { addVxlanDevice, wireTo } from './vxlan-peer.ts'

const red = 5001
const alice = { mac: '02:00:00:00:00:01', segment: red, addresses: ['10.0.0.1', 'fd00::1'] }
const bob = { mac: '02:00:00:00:00:02', segment: red, addresses: ['10.0.0.2', 'fd00::2'] }
const carol = { mac: '02:00:00:00:00:03', segment: red, addresses: ['10.0.0.3', 'fd00::3'] }

async function assertPing(from: Space, ...addresses: string[]): Promise<void> {
  for (const address of addresses) {
    const { ok, text } = await ping(from, address)
    assert.ok(ok, text)
  }
}

/** Two hosts that know each other's guests: alice and bob on one, carol on the other. */
function neighbourhood(
  options: ConstructorParameters<typeof Fabric>[0] = {},
  { mtu = 1430, local = false } = {},
): { fabric: Fabric; guests: Record<'alice' | 'bob' | 'carol', Space> } {
  const fabric = new Fabric(options)
  const [port = 4789, otherPort = 4789] = options.ports ?? []
  try {
    for (const host of [fabric.a, fabric.b]) host.segment(red)
    const guests = {
      alice: fabric.a.guest({ ...alice, mtu, local }).space,
      bob: fabric.a.guest({ ...bob, mtu }).space,
      carol: fabric.b.guest({ ...carol, mtu }).space,
    }
    fabric.a.meet(fabric.b, { mtu: 1430, port: otherPort })
    fabric.b.meet(fabric.a, { mtu: 1430, port })
    return { fabric, guests }
  } catch (error) {
    fabric[Symbol.dispose]()
    throw error
  }
}

function switchOff(host: Host, device: string, feature: string): void {
  using ethtool = openEthtool(host.space.netns.fd)
  setDeviceFeatures(ethtool, host.space.ifindex(device), { [feature]: false })
  assert.equal(deviceFeatures(ethtool, host.space.ifindex(device)).get(feature)?.active, false)
}

/** Average bytes of a packet that a source sent: large when segments stayed whole. */
const averageSent = (host: Host, source: number): number => {
  const { txPackets, txBytes } = host.tables.stats.read(source)
  return txBytes / txPackets
}

describe('guests', () => {
  test('on one host and across two reach each other, over IPv4 and IPv6, with large segments whole', async () => {
    const { fabric, guests } = neighbourhood()
    using _ = fabric
    await assertPing(guests.alice, '10.0.0.2', 'fd00::2', '10.0.0.3', 'fd00::3')
    await assertPing(guests.carol, '10.0.0.1', 'fd00::2')
    await tcpTransfer(guests.alice, guests.bob, '10.0.0.2', 50)
    await tcpTransfer(guests.alice, guests.carol, 'fd00::3', 50)
    assert.ok(averageSent(fabric.a, 11) > 10_000, `to bob ${averageSent(fabric.a, 11)} bytes a packet`)
    assert.ok(averageSent(fabric.a, 1) > 10_000, `into the tunnel ${averageSent(fabric.a, 1)} bytes a packet`)
    assert.deepEqual(fabric.a.tables.drops.read(1), {})
  })

  test('do so over an IPv6 underlay, and when one mux listens on another port', async () => {
    for (const addresses of [
      ['2001:db8::1', '2001:db8::2'],
      ['192.0.2.1', '192.0.2.2'],
    ]) {
      const { fabric, guests } = neighbourhood({ addresses, ports: [4789, 8472] })
      using _ = fabric
      const blind = await ping(guests.alice, '10.0.0.3', { count: 1 })
      assert.equal(blind.ok, false, 'nobody listens on the port of the own mux')
      for (const host of [fabric.a, fabric.b]) host.attach('ethlink-egress', host.space.ifindex('wire'))
      await assertPing(guests.alice, '10.0.0.3', 'fd00::3')
      await assertPing(guests.carol, '10.0.0.1', 'fd00::1')
      await tcpTransfer(guests.alice, guests.carol, '10.0.0.3', 30)
      await tcpTransfer(guests.carol, guests.alice, 'fd00::1', 30)
    }
  })

  test("reach a unit that is in the host's own namespace", async () => {
    const { fabric, guests } = neighbourhood({}, { local: true })
    using _ = fabric
    await assertPing(guests.bob, '10.0.0.1', 'fd00::1')
    await assertPing(guests.carol, '10.0.0.1', 'fd00::1')
    await tcpTransfer(guests.carol, fabric.a.space, '10.0.0.1', 30)
    await tcpTransfer(guests.bob, fabric.a.space, 'fd00::1', 30)
  })

  test('do not hear what is in another segment', async () => {
    const { fabric, guests } = neighbourhood()
    using _ = fabric
    fabric.a.segment(5002)
    const mallory = fabric.a.guest({ mac: '02:00:00:00:00:66', segment: 5002, addresses: ['10.0.0.9'] }).space
    const heard = await capture(guests.alice, 'eth0', 'ether src 02:00:00:00:00:66')
    mallory.exec('ip', 'neigh', 'add', '10.0.0.1', 'lladdr', alice.mac, 'dev', 'eth0')
    assert.equal((await ping(mallory, '10.0.0.1', { count: 1 })).ok, false)
    assert.equal((await ping(mallory, '10.0.0.3', { count: 1 })).ok, false)
    assert.match(await heard.stop(), /\b0 packets captured/)
  })
})

describe('a way that is narrower than the guest thinks', () => {
  const ways = [
    ['IPv4', '10.0.0.3', 1200, true],
    ['IPv6', 'fd00::3', 1300, true],
    ['IPv4', '10.0.0.3', 1200, false],
    ['IPv6', 'fd00::3', 1300, false],
  ] as const
  for (const [family, address, mtu, offload] of ways) {
    test(`is told, and TCP finds it: ${family}, ${offload ? 'with' : 'without'} checksum offload to the guest`, async () => {
      const { fabric, guests } = neighbourhood({}, { mtu: 1430 })
      using _ = fabric
      fabric.a.meet(fabric.b, { mtu })
      // Without it, the kernel writes into what the error quotes, after the error's checksum was made: see
      // bpf/lib/partial.h.
      if (!offload) switchOff(fabric.a, 'hostif0-sw', 'tx-checksum-ip-generic')
      const errors = await capture(guests.alice, 'eth0', 'icmp or (icmp6 and ip6[40] = 2)')
      // The first thing that does not fit is a large segment whose checksum is still to be filled in.
      await tcpTransfer(guests.alice, guests.carol, address, 20)
      const text = await errors.stop()
      assert.match(text, family === 'IPv4' ? /need to frag \(mtu 1200\)/ : /packet too big, mtu 1300/)
      assert.doesNotMatch(text, /wrong icmp|bad icmp6/)
      const large = await ping(guests.alice, address, { bytes: mtu, count: 1 })
      assert.equal(large.ok, false)
      assert.match(large.text, /mtu[ =:]*1[23]00/)
      assert.ok(fabric.a.tables.stats.read(10).tooBig > 0)
      for (const name of ['IcmpInCsumErrors', 'Icmp6InCsumErrors']) assert.equal(kernelCounter(guests.alice, name), 0)
    })
  }

  test('is told back through the tunnel', async () => {
    const { fabric, guests } = neighbourhood({}, { mtu: 1430 })
    using _ = fabric
    fabric.b.tables.fdb.set({ segment: red, mac: macFrom(carol.mac) }, { ...fabric.b.guests[0]!.dst, mtu: 1300 })
    const large = await ping(guests.alice, '10.0.0.3', { bytes: 1350, count: 1 })
    assert.match(large.text, /Frag needed and DF set \(mtu = 1300\)/)
    assert.match((await ping(guests.alice, 'fd00::3', { bytes: 1350, count: 1 })).text, /Packet too big: mtu=1300/)
    await tcpTransfer(guests.alice, guests.carol, '10.0.0.3', 10)
    assert.ok(fabric.b.tables.stats.read(1).tooBig >= 2)
  })
})

describe('a wrapped interface', () => {
  test("joins a station on the wire to the segment, and stays the host's", async () => {
    using host = new Host('192.0.2.1')
    using station = new Space()
    host.space.netlink.createVeth({ name: 'wire', up: true, peer: { name: 'wire', netnsFd: station.netns.fd } })
    station.netlink.setLink(station.ifindex('wire'), { up: true })
    host.space.exec('ip', 'addr', 'add', '10.0.0.200/24', 'dev', 'wire')
    for (const address of ['10.0.0.100/24', 'fd00::100/64']) station.exec('ip', 'addr', 'add', address, 'dev', 'wire', 'nodad')
    const wire = host.space.ifindex('wire')
    const uplink = { ...noDst, kind: dstKind.uplink, mtu: 1500, ifindex: wire, stats: 2 }
    host.tables.segments.set(red, { flags: segmentFlag.up | segmentFlag.floodUnknown, switchUnit: 0, uplink, ...unwatched })
    host.tables.ports.set(wire, {
      segment: red,
      flags: portFlag.up | portFlag.uplink,
      stats: 2,
      vlan: 0,
      mac: macFrom('02:00:00:00:00:ee'),
      broadcastRate: 0,
      vpc: 1,
    })
    host.attach('ethlink', wire)
    const guest = host.guest({ ...alice, mtu: 1500 })
    host.tables.flood.set({ segment: red, page: 0 }, { count: 2, more: 0, dst: [guest.dst, uplink] })

    await assertPing(guest.space, '10.0.0.100', 'fd00::100')
    await assertPing(station, '10.0.0.1', 'fd00::1')
    await assertPing(station, '10.0.0.200')
    await assertPing(host.space, '10.0.0.100')
    await tcpTransfer(guest.space, station, '10.0.0.100', 30)
    await tcpTransfer(station, guest.space, 'fd00::1', 30)
    await tcpTransfer(station, host.space, '10.0.0.200', 10)
    // The station knows from the host whom the guest's address belongs to.
    assert.match(station.exec('ip', 'neigh', 'show', '10.0.0.1'), new RegExp(alice.mac))
  })
})

describe("the kernel's own VXLAN device", () => {
  test('on the other end speaks with our guests, both ways', async () => {
    using host = new Host('192.0.2.1')
    using peer = new Space()
    wireTo(host, peer)
    host.listen()
    host.segment(red, segmentFlag.up | segmentFlag.floodUnknown)
    const guest = host.guest({ ...alice, mtu: 1450 })
    addVxlanDevice(peer, red)
    const vtep = { family: 4, port: 0, addr: Uint8Array.of(192, 0, 2, 2) }
    const dst = { ...noDst, kind: dstKind.remote, mtu: 1450, ifindex: host.mux, stats: 1, vtep }
    host.tables.fdb.set({ segment: red, mac: macFrom('02:00:00:00:00:99') }, dst)
    host.tables.flood.set({ segment: red, page: 0x80000000 }, { count: 1, more: 0, dst: [dst] })

    await assertPing(guest.space, '10.0.0.99', 'fd00::99')
    await assertPing(peer, '10.0.0.1', 'fd00::1')
    await tcpTransfer(guest.space, peer, '10.0.0.99', 30)
    await tcpTransfer(peer, guest.space, 'fd00::1', 30)
  })
})
