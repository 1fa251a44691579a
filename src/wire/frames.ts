/**
 * Whole Ethernet frames put together from named fields, with right lengths and checksums. Tests send them, and so does
 * every part that has to send a packet. The addresses decide between IPv4 and IPv6.
 */
import { arp, arpEthernetIpv4, arpOp } from './arp.ts'
import { encodeEthernet, ethertype } from './ethernet.ts'
import { echoRest, encodeIcmp, encodeIcmpv6, fragmentationNeeded, icmpType, icmpv6Type } from './icmp.ts'
import { isIpv4, isIpv6, type Ip } from './ip-address.ts'
import type { Ipv4 } from './ipv4-address.ts'
import { encodeIpv4, ipProtocol, type Ipv4Fields } from './ipv4.ts'
import { encodeIpv6, type Ipv6Fields } from './ipv6.ts'
import { broadcastMac, zeroMac, type Mac } from './mac.ts'
import { encodeTcp, type TcpFields } from './tcp.ts'
import { encodeUdp, udpPort, type UdpFields } from './udp.ts'
import type { Vni } from './vni.ts'
import { encodeVxlan, vxlanFlagVni } from './vxlan.ts'

/** Where a frame comes from and goes to on its link. */
export interface Link {
  readonly srcMac: Mac
  readonly dstMac: Mac
  /** VLAN id of an 802.1Q tag; none when left out. */
  readonly vlan?: number
}

/** Where a packet comes from and goes to; both addresses are of one family. */
export interface Path extends Link {
  readonly src: Ip
  readonly dst: Ip
  /** TTL or hop limit. */
  readonly ttl?: number
  /** TOS or traffic class. */
  readonly tos?: number
}

const nothing: Uint8Array = new Uint8Array()

/** Any Ethernet II frame. */
export function ethernetFrame({ srcMac, dstMac, vlan, type }: Link & { readonly type: number }, payload = nothing): Uint8Array {
  const tags = vlan === undefined ? [] : [{ tpid: ethertype.vlan, pcp: 0, dei: false, vid: vlan }]
  return encodeEthernet({ dst: dstMac, src: srcMac, tags, type }, payload)
}

/** Any IPv4 packet, options and fragments included. */
export const ipv4Frame = (fields: Link & Ipv4Fields, payload = nothing): Uint8Array =>
  ethernetFrame({ ...fields, type: ethertype.ipv4 }, encodeIpv4(fields, payload))

/** Any IPv6 packet; extension headers are part of the payload. */
export const ipv6Frame = (fields: Link & Ipv6Fields, payload = nothing): Uint8Array =>
  ethernetFrame({ ...fields, type: ethertype.ipv6 }, encodeIpv6(fields, payload))

/** A packet of any protocol, of the addresses' family. */
export function ipFrame(path: Path & { readonly protocol: number }, payload = nothing): Uint8Array {
  const { src, dst, ttl = 64, tos = 0, protocol } = path
  if (isIpv4(src) && isIpv4(dst)) return ipv4Frame({ ...path, src, dst, ttl, tos, protocol }, payload)
  if (isIpv6(src) && isIpv6(dst)) return ipv6Frame({ ...path, src, dst, hopLimit: ttl, trafficClass: tos, nextHeader: protocol }, payload)
  throw new RangeError('source and destination are of two families')
}

/** UDP over IPv4 or IPv6. */
export const udpFrame = (fields: Path & UdpFields, payload = nothing): Uint8Array =>
  ipFrame({ ...fields, protocol: ipProtocol.udp }, encodeUdp(fields.src, fields.dst, fields, payload))

/** TCP over IPv4 or IPv6; a SYN when no flags are named. */
export function tcpFrame(fields: Path & TcpFields, payload = nothing): Uint8Array {
  const { options: _options, ...path } = fields // they are TCP's: IPv4's have the same name
  return ipFrame({ ...path, protocol: ipProtocol.tcp }, encodeTcp(fields.src, fields.dst, fields, payload))
}

