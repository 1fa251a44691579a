/**
 * Packets that get another end by bpf/lib/nat-rewrite.h: byte for byte what their sender would have made of the other
 * address and port, with checksums that are computed anew. The kernel checks meanwhile that the sum of a device that
 * has summed up the whole packet (CHECKSUM_COMPLETE) stays right.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { encodeSkBuff, progTestRun } from '#kernel/bpf-program.ts'
import { BpfObject } from '#kernel/libbpf.ts'
import { ipv4Frame, ipv6Frame } from '#wire/frames.ts'
import { echoRest, encodeIcmp, encodeIcmpv6 } from '#wire/icmp.ts'
import { ipFrom, isIpv4, isIpv6, toMapped, type Ip } from '#wire/ip-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { fragmentExtension, paddingExtension } from '#wire/ipv6.ts'
import { macFrom } from '#wire/mac.ts'
import { concat } from '#wire/struct.ts'
import { encodeTcp } from '#wire/tcp.ts'
import { encodeUdp } from '#wire/udp.ts'
import { compileBpfFile } from './compile.ts'

const link = { srcMac: macFrom('02:00:00:00:00:01'), dstMac: macFrom('02:00:00:00:00:02') }
const kinds = ['tcp', 'udp', 'udp without a checksum', 'echo', 'gre'] as const

/** One end: an address, and a port or the identifier of an echo. */
interface End {
  readonly address: Ip
  readonly port: number
}
interface Flow {
  readonly kind: (typeof kinds)[number]
  readonly source: End
  readonly dest: End
  readonly payload: Uint8Array
}
/** How a flow's packet travels: whole with so many units of options, or as a fragment. */
interface Carriage {
  readonly options: number
  readonly fragment: 'none' | 'first' | 'later'
}
interface Case {
  readonly flow: Flow
  readonly carriage: Carriage
  readonly isDest: boolean
  /** Null: the address alone changes. */
  readonly port: number | null
  readonly to: Ip
}

const protocolOf = ({ kind, source }: Flow): number => {
  if (kind === 'echo') return isIpv4(source.address) ? ipProtocol.icmp : ipProtocol.icmpv6
  return kind === 'tcp' ? ipProtocol.tcp : kind === 'gre' ? 47 : ipProtocol.udp
}

/** What is above IP. */
function upperOf({ kind, source, dest, payload }: Flow): Uint8Array {
  const [src, dst, ports] = [source.address, dest.address, { srcPort: source.port, dstPort: dest.port }]
  const rest = echoRest(source.port, 7)
  if (kind === 'gre') return concat(Uint8Array.of(0, 0, 8, 0), payload)
  if (kind === 'tcp') return encodeTcp(src, dst, ports, payload)
  if (kind === 'echo')
    return isIpv6(src) && isIpv6(dst) ? encodeIcmpv6(src, dst, { type: 128, rest }, payload) : encodeIcmp({ type: 8, rest }, payload)
  const datagram = encodeUdp(src, dst, ports, payload)
  return kind === 'udp' ? datagram : datagram.fill(0, 6, 8)
}

const nops = (units: number): Uint8Array => new Uint8Array(units * 4).fill(1)

/** A packet of anything above IP. */
function frame(src: Ip, dst: Ip, protocol: number, upper: Uint8Array, { options, fragment }: Carriage): Uint8Array {
  const part = fragment === 'none' ? upper : fragment === 'first' ? upper.subarray(0, 24) : upper.subarray(24)
  const [offset, more] = [fragment === 'later' ? 24 : 0, fragment === 'first']
  if (isIpv4(src) && isIpv4(dst))
    return ipv4Frame(
      { ...link, src, dst, protocol, dontFragment: false, moreFragments: more, fragmentOffset: offset, options: nops(options) },
      part,
    )
  assert.ok(isIpv6(src) && isIpv6(dst))
  const cut = fragment === 'none' ? part : concat(fragmentExtension(protocol, { offset, more, id: 9 }), part)
  const first = fragment === 'none' ? protocol : ipProtocol.fragment
  if (!options) return ipv6Frame({ ...link, src, dst, nextHeader: first }, cut)
  return ipv6Frame({ ...link, src, dst, nextHeader: ipProtocol.destinationOptions }, concat(paddingExtension(first, options), cut))
}

const packetOf = (flow: Flow, carriage: Carriage): Uint8Array =>
  frame(flow.source.address, flow.dest.address, protocolOf(flow), upperOf(flow), carriage)

/** The slow way: the packet of a sender that has the other end. */
function changed(flow: Flow, isDest: boolean, to: Ip, port: number | null): Flow {
  const of = (end: End, changes: boolean): End => ({
    address: changes ? to : end.address,
    port: changes && port !== null ? port : end.port,
  })
  const { source, dest, kind } = flow
  /* An echo has one identifier, whichever end changes. */
  const echo = kind === 'echo' && isDest && port !== null ? { ...source, port } : of(source, !isDest)
  return { ...flow, source: kind === 'echo' ? echo : of(source, !isDest), dest: of(dest, isDest) }
}

let object: BpfObject
before(() => {
  object = BpfObject.open(compileBpfFile('nat-rewrite.bpf.c'))
  object.load()
})
after(() => object[Symbol.dispose]())

