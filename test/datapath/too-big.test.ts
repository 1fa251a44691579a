/** Packets that do not fit: which senders get an error, its bytes, and which get none. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, beforeEach, describe, test } from 'node:test'
import { echoFrame, ethernetFrame, ipv4Frame, ipv6Frame, tcpFrame, tooBigFrame, udpFrame } from '#wire/frames.ts'
import { encodeIcmp, encodeIcmpv6 } from '#wire/icmp.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { fragmentExtension, paddingExtension } from '#wire/ipv6.ts'
import { encodePcap } from '#wire/pcap.ts'
import { concat } from '#wire/struct.ts'
import { encodeTcp } from '#wire/tcp.ts'
import { encodeUdp } from '#wire/udp.ts'
import { dropped, expect, forwarded, red, Scene, stations, type Expectation } from './scene.ts'

const { a, b, far, tagged, stranger } = stations
const link = { srcMac: a.mac, dstMac: b.mac }
const ports = { srcPort: 1000, dstPort: 80 }
const tcp4 = (bytes: number): Uint8Array => tcpFrame({ ...link, src: a.v4, dst: b.v4, ...ports }, counting(bytes))
const tcp6 = (bytes: number): Uint8Array => tcpFrame({ ...link, src: a.v6, dst: b.v6, ...ports }, counting(bytes))
const counting = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, (_, i) => i)
/** The error for a packet that `a` sent to `b`. */
const error4 = (frame: Uint8Array, mtuBytes = 1500): Uint8Array =>
  tooBigFrame({ srcMac: b.mac, dstMac: a.mac, src: b.v4, dst: a.v4, tos: 0xc0, mtuBytes }, frame.subarray(14))
const error6 = (frame: Uint8Array, mtuBytes = 1500): Uint8Array =>
  tooBigFrame({ srcMac: b.mac, dstMac: a.mac, src: b.v6, dst: a.v6, mtuBytes }, frame.subarray(14))
const answered = (data?: Uint8Array, by = 'a'): Expectation => ({
  action: 'redirect',
  verdict: 'answer',
  ...(data && { data }),
  changed: { [`${by}.rx`]: 1, [`${by}.too_big`]: 1, [`${by}.tooBig`]: 1 },
})

/** What tcpdump makes of frames, checksums and all. */
const tcpdump = (...frames: Uint8Array[]): string =>
  execFileSync('tcpdump', ['-vvv', '-n', '-r', '-'], {
    input: encodePcap(frames.map((data) => ({ data }))),
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  })

let scene: Scene
before(() => void (scene = new Scene()))
beforeEach(() => scene.reset())
after(() => scene[Symbol.dispose]())

