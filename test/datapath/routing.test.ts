/** Routing: packets to the gateway's MAC, what becomes of each, and what the gateway says itself. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { routeKind, segmentOfVpc } from '#datapath/layout.ts'
import type { BenchResult } from '#datapath/test-bench.ts'
import { arpReply, arpRequest, echoFrame, ethernetFrame, gratuitousArp, ipFrame, patch, tcpFrame, udpFrame } from '#wire/frames.ts'
import { encodeIcmp, encodeIcmpv6 } from '#wire/icmp.ts'
import { ipFrom, isIpv6, toMapped, type Ip } from '#wire/ip-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { paddingExtension } from '#wire/ipv6.ts'
import { advertFlag } from '#wire/nd.ts'
import { concat } from '#wire/struct.ts'
import { encodeUdp } from '#wire/udp.ts'
import { neighbourAdvertisement, neighbourSolicitation } from '#wire/nd-frames.ts'
import { blue, dropped, expect, forwarded, gateway, red, Scene, stations, type Expectation } from './scene.ts'

const { a, b, far, free, other, stranger } = stations
const ports = { srcPort: 1000, dstPort: 80 }
/** A packet as `a` sends it to its gateway; as it arrives when `dstMac` says where. */
const packet = (src: Ip, dst: Ip, { ttl = 64, bytes = 10, dstMac = gateway.mac, srcMac = a.mac } = {}): Uint8Array =>
  tcpFrame(
    { srcMac, dstMac, src, dst, ttl, ...ports },
    Uint8Array.from({ length: bytes }, (_, i) => i),
  )
const arrived = (src: Ip, dst: Ip, dstMac = other.mac, ttl = 63): Uint8Array => packet(src, dst, { ttl, srcMac: gateway.mac, dstMac })

/** The ICMP error that the gateway sends `a` for a packet. */
function errorFor(
  frame: Uint8Array,
  v4: readonly [type: number, code: number],
  v6: readonly [type: number, code: number],
  rest = 0,
): Uint8Array {
  const original = frame.subarray(14)
  const link = { srcMac: gateway.mac, dstMac: a.mac }
  if (original[0]! >> 4 === 4) {
    const message = encodeIcmp({ type: v4[0], code: v4[1], rest }, original.subarray(0, 548))
    return ipFrame({ ...link, src: gateway.v4, dst: a.v4, tos: 0xc0, protocol: ipProtocol.icmp }, message)
  }
  const message = encodeIcmpv6(gateway.v6, a.v6, { type: v6[0], code: v6[1], rest }, original.subarray(0, 1232))
  return ipFrame({ ...link, src: gateway.v6, dst: a.v6, protocol: ipProtocol.icmpv6 }, message)
}
const told = (reason: BenchResult['reason'], data: Uint8Array): Expectation => ({
  action: 'redirect',
  verdict: 'answer',
  data,
  changed: { 'a.rx': 1, 'a.tooBig': 1, [`a.${reason}`]: 1 },
})
const answered = (data: Uint8Array, by = 'a'): Expectation => ({
  action: 'redirect',
  verdict: 'answer',
  data,
  changed: { [`${by}.rx`]: 1, [`${by}.answered`]: 1 },
})

let scene: Scene
before(() => void (scene = new Scene()))
beforeEach(() => {
  scene.reset()
  scene.route()
})
after(() => scene[Symbol.dispose]())

const families = [
  ['IPv4', a.v4, other.v4, stranger.v4],
  ['IPv6', a.v6, other.v6, stranger.v6],
] as const

