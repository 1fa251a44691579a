/**
 * The direct ways past the mux's vxlan device: when packets take them, and that the packets look the same on both.
 * tcpdump and the kernel's own stack judge checksums and lengths.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { dstKind, noDst, portFlag, segmentFlag } from '#datapath/layout.ts'
import { openEthtool, setDeviceFeatures } from '#kernel/ethtool.ts'
import { sendFrame } from '#kernel/packet-socket.ts'
import { createTap } from '#kernel/tap.ts'
import { checksum } from '#wire/checksum.ts'
import { udpFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { macFrom } from '#wire/mac.ts'
import { Fabric, type FabricOptions, Host, Space, vtepOf } from './fabric.ts'
import { Relay } from './relay.ts'
import { capture, kernelCounter, ping, tcpTransfer } from './traffic.ts'
import { addVxlanDevice, wireTo } from './vxlan-peer.ts'

const red = 5001
const alice = { mac: '02:00:00:00:00:01', segment: red, addresses: ['10.0.0.1', 'fd00::1'] }
const carol = { mac: '02:00:00:00:00:03', segment: red, addresses: ['10.0.0.3', 'fd00::3'] }
const toCarol = carol.addresses as [string, string]

/** Alice on one host, carol on another. */
function twoHosts({ mtu = 1450, wire = mtu + 50, ...more }: FabricOptions & { wire?: number } = {}): {
  fabric: Fabric
  alice: Space
  carol: Space
} {
  const fabric = new Fabric({ mtu: wire, ...more })
  try {
    for (const host of [fabric.a, fabric.b]) {
      host.segment(red)
      host.shortcut()
    }
    const guests = { alice: fabric.a.guest({ ...alice, mtu }).space, carol: fabric.b.guest({ ...carol, mtu }).space }
    fabric.a.meet(fabric.b, { mtu })
    fabric.b.meet(fabric.a, { mtu })
    return { fabric, ...guests }
  } catch (error) {
    fabric[Symbol.dispose]()
    throw error
  }
}

/** The outer source port of all these packets is one, of our range. */
function assertOneSourcePort(packets: readonly string[]): void {
  const ports = new Set(packets.map((packet) => Number(/192\.0\.2\.1\.(\d+) > /.exec(packet)?.[1])))
  assert.equal(ports.size, 1, [...ports].join(' '))
  assert.ok([...ports].every((port) => port >= 49152))
}

/** A UDP packet from alice to carol, or the first fragment of one. */
function udpToCarol(fragment: boolean): Uint8Array {
  const [src, dst] = [ipFrom(alice.addresses[0]!) as Ipv4, ipFrom(toCarol[0]) as Ipv4]
  const ends = { srcMac: macFrom(alice.mac), dstMac: macFrom(carol.mac), src, dst }
  const frame = udpFrame({ ...ends, srcPort: 1000, dstPort: 2000 }, new Uint8Array(64))
  const view = new DataView(frame.buffer, frame.byteOffset)
  if (fragment) view.setUint16(20, 0x2000)
  view.setUint16(24, 0)
  view.setUint16(24, checksum(frame.subarray(14, 34)))
  return frame
}

/** Packets that the mux's device has sent and received. */
function throughDevice({ space }: Host): { sent: number; received: number } {
  const [{ stats64 }] = JSON.parse(space.exec('ip', '-s', '-j', 'link', 'show', 'vpcmux0'))
  return { sent: stats64.tx.packets, received: stats64.rx.packets }
}

interface Way {
  readonly device: number
  readonly all: number
}

/**
 * What each host sent and received while something went on: by the device, before the kernel made large segments of it,
 * and in all.
 */
async function waysOf(fabric: Fabric, traffic: () => Promise<void>): Promise<{ readonly sent: Way; readonly received: Way }[]> {
  const look = () => [fabric.a, fabric.b].map((host) => ({ ...throughDevice(host), ...host.tables.stats.read(1) }))
  const before = look()
  await traffic()
  return look().map((after, i) => ({
    sent: { device: after.sent - before[i]!.sent, all: after.txPackets - before[i]!.txPackets },
    received: { device: after.received - before[i]!.received, all: after.rxPackets - before[i]!.rxPackets },
  }))
}