/** An echo request (ping) over IPv4 or IPv6, or the reply to one. */
export function echoFrame(
  path: Path & { readonly reply?: boolean; readonly id?: number; readonly seq?: number },
  payload = nothing,
): Uint8Array {
  const { src, dst, reply = false, id = 1, seq = 1 } = path
  const rest = echoRest(id, seq)
  if (isIpv6(src) && isIpv6(dst)) {
    const type = reply ? icmpv6Type.echoReply : icmpv6Type.echoRequest
    return ipFrame({ ...path, protocol: ipProtocol.icmpv6 }, encodeIcmpv6(src, dst, { type, rest }, payload))
  }
  const type = reply ? icmpType.echoReply : icmpType.echoRequest
  return ipFrame({ ...path, protocol: ipProtocol.icmp }, encodeIcmp({ type, rest }, payload))
}

/**
 * The ICMP error that says a packet does not fit: fragmentation needed (RFC 1191) or packet too big (RFC 4443), with
 * the beginning of the packet, `original`, that caused it.
 */
export function tooBigFrame(path: Path & { readonly mtuBytes: number }, original: Uint8Array): Uint8Array {
  const { src, dst, mtuBytes } = path
  if (isIpv6(src) && isIpv6(dst)) {
    // As much of the packet as fits the minimum IPv6 MTU.
    const message = encodeIcmpv6(src, dst, { type: icmpv6Type.packetTooBig, rest: mtuBytes }, original.subarray(0, 1280 - 48))
    return ipFrame({ ...path, protocol: ipProtocol.icmpv6 }, message)
  }
  const message = encodeIcmp({ type: icmpType.unreachable, code: fragmentationNeeded, rest: mtuBytes }, original.subarray(0, 548))
  return ipFrame({ ...path, protocol: ipProtocol.icmp }, message)
}

/** Fields of an ARP packet. Missing ones get the values of an honest sender. */
export interface ArpFields {
  readonly sha: Mac
  readonly spa: Ipv4
  readonly tpa: Ipv4
  readonly tha?: Mac
  readonly srcMac?: Mac
  readonly dstMac?: Mac
  readonly vlan?: number
}

function arpFrame(op: number, fields: ArpFields & { readonly tha: Mac; readonly dstMac: Mac }): Uint8Array {
  const { sha, spa, tha, tpa, srcMac = sha } = fields
  return ethernetFrame({ ...fields, srcMac, type: ethertype.arp }, arp.encode({ ...arpEthernetIpv4, op, sha, spa, tha, tpa }))
}

/** Who has `tpa`? To everybody, unless `dstMac` says otherwise. */
export const arpRequest = (fields: ArpFields): Uint8Array =>
  arpFrame(arpOp.request, { ...fields, tha: fields.tha ?? zeroMac, dstMac: fields.dstMac ?? broadcastMac })

/** `spa` is at `sha`, told to `tha`. */
export const arpReply = (fields: ArpFields & { readonly tha: Mac }): Uint8Array =>
  arpFrame(arpOp.reply, { ...fields, dstMac: fields.dstMac ?? fields.tha })

/** The announcement of one's own address to everybody (RFC 5227, section 3): a request for it. */
export const gratuitousArp = ({ sha, spa, ...link }: Omit<ArpFields, 'tpa'>): Uint8Array => arpRequest({ sha, spa, tpa: spa, ...link })

export interface VxlanFields extends Path {
  readonly vni: Vni
  /** From a hash of the inner flow, in real life; 50000 when left out. */
  readonly srcPort?: number
  readonly dstPort?: number
  /** Of the VXLAN header; the I flag alone when left out. */
  readonly vxlanFlags?: number
}

/** An inner frame in VXLAN over UDP, IPv4 or IPv6. */
export function vxlanFrame(fields: VxlanFields, inner: Uint8Array): Uint8Array {
  const { vni, srcPort = 50000, dstPort = udpPort.vxlan, vxlanFlags = vxlanFlagVni } = fields
  return udpFrame({ ...fields, srcPort, dstPort }, encodeVxlan(vni, inner, vxlanFlags))
}

/** Change some bytes of a copy of a frame, for frames that no builder makes. */
export function patch(frame: Uint8Array, offset: number, ...bytes: readonly number[]): Uint8Array {
  if (offset + bytes.length > frame.length) throw new RangeError(`${bytes.length} bytes at ${offset} are beyond a frame of ${frame.length}`)
  const out = frame.slice()
  out.set(bytes, offset)
  return out
}
