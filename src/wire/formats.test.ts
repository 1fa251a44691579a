/**
 * Properties of every format: what is encoded decodes to the same value. Garbage gives a tagged result and never
 * throws.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arp, decodeArp } from './arp.ts'
import { checksum, transportChecksum } from './checksum.ts'
import { decodeDhcp, dhcpOp, encodeDhcp } from './dhcp.ts'
import { decodeEthernet, encodeEthernet, ethertype, popVlan, pushVlan } from './ethernet.ts'
import { icmp } from './icmp.ts'
import type { Ip } from './ip-address.ts'
import { asIpv4, ipv4From, type Ipv4 } from './ipv4-address.ts'
import { decodeIpv4, encodeIpv4, ipProtocol } from './ipv4.ts'
import { ipv6From, type Ipv6 } from './ipv6-address.ts'
import { decodeIpv6, encodeIpv6, fragmentExtension, paddingExtension, walkExtensions } from './ipv6.ts'
import { asMac, macFrom, type Mac } from './mac.ts'
import { decodeNd, decodeNdOptions, encodeNdOptions } from './nd.ts'
import { describeProblem, type Decoded } from './result.ts'
import { concat } from './struct.ts'
import { decodeTcp, encodeTcp } from './tcp.ts'
import { decodeUdp, encodeUdp } from './udp.ts'
import type { Vni } from './vni.ts'
import { decodeVxlan, encodeVxlan } from './vxlan.ts'

/** Plain objects, so that they compare with what is decoded. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>
const sized = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size })
const payload = fc.uint8Array({ maxLength: 64 })
const macs = sized(6) as fc.Arbitrary<Mac>
const fours = sized(4) as fc.Arbitrary<Ipv4>
const sixes = sized(16) as fc.Arbitrary<Ipv6>
const words = fc.nat(0xffff)
const octets = fc.nat(0xff)
const pairs: fc.Arbitrary<readonly [Ip, Ip]> = fc.oneof(fc.tuple(fours, fours), fc.tuple(sixes, sixes))

/** The value, where decoding has to succeed. */
function good<T>(decoded: Decoded<T>): { value: T; payload: Uint8Array } {
  assert.ok(decoded.ok, decoded.ok ? '' : describeProblem(decoded.problem))
  return decoded
}

test('garbage gives a tagged result', () => {
  const decoders: ((bytes: Uint8Array) => Decoded<unknown>)[] = [
    decodeEthernet,
    decodeArp,
    decodeIpv4,
    decodeIpv6,
    decodeUdp,
    decodeTcp,
    decodeVxlan,
    decodeDhcp,
    decodeNd,
    decodeNdOptions,
    icmp.decode,
  ]
  const byte = fc.oneof(octets, fc.constantFrom(0, 1, 4, 6, 8, 0x45, 0x60, 0x81, 0x86, 0xff))
  const garbage = fc.oneof(
    payload,
    fc.array(byte, { maxLength: 320 }).map((list) => Uint8Array.from(list)),
  )
  for (const decode of decoders)
    fc.assert(
      fc.property(garbage, (bytes) => {
        const decoded = decode(bytes)
        if (!decoded.ok) assert.equal(typeof describeProblem(decoded.problem), 'string')
      }),
    )
  fc.assert(fc.property(octets, garbage, (next, bytes) => void walkExtensions(next, bytes)))
})