/** Nearly all passed without the device. */
function assertDirect(...ways: readonly Way[]): void {
  for (const way of ways) assert.ok(way.all > 20 && way.device < way.all / 5 + 10, JSON.stringify(ways))
}

const segmentation = [
  'tx-tcp-segmentation',
  'tx-tcp6-segmentation',
  'tx-generic-segmentation',
  'tx-udp_tnl-segmentation',
  'tx-checksum-ip-generic',
]

/** An interface as a plain NIC: the kernel cuts segments and fills in checksums before it. */
function offloadsOff({ space }: Host | { space: Space }, device = 'wire'): void {
  using ethtool = openEthtool(space.netns.fd)
  setDeviceFeatures(ethtool, space.ifindex(device), Object.fromEntries(segmentation.map((name) => [name, false])))
}

/** tcpdump found nothing wrong, and nothing longer than the wire takes. */
function assertClean(text: string, mtu: number): void {
  const lengths = [...text.matchAll(/ethertype IPv4 \(0x0800\), length (\d+): /g)].map(([, length]) => Number(length))
  assert.ok(lengths.length > 100, `only ${lengths.length} packets`)
  assert.ok(Math.max(...lengths) > mtu - 50, `the longest has ${Math.max(...lengths)} bytes`)
  assert.ok(Math.max(...lengths) <= mtu + 14, `the longest has ${Math.max(...lengths)} bytes`)
  assert.deepEqual(
    text
      .split('\n')
      .filter((line) => /\b(bad|incorrect|wrong|truncated)/.test(line))
      .slice(0, 5),
    [],
  )
}

function assertNoErrors(...spaces: Space[]): void {
  for (const space of spaces)
    for (const name of ['TcpInCsumErrors', 'UdpInCsumErrors', 'Udp6InCsumErrors']) assert.equal(kernelCounter(space, name), 0, name)
}