for (const [family, from, to, nobody] of families)
  describe(`a packet of ${family} to the gateway`, () => {
    test('goes straight to the unit, with new MACs and a hop less, the first time and later', () => {
      for (let i = 0; i < 3; i++)
        expect(scene.from('a', packet(from, to)), {
          ...forwarded('a', 'other'),
          data: arrived(from, to),
        })
    })

    test('goes to the VTEP of its destination, in the VNI of that one', () => {
      scene.learn('other', scene.remote(), blue)
      const result = scene.from('a', packet(from, to))
      expect(result, { ...forwarded('a', 'mux'), data: arrived(from, to) })
      const { usedFdb, usedNeighbours } = scene.tables
      assert.deepEqual(usedFdb.entries(), [[{ segment: blue, mac: other.mac }, 1]], 'the entry is marked as used')
      assert.equal(usedNeighbours.get({ segment: blue, addr: toMapped(to) }), 1)
      assert.deepEqual([result.forward?.kind, result.forward?.ifindex], ['remote', scene.devices.mux])
    })

    test('comes back into its own subnet, and not to who sent it', () => {
      const neighbour = isIpv6(from) ? b.v6 : b.v4
      expect(scene.from('a', packet(from, neighbour)), { ...forwarded('a', 'b'), data: arrived(from, neighbour, b.mac) })
      expect(scene.from('a', packet(from, from)), dropped('hairpin'))
    })

    test('follows a route that changes, and the station that moves', () => {
      expect(scene.from('a', packet(from, to)), forwarded('a', 'other'))
      scene.tables.hosts.set({ vpc: 1, addr: toMapped(to) }, { segment: red, mac: b.mac })
      expect(scene.from('a', packet(from, to)), { ...forwarded('a', 'b'), data: arrived(from, to, b.mac) })
      scene.routeTo(isIpv6(to) ? `${ipText(to)}/128` : `${ipText(to)}/32`, { kind: routeKind.blackhole })
      expect(scene.from('a', packet(from, to)), dropped('route_blackhole'))
    })

    test('is told on when its hops are used up', () => {
      for (const ttl of [1, 0]) {
        const frame = packet(from, to, { ttl })
        expect(scene.from('a', frame), told('ttl_exceeded', errorFor(frame, [11, 0], [3, 0])))
      }
      expect(scene.from('a', packet(from, to, { ttl: 2 })), { ...forwarded('a', 'other'), data: arrived(from, to, other.mac, 1) })
    })

    test('is told on when there is no route, or nobody', () => {
      const away = ipFrom(isIpv6(from) ? '2001:db8::7' : '198.51.100.7')
      expect(scene.from('a', packet(from, away)), told('no_route', errorFor(packet(from, away), [3, 0], [1, 0])))
      scene.routeTo(isIpv6(from) ? '::/0' : '0.0.0.0/0', { kind: routeKind.unreachable })
      expect(scene.from('a', packet(from, away)), told('no_route', errorFor(packet(from, away), [3, 0], [1, 0])))
      expect(scene.from('a', packet(from, nobody)), told('no_host', errorFor(packet(from, nobody), [3, 1], [1, 3])))
      scene.tables.fdb.delete({ segment: blue, mac: other.mac })
      expect(scene.from('a', packet(from, to)), told('no_host', errorFor(packet(from, to), [3, 1], [1, 3])))
    })

    test('that is too long hears of the lesser MTU, of the way or of the subnet', () => {
      const frame = packet(from, to, { bytes: 1400 })
      expect(scene.from('a', frame), forwarded('a', 'other'))
      scene.route({ mtu: 1400 })
      expect(scene.from('a', frame), told('too_big', errorFor(frame, [3, 4], [2, 0], 1400)))
      scene.learn('other', scene.local('other', { mtu: 1300 }), blue)
      expect(scene.from('a', frame), told('too_big', errorFor(frame, [3, 4], [2, 0], 1300)))
    })

    test('goes by another station when the route says so, and by a peer to its stations alone', () => {
      const away = ipFrom(isIpv6(from) ? '2001:db8::7' : '198.51.100.7')
      const all = isIpv6(from) ? '::/0' : '0.0.0.0/0'
      scene.routeTo(all, { kind: routeKind.instance, addr: toMapped(to) })
      expect(scene.from('a', packet(from, away)), { ...forwarded('a', 'other'), data: arrived(from, away) })
      scene.routeTo(all, { kind: routeKind.peer, vpc: 2 })
      expect(scene.from('a', packet(from, away)), told('no_host', errorFor(packet(from, away), [3, 1], [1, 3])))
      scene.tables.hosts.set({ vpc: 2, addr: toMapped(away) }, { segment: blue, mac: other.mac })
      expect(scene.from('a', packet(from, away)), { ...forwarded('a', 'other'), data: arrived(from, away) })
    })

    test('is answered when it asks whether the gateway is there, whole and a hop away', () => {
      const address = isIpv6(from) ? gateway.v6 : gateway.v4
      const echo = (bytes: number, ttl: number): Uint8Array =>
        echoFrame({ srcMac: a.mac, dstMac: gateway.mac, src: from, dst: address, ttl, id: 7, seq: 9 }, new Uint8Array(bytes).fill(5))
      const reply = (bytes: number): Uint8Array =>
        echoFrame(
          { srcMac: gateway.mac, dstMac: a.mac, src: address, dst: from, id: 7, seq: 9, reply: true },
          new Uint8Array(bytes).fill(5),
        )
      for (const [bytes, ttl] of [
        [0, 64],
        [56, 1],
        [57, 255],
        [1400, 2],
      ] as const)
        expect(scene.from('a', echo(bytes, ttl)), answered(reply(bytes)))
    })

    test('and for the gateway itself is for no port of it', () => {
      const address = isIpv6(from) ? gateway.v6 : gateway.v4
      const frame = udpFrame({ srcMac: a.mac, dstMac: gateway.mac, src: from, dst: address, srcPort: 9, dstPort: 33434 })
      expect(scene.from('a', frame), told('to_gateway', errorFor(frame, [3, 3], [1, 4])))
    })

    test('has no errors for errors, and none for what is for many', () => {
      const away = ipFrom(isIpv6(from) ? '2001:db8::7' : '198.51.100.7')
      const error =
        isIpv6(from) && isIpv6(away)
          ? encodeIcmpv6(from, away, { type: 1 }, new Uint8Array(40))
          : encodeIcmp({ type: 3 }, new Uint8Array(28))
      const protocol = isIpv6(from) ? ipProtocol.icmpv6 : ipProtocol.icmp
      const link = { srcMac: a.mac, dstMac: gateway.mac }
      expect(scene.from('a', ipFrame({ ...link, src: from, dst: away, protocol }, error)), dropped('no_route'))
      const group = ipFrom(isIpv6(from) ? 'ff02::1' : '224.0.0.1')
      expect(scene.from('a', packet(from, group)), dropped('no_route'))
    })
  })