test('Ethernet with up to two tags', () => {
  const tag = record({ tpid: fc.constantFrom(0x8100, 0x88a8), pcp: fc.nat(7), dei: fc.boolean(), vid: fc.nat(0xfff) })
  const type = words.filter((t) => t !== 0x8100 && t !== 0x88a8)
  const header = record({ dst: macs, src: macs, tags: fc.array(tag, { maxLength: 2 }), type })
  fc.assert(
    fc.property(header, payload, (value, data) => {
      const frame = encodeEthernet(value, data)
      assert.deepEqual(good(decodeEthernet(frame)), { ok: true, value, payload: data })
      assert.deepEqual(popVlan(pushVlan(frame, 5)), frame)
    }),
  )
  const untagged = encodeEthernet(
    { dst: macFrom('02:00:00:00:00:01'), src: macFrom('02:00:00:00:00:02'), tags: [], type: ethertype.arp },
    new Uint8Array(),
  )
  assert.equal(popVlan(untagged), undefined)
  assert.throws(() => pushVlan(untagged, 4096), RangeError)
})

test('ARP', () => {
  const value = record({
    htype: fc.constant(1),
    ptype: fc.constant(0x800),
    hlen: fc.constant(6),
    plen: fc.constant(4),
    op: words,
    sha: macs,
    spa: fours,
    tha: macs,
    tpa: fours,
  })
  fc.assert(fc.property(value, (v) => assert.deepEqual(good(decodeArp(arp.encode(v))).value, v)))
  const other = arp.encode({
    htype: 6,
    ptype: 0x800,
    hlen: 6,
    plen: 4,
    op: 1,
    sha: macFrom('02:00:00:00:00:01'),
    spa: ipv4From('10.0.0.1'),
    tha: macFrom('02:00:00:00:00:01'),
    tpa: ipv4From('10.0.0.1'),
  })
  assert.deepEqual(decodeArp(other), { ok: false, problem: { kind: 'invalid', format: 'ARP', field: 'htype', found: 6 } })
})

test('IPv4, with options and fragments; trailing bytes are not payload', () => {
  const fields = record({
    src: fours,
    dst: fours,
    protocol: octets,
    ttl: octets,
    tos: octets,
    id: words,
    dontFragment: fc.boolean(),
    moreFragments: fc.boolean(),
    fragmentOffset: fc.nat(0x1fff).map((n) => n * 8),
    options: fc.nat(10).chain((n) => sized(n * 4)),
  })
  fc.assert(
    fc.property(fields, payload, payload, (value, data, trailer) => {
      const packet = encodeIpv4(value, data)
      const decoded = good(decodeIpv4(concat(packet, trailer)))
      assert.deepEqual(decoded.value, { ...value, totalLength: packet.length, checksumOk: true, missing: 0 })
      assert.deepEqual(decoded.payload, data)
    }),
  )
  const cut = good(
    decodeIpv4(encodeIpv4({ src: ipv4From('10.0.0.1'), dst: ipv4From('10.0.0.2'), protocol: 17 }, new Uint8Array(9)).subarray(0, 25)),
  )
  assert.equal(cut.value.missing, 4)
  assert.equal(cut.payload.length, 5)
})

test('IPv6, and its extension headers to the upper layer', () => {
  const fields = record({
    src: sixes,
    dst: sixes,
    nextHeader: octets,
    hopLimit: octets,
    trafficClass: octets,
    flowLabel: fc.nat(0xfffff),
  })
  fc.assert(
    fc.property(fields, payload, payload, (value, data, trailer) => {
      const decoded = good(decodeIpv6(concat(encodeIpv6(value, data), trailer)))
      assert.deepEqual(decoded.value, { ...value, payloadLength: data.length, missing: 0 })
      assert.deepEqual(decoded.payload, data)
    }),
  )
  const upper = Uint8Array.of(1, 2, 3)
  const fragment = { offset: 0, more: true, id: 0xdeadbeef }
  const chain = concat(paddingExtension(ipProtocol.fragment, 2), fragmentExtension(ipProtocol.udp, fragment), upper)
  const walked = good(walkExtensions(ipProtocol.hopByHop, chain))
  assert.deepEqual(walked.value, { protocol: ipProtocol.udp, extensions: [0, 44], fragment })
  assert.deepEqual(walked.payload, upper)
  const later = good(walkExtensions(ipProtocol.fragment, concat(fragmentExtension(ipProtocol.hopByHop, { ...fragment, offset: 8 }), upper)))
  assert.deepEqual(later.value.extensions, [44], 'the middle of a packet is not a header')
  assert.equal(walkExtensions(ipProtocol.hopByHop, concat(...Array<Uint8Array>(9).fill(paddingExtension(0)))).ok, false)
})