describe('the error', () => {
  test('is fragmentation needed, or packet too big', () => {
    expect(scene.from('a', tcp4(1461)), answered(error4(tcp4(1461))))
    expect(scene.from('a', tcp6(1441)), answered(error6(tcp6(1441))))
  })

  test('is for one byte too many, not for the last that fits', () => {
    expect(scene.from('a', tcp4(1460)), forwarded('a', 'b'))
    expect(scene.from('a', tcp6(1440)), forwarded('a', 'b'))
  })

  test('quotes what there is, and names the MTU of the way', () => {
    for (const mtu of [68, 100, 576, 600, 1280, 1400, 1499]) {
      scene.learn('b', scene.local('b', { mtu }))
      for (const bytes of [mtu - 39, mtu, 1500]) {
        expect(scene.from('a', tcp4(bytes)), answered(error4(tcp4(bytes), mtu)))
        expect(scene.from('a', tcp6(bytes)), answered(error6(tcp6(bytes), mtu)))
      }
    }
  })

  test('is right to the last bit for tcpdump', () => {
    const errors = [1461, 1462, 1500].flatMap((bytes) => [scene.from('a', tcp4(bytes)).data, scene.from('a', tcp6(bytes)).data])
    const text = tcpdump(...errors)
    assert.equal(text.match(/need to frag \(mtu 1500\)/g)?.length, 3)
    assert.equal(text.match(/\[icmp6 sum ok\] ICMP6, packet too big, mtu 1500/g)?.length, 3)
    assert.doesNotMatch(text, /bad |wrong/)
  })

  test('answers a packet without DF, IPv4 options and extension headers too', () => {
    const free = ipv4Frame(
      { ...link, src: a.v4, dst: b.v4, protocol: ipProtocol.udp, dontFragment: false },
      encodeUdp(a.v4, b.v4, ports, counting(1500)),
    )
    expect(scene.from('a', free), answered(error4(free)))
    const options = ipv4Frame(
      { ...link, src: a.v4, dst: b.v4, protocol: ipProtocol.tcp, options: new Uint8Array(40) },
      encodeTcp(a.v4, b.v4, ports, counting(1460)),
    )
    expect(scene.from('a', options), answered(error4(options)))
    const chain = ipv6Frame(
      { ...link, src: a.v6, dst: b.v6, nextHeader: ipProtocol.destinationOptions },
      concat(paddingExtension(ipProtocol.tcp, 4), encodeTcp(a.v6, b.v6, ports, counting(1440))),
    )
    expect(scene.from('a', chain), answered(error6(chain)))
    const echo = echoFrame({ ...link, src: a.v4, dst: b.v4 }, counting(1500))
    expect(scene.from('a', echo), answered(error4(echo)))
  })

  test('goes back with the tag of the port', () => {
    const frame = (vlan?: number): Uint8Array =>
      tcpFrame({ srcMac: tagged.mac, dstMac: b.mac, src: tagged.v4, dst: b.v4, ...ports, ...(vlan && { vlan }) }, counting(1500))
    const error = tooBigFrame(
      { srcMac: b.mac, dstMac: tagged.mac, src: b.v4, dst: tagged.v4, tos: 0xc0, mtuBytes: 1500 },
      frame().subarray(14),
    )
    // The kernel keeps the tag beside the packet, where the test run does not show it.
    expect(scene.from('tagged', frame(7)), answered(error, 'tagged'))
  })

  test('tells of the way to a VTEP', () => {
    const frame = tcpFrame({ srcMac: a.mac, dstMac: far.mac, src: a.v4, dst: far.v4, ...ports }, counting(1411))
    const error = tooBigFrame({ srcMac: far.mac, dstMac: a.mac, src: far.v4, dst: a.v4, tos: 0xc0, mtuBytes: 1450 }, frame.subarray(14))
    expect(scene.from('a', frame), answered(error))
  })

  test('goes back through the tunnel, and out of the uplink', () => {
    scene.learn('a', scene.local('a', { mtu: 1300 }))
    const frame = tcpFrame({ srcMac: far.mac, dstMac: a.mac, src: far.v4, dst: a.v4, ...ports }, counting(1300))
    const error = tooBigFrame({ srcMac: a.mac, dstMac: far.mac, src: a.v4, dst: far.v4, tos: 0xc0, mtuBytes: 1300 }, frame.subarray(14))
    expect(scene.fromTunnel(frame), { ...answered(error, 'mux'), answerIfindex: scene.devices.mux })
    scene.uplink(red)
    const wild = tcpFrame({ srcMac: stranger.mac, dstMac: a.mac, src: stranger.v4, dst: a.v4, ...ports }, counting(1300))
    expect(scene.fromWire(wild), { ...answered(undefined, 'uplink'), answerIfindex: scene.devices.wire })
  })
})

describe('a large segment', () => {
  const large4 = tcp4(3000)
  const large6 = tcp6(3000)

  test('fits by what it will be cut into', () => {
    expect(scene.from('a', large4, { gsoSize: 1460, gsoSegs: 3 }), forwarded('a', 'b'))
    expect(scene.from('a', large6, { gsoSize: 1440, gsoSegs: 3 }), forwarded('a', 'b'))
  })

  test('is too big by one byte of a segment', () => {
    expect(scene.from('a', large4, { gsoSize: 1461, gsoSegs: 3 }), answered(error4(large4)))
    expect(scene.from('a', large6, { gsoSize: 1441, gsoSegs: 3 }), answered(error6(large6)))
  })

  test('counts TCP options and extension headers', () => {
    const segment = encodeTcp(a.v4, b.v4, { ...ports, options: new Uint8Array(12) }, counting(3000))
    const options = ipv4Frame({ ...link, src: a.v4, dst: b.v4, protocol: ipProtocol.tcp }, segment)
    expect(scene.from('a', options, { gsoSize: 1448, gsoSegs: 3 }), forwarded('a', 'b'))
    expect(scene.from('a', options, { gsoSize: 1449, gsoSegs: 3 }), answered(error4(options)))
    const chain = ipv6Frame(
      { ...link, src: a.v6, dst: b.v6, nextHeader: ipProtocol.destinationOptions },
      concat(paddingExtension(ipProtocol.tcp), encodeTcp(a.v6, b.v6, ports, counting(3000))),
    )
    expect(scene.from('a', chain, { gsoSize: 1432, gsoSegs: 3 }), forwarded('a', 'b'))
    expect(scene.from('a', chain, { gsoSize: 1433, gsoSegs: 3 }), answered(error6(chain)))
  })

  test('of SCTP is whole packets that fit already', () => {
    const packets = ipv4Frame({ ...link, src: a.v4, dst: b.v4, protocol: 132 }, counting(3000))
    expect(scene.from('a', packets, { gsoSize: 0xffff, gsoSegs: 3 }), forwarded('a', 'b'))
    expect(scene.from('a', packets), answered(error4(packets)))
  })

  test('of UDP is datagrams, each with a header', () => {
    const datagram = udpFrame({ ...link, src: a.v4, dst: b.v4, ...ports }, counting(3000))
    expect(scene.from('a', datagram, { gsoSize: 1472, gsoSegs: 3 }), forwarded('a', 'b'))
    expect(scene.from('a', datagram, { gsoSize: 1473, gsoSegs: 3 }), answered(error4(datagram)))
  })
})