describe('routing', () => {
  const hasNoRoute = (frame: Uint8Array): boolean => scene.from('a', frame).changed['a.no_route'] === 1

  test('keeps options and extension headers', () => {
    const link = { srcMac: a.mac, dstMac: gateway.mac, src: a.v6, dst: other.v6 }
    const frame = ipFrame(
      { ...link, protocol: 60 },
      concat(paddingExtension(ipProtocol.udp), encodeUdp(a.v6, other.v6, ports, new Uint8Array(8))),
    )
    const { data, verdict } = scene.from('a', frame)
    assert.equal(verdict, 'forward')
    assert.deepEqual(data.subarray(22), frame.subarray(22))
  })

  test('needs a router: without one the gateway is an unknown station', () => {
    scene.tables.subnets.delete(red)
    expect(scene.from('a', packet(a.v4, other.v4)), dropped('unknown_unicast'))
  })

  test('leaves addresses of the link on the link', () => {
    scene.routeTo('0.0.0.0/0', { kind: routeKind.instance, addr: toMapped(other.v4) })
    scene.routeTo('::/0', { kind: routeKind.instance, addr: toMapped(other.v6) })
    for (const address of ['169.254.3.4', 'fe80::9', '127.0.0.1'])
      assert.ok(hasNoRoute(packet(address.includes(':') ? a.v6 : a.v4, ipFrom(address))), address)
  })

  test('leaves packets from addresses of the link on the link, but for those to the gateway', () => {
    expect(scene.from('b', packet(b.linkLocal, other.v6, { srcMac: b.mac })), { changed: { 'b.rx': 1, 'b.tooBig': 1, 'b.no_route': 1 } })
    const link = { srcMac: b.mac, dstMac: gateway.mac, src: b.linkLocal }
    for (const dst of [gateway.v6, gateway.linkLocal])
      expect(scene.from('b', echoFrame({ ...link, dst })), { verdict: 'answer', changed: { 'b.rx': 1, 'b.answered': 1 } })
  })

  test('takes IPv4 alone by a route of IPv4', () => {
    scene.routeTo('::/0', { kind: routeKind.blackhole })
    const away = ipFrom('198.51.100.7')
    assert.ok(hasNoRoute(packet(a.v4, away)))
  })

  test('takes a longer prefix before a shorter one, in the table of the subnet alone', () => {
    scene.routeTo('10.0.0.0/8', { kind: routeKind.blackhole })
    expect(scene.from('a', packet(a.v4, other.v4)), forwarded('a', 'other'))
    scene.routeTo('10.0.0.4/30', { kind: routeKind.unreachable })
    assert.ok(hasNoRoute(packet(a.v4, other.v4)))
    scene.tables.subnets.set(red, { ...scene.tables.subnets.get(red)!, routeTable: 8 })
    assert.ok(hasNoRoute(packet(a.v4, b.v4)))
  })
})