test('TCP, UDP and ICMP checksums cover the message: over a right one the sum is zero', () => {
  fc.assert(
    fc.property(pairs, words, words, payload, ([src, dst], srcPort, dstPort, data) => {
      const tcp = encodeTcp(src, dst, { srcPort, dstPort, options: new Uint8Array(4) }, data)
      assert.equal(transportChecksum(src, dst, ipProtocol.tcp, tcp), 0)
      assert.deepEqual(good(decodeTcp(tcp)).payload, data)
      const udp = encodeUdp(src, dst, { srcPort, dstPort }, data)
      assert.equal(transportChecksum(src, dst, ipProtocol.udp, udp), 0)
      const decoded = good(decodeUdp(udp))
      assert.deepEqual([decoded.value.srcPort, decoded.value.dstPort, decoded.payload], [srcPort, dstPort, data])
      assert.notEqual(decoded.value.checksum, 0, 'zero says that there is no checksum')
    }),
  )
  fc.assert(fc.property(sized(20), (bytes) => assert.equal(checksum(bytes.fill(0, 10, 12)) <= 0xffff, true)))
})

test('ND options are padded to 8 bytes, and one of length 0 is refused', () => {
  const option = record({ type: octets, data: fc.nat(4).chain((n) => sized(n * 8 + 6)) })
  fc.assert(
    fc.property(fc.array(option, { maxLength: 4 }), (value) =>
      assert.deepEqual(good(decodeNdOptions(encodeNdOptions(value))).value, value),
    ),
  )
  assert.deepEqual(decodeNdOptions(new Uint8Array(8)), {
    ok: false,
    problem: { kind: 'invalid', format: 'ND option', field: 'length', found: 0 },
  })
})

test('VXLAN', () => {
  fc.assert(
    fc.property(fc.nat(0xffffff), payload, (vni, inner) => {
      const decoded = good(decodeVxlan(encodeVxlan(vni as Vni, inner)))
      assert.deepEqual([decoded.value.vni, decoded.payload], [vni, inner])
    }),
  )
  assert.equal(decodeVxlan(encodeVxlan(1 as Vni, new Uint8Array(), 0)).ok, false, 'the I flag is missing')
})

test('DHCP, with options longer than one may be', () => {
  const codes = fc.integer({ min: 1, max: 254 })
  const options = fc
    .uniqueArray(fc.tuple(codes, fc.uint8Array({ maxLength: 600 })), { selector: ([code]) => code, maxLength: 6 })
    .map((list) => new Map(list))
  const message = record({
    op: fc.constantFrom(...Object.values(dhcpOp)),
    xid: fc.nat(),
    secs: words,
    flags: words,
    ciaddr: fours,
    yiaddr: fours,
    siaddr: fours,
    giaddr: fours,
    chaddr: macs,
    options,
  })
  fc.assert(fc.property(message, (value) => assert.deepEqual(good(decodeDhcp(encodeDhcp(value))).value, value)))
})

test('a value that does not fit its field is a bug, and throws', () => {
  assert.throws(() => asMac(new Uint8Array(5)), RangeError)
  assert.throws(() => asIpv4(new Uint8Array(16)), RangeError)
  assert.throws(() => encodeUdp(ipv4From('10.0.0.1'), ipv4From('10.0.0.2'), { srcPort: 65536, dstPort: 1 }, new Uint8Array()), RangeError)
  assert.throws(() => encodeIpv6({ src: ipv6From('::1'), dst: ipv6From('::1'), nextHeader: 256 }, new Uint8Array()), RangeError)
})