/** The packet that the program makes; the kernel refuses when the sum of the whole has become wrong. */
function rewrite(packet: Uint8Array, isDest: boolean, to: Ip, port: number | null): Uint8Array {
  const address = new DataView(toMapped(to).slice().buffer)
  const swapped = port === null ? 0 : ((port & 0xff) << 8) | (port >> 8)
  const cb = [0, 4, 8, 12].map((at) => address.getUint32(at, true))
  const last = swapped | (isDest ? 1 << 16 : 0) | (port === null ? 0 : 1 << 17)
  const context = encodeSkBuff({ cb: [...cb, last] })
  const { retval, dataOut } = progTestRun(object.program('rewrite').fd, { dataIn: packet, ctxIn: context, checksumComplete: true })
  assert.equal(retval, 0)
  return dataOut
}

const port = fc.integer({ min: 0, max: 65535 })
const addressIn = (version: number): fc.Arbitrary<Ip> =>
  version === 4
    ? fc.tuple(fc.integer({ min: 1, max: 126 }), fc.nat(255), fc.nat(255), fc.nat(255)).map((bytes) => ipFrom(bytes.join('.')))
    : fc.uint8Array({ minLength: 14, maxLength: 14 }).map((bytes) => Uint8Array.of(0x20, 1, ...bytes) as unknown as Ip)
const flowIn = (version: number): fc.Arbitrary<Flow> =>
  fc.record({
    kind: fc.constantFrom(...kinds),
    source: fc.record({ address: addressIn(version), port }),
    dest: fc.record({ address: addressIn(version), port: port.filter((p) => p !== 67 && p !== 68 && p !== 546 && p !== 547) }),
    payload: fc.uint8Array({ minLength: 24, maxLength: 80 }),
  })
const carriage: fc.Arbitrary<Carriage> = fc.record({
  options: fc.constantFrom(0, 0, 1, 3),
  fragment: fc.constantFrom('none', 'none', 'first', 'later'),
})
const cases = fc
  .constantFrom(4, 6)
  .chain((version) =>
    fc
      .record({ flow: flowIn(version), carriage, isDest: fc.boolean(), port: fc.option(port), to: addressIn(version) })
      .filter(({ flow, port }) => port === null || flow.kind !== 'gre'),
  )

test('a packet becomes what a sender with the other end would have sent', () => {
  fc.assert(
    fc.property(cases, ({ flow, carriage, isDest, port, to }: Case) => {
      const [was, is] = [packetOf(flow, carriage), packetOf(changed(flow, isDest, to, port), carriage)]
      assert.deepEqual(Buffer.from(rewrite(was, isDest, to, port)).toString('hex'), Buffer.from(is).toString('hex'))
    }),
    { numRuns: 1500 },
  )
})

/** An ICMP error of `from` about a flow's packet, of which `quote` bytes above Ethernet are quoted. */
function errorOf(from: Ip, to: Ip, flow: Flow, quoted: Carriage, quote: number, carried: Carriage): Uint8Array {
  const content = packetOf(flow, quoted).subarray(14, 14 + quote)
  const message =
    isIpv6(from) && isIpv6(to)
      ? encodeIcmpv6(from, to, { type: 1, code: 4 }, content)
      : encodeIcmp({ type: 3, code: 4, rest: 1400 }, content)
  return frame(from, to, isIpv4(from) ? ipProtocol.icmp : ipProtocol.icmpv6, message, carried)
}

const errors = fc.constantFrom(4, 6).chain((version) =>
  fc.record({
    flow: flowIn(version),
    router: addressIn(version),
    quoted: fc.record({ options: fc.constantFrom(0, 0, 2), fragment: fc.constantFrom('none', 'none', 'first', 'later') }),
    options: fc.constantFrom(0, 0, 2),
    isDest: fc.boolean(),
    port: fc.option(port),
    to: addressIn(version),
    quote: fc.constantFrom(8, 12, 16, 20, 60),
  }),
) as fc.Arbitrary<{
  flow: Flow
  router: Ip
  quoted: Carriage
  options: number
  isDest: boolean
  port: number | null
  to: Ip
  quote: number
}>

test('an ICMP error changes inside as well: the other end of what it quotes', () => {
  fc.assert(
    fc.property(errors, ({ flow, router, quoted, options, isDest, port: wanted, to, quote }) => {
      const [v4, at] = [isIpv4(router), flow.kind === 'gre' || quoted.fragment === 'later' ? null : wanted]
      /* The walk over the quotation knows no extension but the fragment's. */
      const inside: Carriage = { ...quoted, options: v4 ? quoted.options : 0 }
      const header = v4 ? 20 + inside.options * 4 : inside.fragment === 'none' ? 40 : 48
      const build = (flow: Flow, from: Ip, to: Ip): Uint8Array =>
        errorOf(from, to, flow, inside, header + quote, { options, fragment: 'none' })
      /* The error goes to the sender of the quoted packet, or comes from its receiver. */
      const [mine, after] = [isDest ? flow.source.address : router, changed(flow, !isDest, to, at)]
      const was = isDest ? build(flow, router, mine) : build(flow, mine, flow.source.address)
      const is = isDest ? build(after, router, to) : build(after, to, flow.source.address)
      assert.deepEqual(Buffer.from(rewrite(was, isDest, to, at)).toString('hex'), Buffer.from(is).toString('hex'))
    }),
    { numRuns: 1500 },
  )
})
