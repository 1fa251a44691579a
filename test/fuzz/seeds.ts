/**
 * What the fuzzers start from: one honest frame of each kind that the datapath reads, with the eight bytes that
 * test/fuzz/input.h puts in front.
 */
import { arpReply, arpRequest, echoFrame, gratuitousArp, ipv4Frame, ipv6Frame, tcpFrame, udpFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { linkLocal, unspecifiedIpv6, type Ipv6 } from '#wire/ipv6-address.ts'
import { fragmentExtension, paddingExtension } from '#wire/ipv6.ts'
import { macFrom } from '#wire/mac.ts'
import { neighbourAdvertisement, neighbourSolicitation, routerAdvertisement, routerSolicitation } from '#wire/nd-frames.ts'
import { pushVlan } from '#wire/ethernet.ts'
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

/** Inputs for a program's fuzzer; two packets of a flow each, of which the second meets what was remembered. */
export function seedsFor(program: 'unit' | 'mux' | 'underlay'): Uint8Array[] {
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
  return pairs.flatMap(([selector, from, to]) =>
    framesOf(from, to).map((frame) => concat(packet(selector, frame), packet(selector, frame))),
  )
}