describe('the gateway', () => {
  const reply = arpReply({ sha: gateway.mac, spa: gateway.v4, tha: a.mac, tpa: a.v4 })
  test('answers ARP, to all and to itself', () => {
    expect(scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: gateway.v4 })), answered(reply))
    expect(scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: gateway.v4, dstMac: gateway.mac })), answered(reply))
  })

  test('answers ND for its address and for its link-local one, as a router', () => {
    const flags = (advertFlag.router | advertFlag.solicited | advertFlag.override) >>> 0
    for (const target of [gateway.v6, gateway.linkLocal]) {
      const advertisement = neighbourAdvertisement({ srcMac: gateway.mac, src: target, target, dst: a.v6, dstMac: a.mac, flags })
      const question = { srcMac: a.mac, src: a.v6, target }
      expect(scene.from('a', neighbourSolicitation(question)), answered(advertisement))
      expect(scene.from('a', neighbourSolicitation({ ...question, dst: target, dstMac: gateway.mac })), answered(advertisement))
    }
  })

  test('does not answer for others, nor an announcement', () => {
    assert.equal(scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: b.v4, dstMac: gateway.mac })).reason, 'to_gateway')
    assert.equal(scene.from('a', arpReply({ sha: a.mac, spa: a.v4, tha: gateway.mac, tpa: gateway.v4 })).reason, 'to_gateway')
  })

  test('is nobody else, checked or not', () => {
    for (const unit of ['b', 'free'] as const) {
      const { mac, v6 } = stations[unit]
      expect(scene.from(unit, gratuitousArp({ sha: mac, spa: gateway.v4 })), dropped('arp_spoof', unit))
      expect(scene.from(unit, arpReply({ sha: mac, spa: gateway.v4, tha: a.mac, tpa: a.v4 })), dropped('arp_spoof', unit))
      for (const target of [gateway.v6, gateway.linkLocal])
        expect(scene.from(unit, neighbourAdvertisement({ srcMac: mac, src: v6, target })), dropped('nd_spoof', unit))
    }
    expect(scene.from('b', packet(gateway.v4, a.v4, { srcMac: b.mac, dstMac: a.mac })), dropped('source_ip', 'b'))
    expect(scene.from('free', packet(free.v4, a.v4, { srcMac: gateway.mac, dstMac: a.mac })), dropped('source_mac', 'free'))
  })

  test('has no say over EtherTypes, and none over a broken packet', () => {
    const strange = ethernetFrame({ srcMac: a.mac, dstMac: gateway.mac, type: 0x88b5 }, new Uint8Array(60))
    expect(scene.from('a', strange), dropped('to_gateway'))
    assert.equal(scene.from('a', patch(packet(a.v4, other.v4), 14, 0x44)).reason, 'malformed')
  })
})

describe('a routed packet out of the tunnel', () => {
  const inner = packet(far.v4, a.v4, { srcMac: gateway.mac, dstMac: a.mac })
  const from = ipFrom('192.0.2.2')
  test('is taken from a VTEP of the VNI, and from one of the VPC', () => {
    expect(scene.fromTunnel(inner), forwarded('mux', 'a'))
    scene.tables.vteps.delete({ stats: 7, segment: red, addr: toMapped(from) })
    expect(scene.fromTunnel(inner), dropped('bad_vtep', 'mux'))
    scene.takeFrom(from, (segmentOfVpc | 1) >>> 0)
    expect(scene.fromTunnel(inner), forwarded('mux', 'a'))
  })

  test('is taken so from a gateway alone', () => {
    scene.tables.vteps.delete({ stats: 7, segment: red, addr: toMapped(from) })
    scene.takeFrom(from, (segmentOfVpc | 1) >>> 0)
    expect(scene.fromTunnel(packet(far.v4, a.v4, { srcMac: stranger.mac, dstMac: a.mac })), dropped('bad_vtep', 'mux'))
  })

  test('does not come here to be routed', () => {
    expect(scene.fromTunnel(packet(far.v4, other.v4, { srcMac: far.mac })), dropped('unknown_mac', 'mux'))
  })
})

const ipText = (address: Ip): string => (isIpv6(address) ? `fd00::${address[15]!.toString(16)}` : address.join('.'))
