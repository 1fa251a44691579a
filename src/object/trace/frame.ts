/** The frames that a unit would send: for a packet that somebody asks about, and for its destination's MAC. */
import type { PacketRequest } from '#abi/trace.ts'
import { echoFrame, ipFrame, tcpFrame, udpFrame, arpRequest, type Path } from '#wire/frames.ts'
import { isIpv4, isIpv6, type Ip } from '#wire/ip-address.ts'
import { broadcastMac, type Mac } from '#wire/mac.ts'
import { neighbourSolicitation } from '#wire/nd-frames.ts'
import { multicastMac } from '#wire/ipv6-address.ts'
import { ethertype, pushVlan } from '#wire/ethernet.ts'
import { ipv4Header } from '#wire/ipv4.ts'
import { encodeSctp, sctpProtocol } from '#wire/sctp.ts'
import { ipv6Header } from '#wire/ipv6.ts'

/** Both ends of a packet, and the tag of its frame. */
export interface Ends {
  readonly mac: Mac
  readonly from: Ip
  readonly to: Ip
  /** 0: none. */
  readonly vlan: number
}

const ethernetBytes = 14

/** Why the kernel runs no such frame (BPF_PROG_TEST_RUN): it has less than its headers. Undefined: it does. */
export function shortness(frame: Uint8Array): string | undefined {
  const type = frame.length < ethernetBytes ? 0 : (frame[12]! << 8) | frame[13]!
  const least = ethernetBytes + (type === ethertype.ipv4 ? ipv4Header.size : type === ethertype.ipv6 ? ipv6Header.size : 1)
  return frame.length < least ? `the frame has ${frame.length} bytes; one of its type has ${least} at least` : undefined
}

const tagged = (frame: Uint8Array, vlan: number): Uint8Array => (vlan === 0 ? frame : pushVlan(frame, vlan))

/** The question for the MAC of an address. */
export function questionFrame({ mac, from, vlan }: Ends, target: Ip): Uint8Array {
  if (isIpv4(from) && isIpv4(target)) return tagged(arpRequest({ sha: mac, spa: from, tpa: target }), vlan)
  if (isIpv6(from) && isIpv6(target)) return tagged(neighbourSolicitation({ srcMac: mac, src: from, target }), vlan)
  throw new RangeError('source and destination are of two families')
}

/** The MAC of addresses that are for more than one station; undefined: it must be asked for. */
export function groupMac(to: Ip): Mac | undefined {
  if (isIpv6(to)) return to[0] === 0xff ? multicastMac(to) : undefined
  if (to.every((byte) => byte === 255)) return broadcastMac
  return to[0]! >= 224 && to[0]! < 240 ? (Uint8Array.of(1, 0, 0x5e, to[1]! & 0x7f, to[2]!, to[3]!) as Mac) : undefined
}

/** The packet that was asked about, in a frame to a MAC. */
export function packetFrame({ mac, from, to, vlan }: Ends, dstMac: Mac, request: PacketRequest): Uint8Array {
  const path: Path = { srcMac: mac, dstMac, src: from, dst: to, ttl: request.ttl }
  const least = build(path, request, new Uint8Array(0))
  const room = request.size === null ? 0 : request.size + ethernetBytes - least.length
  return tagged(room > 0 ? build(path, request, new Uint8Array(room)) : least, vlan)
}

function build(path: Path, { protocol, port, sourcePort, flags }: PacketRequest, payload: Uint8Array): Uint8Array {
  const ports = { srcPort: sourcePort, dstPort: port }
  if (protocol === 'tcp') return tcpFrame({ ...path, ...ports, flags }, payload)
  if (protocol === 'udp') return udpFrame({ ...path, ...ports }, payload)
  if (protocol === 'sctp') return ipFrame({ ...path, protocol: sctpProtocol }, encodeSctp(ports, payload))
  if (protocol === 'icmp') return echoFrame({ ...path, id: sourcePort }, payload)
  return ipFrame({ ...path, protocol }, payload)
}
