/**
 * IPv4 and IPv6 of a guest: whose address it is, whether headers describe their packets, and who may act as DHCP server
 * or router.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { portFlag } from '#datapath/layout.ts'
import { toMapped } from '#wire/ip-address.ts'
import { echoFrame, ethernetFrame, ipv4Frame, ipv6Frame, patch, tcpFrame, udpFrame } from '#wire/frames.ts'
import { encodeIcmp } from '#wire/icmp.ts'
import { ipv4From } from '#wire/ipv4-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { allNodes, ipv6From, multicastMac, unspecifiedIpv6, type Ipv6 } from '#wire/ipv6-address.ts'
import { fragmentExtension, paddingExtension } from '#wire/ipv6.ts'
import { broadcastMac } from '#wire/mac.ts'
import { concat } from '#wire/struct.ts'
import { encodeTcp } from '#wire/tcp.ts'
import { encodeUdp } from '#wire/udp.ts'
import { dropped, expect, forwarded, red, Scene, stations, type Unit } from './scene.ts'

const { a, b, free, far, stranger } = stations
const to = (unit: 'a' | 'b' | 'free'): { srcMac: typeof a.mac; dstMac: typeof a.mac } => ({
  srcMac: stations[unit].mac,
  dstMac: unit === 'b' ? a.mac : b.mac,
})
const ports = { srcPort: 1000, dstPort: 80 }
const tcp4 = (src = a.v4, unit: 'a' | 'b' | 'free' = 'a'): Uint8Array =>
  tcpFrame({ ...to(unit), src, dst: b.v4, ...ports }, new Uint8Array(40))
const tcp6 = (src: Ipv6 = a.v6, unit: 'a' | 'b' | 'free' = 'a'): Uint8Array =>
  tcpFrame({ ...to(unit), src, dst: b.v6, ...ports }, new Uint8Array(40))
const udp4 = (srcPort: number, dstPort: number): Uint8Array =>
  udpFrame({ ...to('a'), src: a.v4, dst: b.v4, srcPort, dstPort }, new Uint8Array(40))
const udp6 = (srcPort: number, dstPort: number): Uint8Array =>
  udpFrame({ ...to('a'), src: a.v6, dst: b.v6, srcPort, dstPort }, new Uint8Array(40))

let scene: Scene
before(() => void (scene = new Scene()))
beforeEach(() => scene.reset())
after(() => scene[Symbol.dispose]())

describe('the source address', () => {
  test('is one that the port lists', () => {
    expect(scene.from('a', tcp4()), forwarded('a', 'b'))
    expect(scene.from('a', tcp6()), forwarded('a', 'b'))
    expect(scene.from('a', tcp6(a.linkLocal)), forwarded('a', 'b'))
    for (const source of [stranger.v4, b.v4, ipv4From('0.0.0.0')]) expect(scene.from('a', tcp4(source)), dropped('source_ip'))
    // The tables write an IPv4 address as the IPv4-mapped one, which no packet has for its source.
    const mapped = toMapped(a.v4)
    for (const source of [stranger.v6, b.v6, b.linkLocal, unspecifiedIpv6, mapped])
      expect(scene.from('a', tcp6(source)), dropped('source_ip'))
  })

  test('is listed per port: another port with the same address does not lend it', () => {
    scene.port('b', { flags: portFlag.up | portFlag.antispoof | portFlag.addresses })
    expect(scene.from('b', tcp4(a.v4, 'b')), dropped('source_ip', 'b'))
  })

  test('may be added and taken away while packets flow', () => {
    const key = { stats: 1, addr: toMapped(stranger.v4) }
    scene.tables.portAddresses.set(key, 1)
    expect(scene.from('a', tcp4(stranger.v4)), forwarded('a', 'b'))
    scene.tables.portAddresses.delete(key)
    expect(scene.from('a', tcp4(stranger.v4)), dropped('source_ip'))
  })

  test('is nobody else’s where the port lists none, by the neighbour table', () => {
    for (const src of [a.v4, far.v4, free.v4]) expect(scene.from('b', tcp4(src, 'b')), dropped('source_ip', 'b'))
    for (const src of [a.v6, far.v6, a.linkLocal]) expect(scene.from('b', tcp6(src, 'b')), dropped('source_ip', 'b'))
    for (const src of [b.v4, stranger.v4]) expect(scene.from('b', tcp4(src, 'b')), forwarded('b', 'a'))
    for (const src of [b.v6, b.linkLocal, stranger.v6]) expect(scene.from('b', tcp6(src, 'b')), forwarded('b', 'a'))
  })

  test('is another’s as soon as the neighbour table says so', () => {
    for (const [src, frame] of [
      [stranger.v4, tcp4(stranger.v4, 'b')],
      [stranger.v6, tcp6(stranger.v6, 'b')],
    ] as const) {
      for (let i = 0; i < 2; i++) expect(scene.from('b', frame), forwarded('b', 'a'))
      const key = { segment: red, addr: toMapped(src) }
      scene.tables.neighbours.set(key, { mac: a.mac })
      expect(scene.from('b', frame), dropped('source_ip', 'b'))
      scene.tables.neighbours.set(key, { mac: b.mac })
      expect(scene.from('b', frame), forwarded('b', 'a'))
      scene.tables.neighbours.delete(key)
      expect(scene.from('b', frame), forwarded('b', 'a'))
    }
  })

  test('is any that a host can have where the port lists none', () => {
    expect(scene.from('b', tcp4(stranger.v4, 'b')), forwarded('b', 'a'))
    expect(scene.from('b', tcp6(stranger.v6, 'b')), forwarded('b', 'a'))
    const impossible4 = ['0.0.0.0', '0.1.2.3', '127.0.0.1', '224.0.0.1', '239.1.2.3', '255.255.255.255']
    for (const text of impossible4) expect(scene.from('b', tcp4(ipv4From(text), 'b')), dropped('source_ip', 'b'))
    const impossible6 = ['::', '::1', 'ff02::1', '::ffff:10.0.0.1']
    for (const text of impossible6) expect(scene.from('b', tcp6(ipv6From(text), 'b')), dropped('source_ip', 'b'))
  })

  test('is not looked at where the port is not checked', () => {
    expect(scene.from('free', tcp4(ipv4From('127.0.0.1'), 'free')), forwarded('free', 'b'))
    expect(scene.from('free', patch(tcp4(a.v4, 'free'), 11, 77)), forwarded('free', 'b'))
  })

  test('comes after the MAC, which is the own one or, unchecked, that of a station', () => {
    for (const unit of ['a', 'b'] as const)
      expect(scene.from(unit, patch(tcp4(stations[unit].v4, unit), 11, 77)), dropped('source_mac', unit))
    expect(scene.from('free', patch(tcp4(free.v4, 'free'), 6, 3)), dropped('source_mac', 'free'))
    expect(scene.from('free', patch(tcp4(free.v4, 'free'), 6, 0, 0, 0, 0, 0, 0)), dropped('source_mac', 'free'))
  })

  test('is not what makes another protocol pass', () => {
    expect(scene.from('a', ethernetFrame({ ...to('a'), type: 0x88b5 }, new Uint8Array(50))), forwarded('a', 'b'))
  })
})

describe('DHCP', () => {
  const discover = (dstMac = broadcastMac): Uint8Array =>
    udpFrame(
      { srcMac: a.mac, dstMac, src: ipv4From('0.0.0.0'), dst: ipv4From('255.255.255.255'), srcPort: 68, dstPort: 67 },
      new Uint8Array(240),
    )
  const flooded = { 'a.rx': 1, 'a.missed': 1, 'a.flooded': 1, 'b.tx': 1, 'free.tx': 1, 'tagged.tx': 1 }

  test("a client's broadcast is told, and goes to all", () => {
    const result = scene.from('a', discover())
    expect(result, { verdict: 'flood', changed: flooded })
    assert.deepEqual(
      result.events.map((event) => event.kind === 'miss' && event.question),
      ['dhcp'],
    )
    const servers = ipv6From('ff02::1:2')
    const solicit = udpFrame(
      { srcMac: a.mac, dstMac: multicastMac(servers), src: a.linkLocal, dst: servers, srcPort: 546, dstPort: 547 },
      new Uint8Array(40),
    )
    expect(scene.from('a', solicit), { verdict: 'flood', changed: flooded })
  })

  test('a client may speak to a server that it knows', () => {
    expect(scene.from('a', discover(b.mac)), forwarded('a', 'b'))
    expect(scene.from('a', udp4(68, 67)), forwarded('a', 'b'))
    expect(scene.from('a', udp6(546, 547)), forwarded('a', 'b'))
  })

  const lies = {
    'as a server': udp4(67, 68),
    'as a relay': udp4(67, 67),
    'from any port': udp4(4711, 68),
    'as a DHCPv6 server': udp6(547, 546),
    'to a DHCPv6 client': udp6(4711, 546),
    'as a DHCPv6 relay': udp6(547, 547),
  }
  for (const [name, frame] of Object.entries(lies))
    test(`a guest may not speak ${name}`, () => expect(scene.from('a', frame), dropped('dhcp_spoof')))

  test('not from the second fragment header on either', () => {
    const datagram = encodeUdp(a.v6, b.v6, { srcPort: 547, dstPort: 546 }, new Uint8Array(40))
    const first = ipv6Frame(
      { ...to('a'), src: a.v6, dst: b.v6, nextHeader: ipProtocol.fragment },
      concat(fragmentExtension(ipProtocol.udp, { offset: 0, more: true, id: 1 }), datagram),
    )
    expect(scene.from('a', first), dropped('dhcp_spoof'))
    const options = new Uint8Array(40)
    expect(
      scene.from(
        'a',
        ipv4Frame(
          { ...to('a'), src: a.v4, dst: b.v4, protocol: ipProtocol.udp, moreFragments: true, options },
          encodeUdp(a.v4, b.v4, { srcPort: 67, dstPort: 68 }, new Uint8Array(40)),
        ),
      ),
      dropped('dhcp_spoof'),
    )
  })

  test('unless the port is not checked', () => {
    expect(scene.from('free', udpFrame({ ...to('free'), src: free.v4, dst: b.v4, srcPort: 67, dstPort: 68 })), forwarded('free', 'b'))
  })
})

describe('ICMP', () => {
  test('an echo passes, a redirect or router advertisement does not', () => {
    expect(scene.from('a', echoFrame({ ...to('a'), src: a.v4, dst: b.v4 })), forwarded('a', 'b'))
    expect(scene.from('a', echoFrame({ ...to('a'), src: a.v6, dst: b.v6 })), forwarded('a', 'b'))
    for (const type of [5, 9])
      expect(
        scene.from('a', ipv4Frame({ ...to('a'), src: a.v4, dst: b.v4, protocol: 1 }, encodeIcmp({ type }, new Uint8Array(40)))),
        dropped('ra_spoof'),
      )
  })
})

// A packet cut within its IP header is refused by the test run itself: those come through a tap, in tap.test.ts.
describe('malformed IPv4', () => {
  const whole = tcp4()
  const fragment = (fragmentOffset: number, more: boolean, bytes: number): Uint8Array =>
    ipv4Frame({ ...to('a'), src: a.v4, dst: b.v4, protocol: ipProtocol.tcp, fragmentOffset, moreFragments: more }, new Uint8Array(bytes))
  const broken: Record<string, Uint8Array> = {
    'of another version': patch(whole, 14, 0x65),
    'with a header of 16 bytes': patch(whole, 14, 0x44),
    'with a header longer than the packet': patch(whole.subarray(0, 60), 14, 0x4f),
    'with a length beyond its end': patch(whole, 16, 0, 101),
    'with a length below its header': patch(whole, 16, 0, 19),
    'with a length of 0 and not a large segment': patch(whole, 16, 0, 0),
    'without a whole TCP header': ipv4Frame({ ...to('a'), src: a.v4, dst: b.v4, protocol: ipProtocol.tcp }, new Uint8Array(19)),
    'without a whole UDP header': ipv4Frame({ ...to('a'), src: a.v4, dst: b.v4, protocol: ipProtocol.udp }, new Uint8Array(7)),
    'without a whole ICMP header': ipv4Frame({ ...to('a'), src: a.v4, dst: b.v4, protocol: ipProtocol.icmp }, new Uint8Array(7)),
    'whose UDP is longer than itself': patch(udp4(1, 2), 38, 0, 49),
    'whose UDP is shorter than its header': patch(udp4(1, 2), 38, 0, 7),
    'whose first fragment is without its header': fragment(0, true, 16),
    'whose second fragment overlays the TCP flags': fragment(8, false, 16),
    'whose fragments are more than a packet can be': fragment(65528, false, 16),
  }
  for (const [name, frame] of Object.entries(broken)) test(name, () => expect(scene.from('a', frame), dropped('malformed')))

  test('is not: a later fragment, options, padding, a length of 0 of a large segment', () => {
    expect(scene.from('a', fragment(1480, false, 16)), forwarded('a', 'b'))
    expect(
      scene.from(
        'a',
        ipv4Frame(
          { ...to('a'), src: a.v4, dst: b.v4, protocol: ipProtocol.tcp, options: new Uint8Array(40) },
          encodeTcp(a.v4, b.v4, ports, new Uint8Array()),
        ),
      ),
      forwarded('a', 'b'),
    )
    expect(scene.from('a', concat(whole, new Uint8Array(6))), forwarded('a', 'b'))
    expect(scene.from('a', patch(whole, 16, 0, 0), { gsoSize: 10, gsoSegs: 4 }), forwarded('a', 'b'))
    expect(scene.from('a', ipv4Frame({ ...to('a'), src: a.v4, dst: b.v4, protocol: 253 })), forwarded('a', 'b'))
  })
})

describe('malformed IPv6', () => {
  const whole = tcp6()
  const chain = (next: number, ...parts: Uint8Array[]): Uint8Array =>
    ipv6Frame({ ...to('a'), src: a.v6, dst: b.v6, nextHeader: next }, concat(...parts))
  const segment = encodeTcp(a.v6, b.v6, ports, new Uint8Array(40))
  const { hopByHop, destinationOptions, fragment, tcp, udp } = ipProtocol
  const nine = [...Array.from({ length: 8 }, () => paddingExtension(destinationOptions)), paddingExtension(tcp), segment]
  const eight = [...Array.from({ length: 7 }, () => paddingExtension(destinationOptions)), paddingExtension(tcp), segment]
  const fragmentOf = (next: number, offset: number, more = true): Uint8Array => fragmentExtension(next, { offset, more, id: 7 })
  const broken: Record<string, Uint8Array> = {
    'of another version': patch(whole, 14, 0x45),
    'with a length beyond its end': patch(whole, 18, 0, 61),
    'with a length below its TCP header': patch(whole, 18, 0, 19),
    'without a whole TCP header': chain(tcp, new Uint8Array(19)),
    'with an extension header beyond its end': chain(hopByHop, patch(paddingExtension(tcp), 1, 9)),
    'with an extension header and nothing behind it': chain(hopByHop, paddingExtension(tcp)),
    'with a piece of an extension header': chain(hopByHop, new Uint8Array(4)),
    'with nine extension headers': chain(destinationOptions, ...nine),
    'with two fragment headers': chain(fragment, fragmentOf(fragment, 0), fragmentOf(tcp, 0), segment),
    'whose first fragment is without its header': chain(fragment, fragmentOf(tcp, 0), new Uint8Array(8)),
    'whose first fragment ends within extension headers': chain(fragment, fragmentOf(destinationOptions, 0)),
    'whose UDP is longer than itself': patch(udp6(1, 2), 58, 0, 49),
  }
  for (const [name, frame] of Object.entries(broken)) test(name, () => expect(scene.from('a', frame), dropped('malformed')))

  test('is not: extension headers, fragments, nothing at all, a length of 0 of a large segment', () => {
    expect(scene.from('a', chain(destinationOptions, ...eight)), forwarded('a', 'b'))
    expect(scene.from('a', chain(fragment, fragmentOf(tcp, 0), segment)), forwarded('a', 'b'))
    expect(scene.from('a', chain(fragment, fragmentOf(udp, 1232, false), new Uint8Array(8))), forwarded('a', 'b'))
    expect(
      scene.from('a', chain(51, Uint8Array.of(tcp, 4, 0, 0), new Uint8Array(20), encodeTcp(a.v6, b.v6, ports, new Uint8Array()))),
      forwarded('a', 'b'),
    )
    expect(scene.from('a', chain(59)), forwarded('a', 'b'))
    expect(scene.from('a', patch(whole, 18, 0, 0), { gsoSize: 10, gsoSegs: 4 }), forwarded('a', 'b'))
  })
})

test('malformed packets are dropped also where senders are not checked, and out of the tunnel', () => {
  expect(scene.from('free', patch(tcp4(free.v4, 'free'), 14, 0x44)), dropped('malformed', 'free'))
  const far = tcpFrame({ srcMac: stations.far.mac, dstMac: a.mac, src: stations.far.v4, dst: a.v4, ...ports })
  expect(scene.fromTunnel(patch(far, 14, 0x44)), dropped('malformed', 'mux'))
  const units: Unit[] = ['a', 'b']
  for (const unit of units)
    expect(scene.from(unit, patch(tcp4(stations[unit].v4, unit as 'a' | 'b'), 14, 0x44)), dropped('malformed', unit))
  expect(scene.from('a', patch(udpFrame({ ...to('a'), src: a.v6, dst: allNodes, srcPort: 1, dstPort: 2 }), 18, 0xff)), dropped('malformed'))
})