describe('packets between hosts', () => {
  for (const mtu of [1450, 8950])
    test(`go the direct way, at MTU ${mtu}`, async () => {
      const { fabric, alice: from, carol: to } = twoHosts({ mtu })
      using _ = fabric
      for (const address of toCarol) {
        await ping(from, address)
        const ways = await waysOf(fabric, () => tcpTransfer(from, to, address, 100))
        assertDirect(...ways.flatMap(({ sent, received }) => [sent, received]))
      }
      assertNoErrors(from, to)
    })

  for (const mtu of [1450, 8950])
    test(`are cut and summed right for an interface that does neither, at MTU ${mtu}`, async () => {
      const { fabric, alice: from, carol: to } = twoHosts({ mtu })
      using _ = fabric
      for (const host of [fabric.a, fabric.b]) offloadsOff(host)
      for (const address of toCarol) {
        await ping(from, address)
        const wire = await capture(fabric.b.space, 'wire', 'udp port 4789')
        const [a, b] = await waysOf(fabric, () => tcpTransfer(from, to, address, 4))
        assertClean(await wire.stop(), mtu + 50)
        assertDirect(a!.sent, a!.received, b!.sent, b!.received)
      }
      assertNoErrors(from, to)
    })

  test('that are bulk and come one by one are made large segments again, in order', async () => {
    const { fabric, alice: from, carol: to } = twoHosts()
    using _ = fabric
    for (const host of [fabric.a, fabric.b]) offloadsOff(host)
    for (const [address, counter] of [
      [toCarol[0], 'IpInReceives'],
      [toCarol[1], 'Ip6InReceives'],
    ] as const) {
      await ping(from, address)
      const look = () => ({ early: kernelCounter(to, 'TcpExtTCPOFOQueue'), arrived: kernelCounter(to, counter) })
      const before = look()
      const [, b] = await waysOf(fabric, () => tcpTransfer(from, to, address, 100))
      const after = look()
      assertDirect(b!.received)
      const arrived = after.arrived - before.arrived
      assert.ok(b!.received.all > 50_000 && arrived < b!.received.all / 3, `${arrived} of ${b!.received.all}`)
      // A queue that overflows loses a packet, and what follows is early until that is sent again.
      assert.ok(after.early - before.early < arrived / 4, `${after.early - before.early} of ${arrived} early`)
    }
    assertNoErrors(from, to)
  })

  // Kernels differ in what they make of a hash and a range: the device of the second has another range, so that it
  // would choose another port.
  for (const [what, sourcePorts] of [
    ['the range of ours', undefined],
    ['a range of its own', [2000, 3000]],
  ] as const)
    test(`of one flow have one source port, by the device with ${what} and without`, async () => {
      const { fabric, alice: from } = twoHosts(sourcePorts && { sourcePorts })
      using _ = fabric
      const wire = await capture(fabric.a.space, 'wire', 'udp and src host 192.0.2.1')
      from.exec('ping', '-n', '-i', '0.02', '-c', '30', '10.0.0.3')
      const text = await wire.stop()
      const { sent } = throughDevice(fabric.a)
      assert.ok(sent > 0 && sent < 30, `${sent} of 30 by the device`)
      const requests = text.split(/^(?=\d\d:\d\d:\d\d\.)/m).filter((packet) => packet.includes('10.0.0.1 > 10.0.0.3'))
      assert.equal(requests.length, 30)
      assertOneSourcePort(requests)
    })

  // Frames of a packet socket bring no hash of their flow along, as those of a virtual machine.
  test('of one UDP flow without a hash have one source port, whole or fragments, by the device and without', async () => {
    const { fabric, alice: from } = twoHosts({ sourcePorts: [2000, 3000] })
    using _ = fabric
    for (const fragment of [false, true]) {
      const [frame, before] = [udpToCarol(fragment), throughDevice(fabric.a).sent]
      const wire = await capture(fabric.a.space, 'wire', 'udp and src host 192.0.2.1')
      for (let i = 0; i < 30; i++) {
        from.netns.run(() => sendFrame(from.ifindex('eth0'), frame))
        await sleep(20)
      }
      const text = await wire.stop()
      const sent = throughDevice(fabric.a).sent - before
      assert.ok(sent > 0 && sent < 30, `${sent} of 30 by the device`)
      const packets = text.split(/^(?=\d\d:\d\d:\d\d\.)/m).filter((packet) => packet.includes('10.0.0.1.1000 > 10.0.0.3.2000'))
      assert.equal(packets.length, 30)
      assertOneSourcePort(packets)
    }
  })

  test('that are longer than the interface takes go the way that fragments', async () => {
    const { fabric, alice: from } = twoHosts({ mtu: 1450, wire: 1400 })
    using _ = fabric
    assert.ok((await ping(from, '10.0.0.3', { bytes: 56 })).ok)
    const wire = await capture(fabric.a.space, 'wire', 'host 192.0.2.2')
    assert.ok((await ping(from, '10.0.0.3', { bytes: 1422, count: 3 })).ok)
    const lengths = [...(await wire.stop()).matchAll(/ethertype IPv4 \(0x0800\), length (\d+): /g)].map(([, length]) => Number(length))
    assert.ok(Math.max(...lengths) <= 1414, lengths.join(' '))
  })

  test('heed a route that allows less than its interface', async () => {
    const { fabric, alice: from } = twoHosts()
    using _ = fabric
    fabric.a.space.exec('ip', 'route', 'add', '192.0.2.2/32', 'dev', 'wire', 'mtu', '1300')
    // What was learned of the way before, by a guest's first multicast, holds for a second.
    await sleep(1100)
    assert.ok((await ping(from, '10.0.0.3')).ok)
    const wire = await capture(fabric.a.space, 'wire', 'src host 192.0.2.1')
    assert.ok((await ping(from, '10.0.0.3', { bytes: 1422, count: 3 })).ok)
    const lengths = [...(await wire.stop()).matchAll(/ethertype IPv4 \(0x0800\), length (\d+): /g)].map(([, length]) => Number(length))
    assert.ok(Math.max(...lengths) <= 1314, lengths.join(' '))
  })
})

