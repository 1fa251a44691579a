/**
 * What the fuzzers start from: one honest frame of each kind that the datapath reads, with the eight bytes that
 * test/fuzz/input.h puts in front.
 */
import { arpReply, arpRequest, echoFrame, gratuitousArp, ipv4Frame, ipv6Frame, tcpFrame, tooBigFrame, udpFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { linkLocal, unspecifiedIpv6, type Ipv6 } from '#wire/ipv6-address.ts'
import { fragmentExtension, paddingExtension } from '#wire/ipv6.ts'
import { macFrom } from '#wire/mac.ts'
import { neighbourAdvertisement, neighbourSolicitation, routerAdvertisement, routerSolicitation } from '#wire/nd-frames.ts'
import { pushVlan } from '#wire/ethernet.ts'
import { tcpFlag } from '#wire/tcp.ts'
import { concat } from '#wire/struct.ts'

const macOf = (last: number) => macFrom(`02:00:00:00:00:${last.toString(16).padStart(2, '0')}`)
const v4 = (last: number): Ipv4 => ipFrom(`10.0.0.${last}`) as Ipv4
const v6 = (last: number): Ipv6 => ipFrom(`fd00::${last.toString(16)}`) as Ipv6
const payload = new Uint8Array(32)

/** Frames from one station to another. */
function framesOf(from: number, to: number): Uint8Array[] {
  const macs = { srcMac: macOf(from), dstMac: macOf(to) }
  const ip = { ...macs, src: v4(from), dst: v4(to) }
  const ip6 = { ...macs, src: v6(from), dst: v6(to) }
  const ports = { srcPort: 1000, dstPort: 2000 }
  const chain = concat(
    paddingExtension(ipProtocol.fragment),
    fragmentExtension(ipProtocol.icmpv6, { offset: 0, more: true, id: 1 }),
    payload,
  )
  return [
    tcpFrame({ ...ip, ...ports }, payload),
    tcpFrame({ ...ip6, ...ports }, new Uint8Array(1440)),
    udpFrame({ ...ip, srcPort: 68, dstPort: 67 }, payload),
    udpFrame({ ...macs, src: v4(from), dst: ipFrom('192.0.2.2'), srcPort: 50_000, dstPort: 4789 }, payload),
    udpFrame({ ...ip6, srcPort: 546, dstPort: 547 }, payload),
    echoFrame(ip, payload),
    echoFrame(ip6, payload),
    ipv4Frame({ ...ip, protocol: ipProtocol.udp, options: new Uint8Array(12), moreFragments: true }, payload),
    ipv6Frame({ ...ip6, nextHeader: ipProtocol.hopByHop }, chain),
    arpRequest({ sha: macOf(from), spa: v4(from), tpa: v4(to) }),
    arpReply({ sha: macOf(from), spa: v4(from), tha: macOf(to), tpa: v4(to) }),
    gratuitousArp({ sha: macOf(from), spa: v4(from) }),
    neighbourSolicitation({ srcMac: macOf(from), src: v6(from), target: v6(to) }),
    neighbourSolicitation({ srcMac: macOf(from), src: unspecifiedIpv6, target: v6(to) }),
    neighbourAdvertisement({ srcMac: macOf(from), src: v6(from) }),
    routerSolicitation({ srcMac: macOf(from), src: linkLocal(macOf(from)) }),
    routerAdvertisement({ srcMac: macOf(from), src: linkLocal(macOf(from)) }),
    pushVlan(tcpFrame({ ...ip, ...ports }, payload), 7),
  ]
}

/** The eight bytes in front of a packet: struct input. */
function header(selector: number, flags: number, length: number): Uint8Array {
  const bytes = Uint8Array.of(selector, flags, 34, 16, 0, 60, 0, 0)
  new DataView(bytes.buffer).setUint16(6, length, true)
  return bytes
}

const SUMMED = 16
const packet = (selector: number, frame: Uint8Array): Uint8Array => concat(header(selector, SUMMED, frame.length), frame)

/** Of `selector`: the sender is in a routed subnet. Of `flags`: its packet gets addresses of stations there. */
const ROUTED = 128
const HONEST = 128

/** What two stations of routed subnets, or one and the outside, say to each other. */
const talks: readonly (readonly [sport: number, dport: number])[] = [
  [40_000, 80],
  [40_000, 443],
  [53, 53],
  [5000, 2048],
]

/**
 * A frame of a routed subnet: input.h and stations.c put the addresses in, by the last byte of each: `to` says which
 * station or public address, `mac` which MAC; odd ones are the gateway's.
 */
function routedFrames(from: number, to: number, mac: number): Uint8Array[] {
  const macs = { srcMac: macOf(from), dstMac: macOf(mac) }
  const [ip, ip6] = [
    { ...macs, src: v4(from), dst: v4(to) },
    { ...macs, src: v6(from), dst: v6(to) },
  ]
  return [
    ...talks.flatMap(([srcPort, dstPort]) => [
      tcpFrame({ ...ip, srcPort, dstPort }),
      tcpFrame({ ...ip6, srcPort, dstPort }),
      udpFrame({ ...ip, srcPort, dstPort }, payload),
      udpFrame({ ...ip6, srcPort, dstPort }, payload),
    ]),
    echoFrame(ip, payload),
    echoFrame(ip6, payload),
    ipv4Frame({ ...ip, protocol: ipProtocol.udp, options: new Uint8Array(12), moreFragments: true }, payload),
    tooBigFrame({ ...ip, mtuBytes: 1400 }, tcpFrame({ ...ip, srcPort: 80, dstPort: 40_000 })),
  ]
}

const routedPacket = (selector: number, frame: Uint8Array): Uint8Array =>
  concat(header(selector | ROUTED, SUMMED | HONEST, frame.length), frame)

/** Numbers of addresses in stations.c: every third is a station, every third a public address. */
const destinations = [0, 3, 6, 9, 12, 15, 18, 21, 4, 7, 10, 13, 2, 5, 8, 11, 14, 17]

/** Inputs of routed subnets: a packet, and the same once more. */
function routedSeeds(program: Program): Uint8Array[] {
  const senders = program === 'unit' ? [0, 1, 2, 3, 4, 5] : program === 'wire' ? [1] : [64, 68, 72]
  return senders.flatMap((selector) =>
    destinations.flatMap((to) =>
      routedFrames(program === 'wire' ? 14 : selector, to, program === 'unit' ? 1 : to % 16).map((frame) =>
        concat(routedPacket(selector, frame), routedPacket(selector, frame)),
      ),
    ),
  )
}

/**
 * A connection that the groups of a station allow, and then packets of others between the same two stations, which they
 * refuse: some of them meet what is remembered of the first.
 */
function strangersBesideAConnection(): Uint8Array[] {
  const [client, server] = [
    { selector: 2, number: 6, mac: 4 },
    { selector: 0, number: 0, mac: 0 },
  ]
  const { syn, ack } = tcpFlag
  return [v4, v6].map((address) => {
    const send = (from: typeof client, to: typeof client, srcPort: number, dstPort: number, flags: number): Uint8Array => {
      const ends = { srcMac: macOf(0), dstMac: macOf(to.mac), src: address(0), dst: address(to.number), srcPort, dstPort, flags }
      return routedPacket(from.selector, tcpFrame(ends as Parameters<typeof tcpFrame>[0]))
    }
    const begun = [
      send(client, server, 40_000, 80, syn),
      send(server, client, 80, 40_000, syn | ack),
      send(client, server, 40_000, 80, ack),
    ]
    return concat(...begun, ...Array.from({ length: 16 }, (_, i) => send(client, server, 40_000 + i, 443, ack)))
  })
}

/** Connections of one station and one address outside, in turn, by a port that all share. */
function connectionsOutside(): Uint8Array[] {
  const ends = { srcMac: macOf(0), dstMac: macOf(1), dstPort: 443 }
  const ports = Array.from({ length: 16 }, (_, i) => 5000 + (i % 8))
  return [v4, v6].flatMap((address) => {
    const ip = { ...ends, src: address(0), dst: address(14) } as Parameters<typeof udpFrame>[0]
    return [
      concat(...ports.map((srcPort) => routedPacket(2, udpFrame({ ...ip, srcPort }, payload)))),
      concat(...ports.map((srcPort, i) => routedPacket(2, tcpFrame({ ...ip, srcPort, flags: i < 8 ? tcpFlag.syn : tcpFlag.ack })))),
    ]
  })
}

type Program = 'unit' | 'mux' | 'underlay' | 'wire'

/** Inputs for a program's fuzzer; two packets of a flow each, of which the second meets what was remembered. */
export function seedsFor(program: Program): Uint8Array[] {
  if (program === 'wire') return routedSeeds(program)
  const pairs: readonly (readonly [selector: number, from: number, to: number])[] =
    program === 'unit'
      ? [
          [64, 1, 2],
          [64, 1, 9],
          [65, 2, 1],
          [3, 4, 1],
          [64, 2, 77],
          [64, 3, 77],
        ]
      : [
          [64, 9, 1],
          [65, 10, 2],
          [64, 9, 4],
        ]
  const plain = pairs.flatMap(([selector, from, to]) =>
    framesOf(from, to).map((frame) => concat(packet(selector, frame), packet(selector, frame))),
  )
  return [...plain, ...routedSeeds(program), ...(program === 'unit' ? [...strangersBesideAConnection(), ...connectionsOutside()] : [])]
}