describe('no error answers', () => {
  const big = counting(1600)
  const icmp4 = (type: number): Uint8Array =>
    ipv4Frame({ ...link, src: a.v4, dst: b.v4, protocol: ipProtocol.icmp }, encodeIcmp({ type }, big))
  const icmp6 = (type: number): Uint8Array =>
    ipv6Frame({ ...link, src: a.v6, dst: b.v6, nextHeader: ipProtocol.icmpv6 }, encodeIcmpv6(a.v6, b.v6, { type }, big))
  const silent: Record<string, Uint8Array> = {
    'an ICMP error': icmp4(3),
    'an ICMP time exceeded': icmp4(11),
    'an ICMP parameter problem': icmp4(12),
    'an ICMPv6 error': icmp6(1),
    'an ICMPv6 packet too big': icmp6(2),
    'an unknown ICMPv6 error': icmp6(127),
    'a later fragment': ipv4Frame({ ...link, src: a.v4, dst: b.v4, protocol: ipProtocol.udp, fragmentOffset: 1480 }, big),
    'a later fragment of IPv6': ipv6Frame(
      { ...link, src: a.v6, dst: b.v6, nextHeader: ipProtocol.fragment },
      concat(fragmentExtension(ipProtocol.udp, { offset: 1480, more: false, id: 1 }), big),
    ),
    'a packet to a group': ipv4Frame(
      { ...link, src: a.v4, dst: ipFrom('224.0.0.251') as typeof a.v4, protocol: ipProtocol.udp },
      encodeUdp(a.v4, b.v4, ports, big),
    ),
    'a packet to all': ipv4Frame(
      { ...link, src: a.v4, dst: ipFrom('255.255.255.255') as typeof a.v4, protocol: ipProtocol.udp },
      encodeUdp(a.v4, b.v4, ports, big),
    ),
    'a packet to an IPv6 group': ipv6Frame(
      { ...link, src: a.v6, dst: ipFrom('ff02::fb') as typeof a.v6, nextHeader: ipProtocol.udp },
      encodeUdp(a.v6, b.v6, ports, big),
    ),
    'another protocol than IP': ethernetFrame({ ...link, type: 0x88b5 }, big),
  }
  for (const [name, frame] of Object.entries(silent)) test(name, () => expect(scene.from('a', frame), dropped('too_big')))

  test('but a first fragment and an echo', () => {
    const first = ipv4Frame(
      { ...link, src: a.v4, dst: b.v4, protocol: ipProtocol.udp, moreFragments: true, dontFragment: false },
      encodeUdp(a.v4, b.v4, ports, big),
    )
    expect(scene.from('a', first), answered(error4(first)))
    for (const frame of [icmp4(8), icmp6(128), icmp6(129)]) expect(scene.from('a', frame), answered())
  })
})

test('the errors of one source are bounded, its drops all counted', () => {
  using quick = new Scene()
  const began = performance.now()
  const results = Array.from({ length: 300 }, () => quick.from('a', tcp4(1461)))
  const seconds = (performance.now() - began) / 1000
  const errors = results.filter(({ verdict }) => verdict === 'answer').length
  // A bucket of 100, and 100 a second.
  assert.ok(errors >= 100 && errors <= 100 + Math.ceil(100 * seconds), `${errors} errors in ${seconds} s`)
  assert.equal(quick.tables.drops.read(1).too_big, 300)
  expect(quick.from('b', tcpFrame({ srcMac: b.mac, dstMac: a.mac, src: b.v4, dst: a.v4, ...ports }, counting(1461))), {
    verdict: 'answer',
    changed: { 'b.rx': 1, 'b.too_big': 1, 'b.tooBig': 1 },
  })
})