describe('who has a say', () => {
  test("the host's firewall, within a second", async () => {
    const { fabric, alice: from } = twoHosts()
    using _ = fabric
    assert.ok((await ping(from, '10.0.0.3')).ok)
    const { space } = fabric.b
    space.exec('nft', 'add table ip t; add chain ip t c { type filter hook input priority 0; }; add rule ip t c udp dport 4789 drop')
    await sleep(1100)
    assert.equal((await ping(from, '10.0.0.3')).ok, false)
    space.exec('nft', 'delete table ip t')
    assert.ok((await ping(from, '10.0.0.3')).ok)
    fabric.a.space.exec(
      'nft',
      'add table ip t; add chain ip t c { type filter hook output priority 0; }; add rule ip t c udp dport 4789 drop',
    )
    await sleep(200)
    assert.equal((await ping(from, '10.0.0.3')).ok, false)
  })

  test('a neighbour that has another MAC now', async () => {
    const { fabric, alice: from } = twoHosts()
    using _ = fabric
    assert.ok((await ping(from, '10.0.0.3')).ok)
    fabric.b.space.exec('ip', 'link', 'set', 'wire', 'address', '02:00:00:00:99:99')
    fabric.a.space.exec('ip', 'neigh', 'flush', 'dev', 'wire')
    await sleep(200)
    assert.ok((await ping(from, '10.0.0.3')).ok)
  })

  test('a route by another interface, which is not the underlay', async () => {
    const { fabric, alice: from } = twoHosts()
    using _ = fabric
    assert.ok((await ping(from, '10.0.0.3')).ok)
    const peer = { name: 'other', netnsFd: fabric.b.space.netns.fd }
    fabric.a.space.netlink.createVeth({ name: 'other', up: true, peer })
    fabric.b.space.netlink.setLink(fabric.b.space.ifindex('other'), { up: true })
    fabric.a.space.exec('ip', 'addr', 'add', '198.51.100.1/24', 'dev', 'other')
    fabric.b.space.exec('ip', 'addr', 'add', '198.51.100.2/24', 'dev', 'other')
    fabric.a.space.exec('ip', 'route', 'add', '192.0.2.2/32', 'via', '198.51.100.2')
    for (const key of ['all', 'other', 'wire']) fabric.b.space.exec('sysctl', '-qw', `net.ipv4.conf.${key}.rp_filter=0`)
    await sleep(200)
    const other = await capture(fabric.a.space, 'other', 'udp port 4789')
    assert.ok((await ping(from, '10.0.0.3', { count: 5 })).ok)
    assert.match(await other.stop(), /[5-9] packets captured/)
  })
})

describe('a virtual machine', () => {
  for (const offload of [true, false])
    test(`gets large segments whole, and none that is taken for a tunnel, offloads ${offload ? 'on' : 'off'}`, async () => {
      using fabric = new Fabric()
      for (const host of [fabric.a, fabric.b]) {
        host.segment(red)
        host.shortcut()
        if (!offload) offloadsOff(host)
      }
      const from = fabric.a.guest({ ...alice, mtu: 1450 }).space
      using to = new Space()
      fabric.b.space.netns.run(() => createTap({ name: 'vmnic0' }))
      using relay = new Relay(fabric.b.space, 'vmnic0', to, 'eth0')
      const mac = macFrom(carol.mac)
      to.netlink.setLink(to.ifindex('eth0'), { mac, mtu: 1450, up: true })
      for (const [i, address] of carol.addresses.entries())
        to.exec('ip', 'addr', 'add', `${address}/${i ? 64 : 24}`, 'dev', 'eth0', ...(i ? ['nodad'] : []))
      const ifindex = fabric.b.space.ifindex('vmnic0')
      fabric.b.space.netlink.setLink(ifindex, { mtu: 1450, up: true })
      fabric.b.tables.ports.set(ifindex, {
        segment: red,
        flags: portFlag.up | portFlag.antispoof,
        stats: 20,
        vlan: 0,
        mac,
        broadcastRate: 0,
        vpc: 1,
      })
      fabric.b.attach('unit', ifindex)
      const dst = { ...noDst, kind: dstKind.local, mtu: 1450, ifindex, stats: 20 }
      const guest = { space: to, mac, addresses: [], dst, segment: red }
      fabric.b.knows(guest, dst)
      fabric.b.guests.push(guest)
      fabric.a.meet(fabric.b)
      fabric.b.meet(fabric.a)
      from.exec('ip', 'neigh', 'add', '10.0.0.3', 'lladdr', carol.mac, 'dev', 'eth0')
      from.exec('ip', 'neigh', 'add', 'fd00::3', 'lladdr', carol.mac, 'dev', 'eth0')
      for (const address of toCarol) {
        assert.ok((await ping(from, address)).ok)
        await tcpTransfer(from, to, address, 30)
      }
      const large = relay.delivered.filter(({ length }) => length > 1464)
      assert.ok(large.length > 100, `${large.length} of ${relay.delivered.length}`)
      // TCPv4 or TCPv6, of the size that the sender chose; no bit that says 'tunnelled'.
      for (const { gsoType, gsoSize, needsChecksum } of large)
        assert.deepEqual([gsoType === 1 || gsoType === 4, gsoSize <= 1410, needsChecksum], [true, true, true])
      assertNoErrors(to)
      assert.ok(throughDevice(fabric.a).sent < fabric.a.tables.stats.read(1).txPackets / 2, 'its sender goes the direct way')
    })
})

describe("the kernel's own VXLAN device", () => {
  for (const offload of [true, false])
    test(`gives and takes the same packets, offloads ${offload ? 'on' : 'off'}`, async () => {
      using host = new Host('192.0.2.1')
      using peer = new Space()
      wireTo(host, peer)
      host.listen()
      host.shortcut()
      host.segment(red, segmentFlag.up)
      const guest = host.guest({ ...alice, mtu: 1450 })
      addVxlanDevice(peer, red, offload ? 'udpcsum' : 'noudpcsum')
      for (const address of alice.addresses) peer.exec('ip', 'neigh', 'add', address, 'lladdr', alice.mac, 'dev', 'vx0')
      for (const address of ['10.0.0.99', 'fd00::99'])
        guest.space.exec('ip', 'neigh', 'add', address, 'lladdr', '02:00:00:00:00:99', 'dev', 'eth0')
      host.tables.fdb.set(
        { segment: red, mac: macFrom('02:00:00:00:00:99') },
        { ...noDst, kind: dstKind.remote, mtu: 1450, ifindex: host.mux, stats: 1, vtep: vtepOf('192.0.2.2') },
      )
      if (!offload) for (const space of [host.space, peer]) offloadsOff({ space })
      for (const [address, back] of [
        ['10.0.0.99', '10.0.0.1'],
        ['fd00::99', 'fd00::1'],
      ] as const) {
        assert.ok((await ping(guest.space, address)).ok)
        const wire = await capture(peer, 'wire', 'udp port 4789 and less 9000')
        await tcpTransfer(guest.space, peer, address, 10)
        await tcpTransfer(peer, guest.space, back, 10)
        const text = await wire.stop()
        if (!offload) assertClean(text, 1500)
      }
      assertNoErrors(guest.space, peer)
      const { sent, received } = throughDevice(host)
      const { txPackets, rxPackets } = host.tables.stats.read(1)
      assertDirect({ device: sent, all: txPackets }, { device: received, all: rxPackets })
    })
})
