/** ICMP for IPv4, RFC 792 and RFC 1191, and the head of ICMPv6 messages, RFC 4443, which has the same shape. */
import { checksum, transportChecksum } from './checksum.ts'
import { ipProtocol } from './ipv4.ts'
import type { Ipv6 } from './ipv6-address.ts'
import { concat, struct, u16be, u32be, u8, type Value } from './struct.ts'

export const icmpType = { echoReply: 0, unreachable: 3, redirect: 5, echoRequest: 8, timeExceeded: 11 } as const
/** Code of `unreachable`: the packet needs fragmentation and may not be fragmented. */
export const fragmentationNeeded = 4

export const icmpv6Type = {
  unreachable: 1,
  packetTooBig: 2,
  timeExceeded: 3,
  echoRequest: 128,
  echoReply: 129,
  mldQuery: 130,
  mldReport: 131,
  mldDone: 132,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
  redirect: 137,
  mldv2Report: 143,
} as const

/** The first 8 bytes of any ICMP message; what `rest` holds depends on the type. */
export const icmp = struct('ICMP', { type: u8, code: u8, checksum: u16be, rest: u32be })
export type Icmp = Value<typeof icmp>

export const icmpv6 = struct('ICMPv6', { type: u8, code: u8, checksum: u16be, rest: u32be })
export type Icmpv6 = Value<typeof icmpv6>

/** The identifier and sequence number of an echo, as its `rest`. */
export const echoRest = (id: number, seq: number): number => ((id << 16) | seq) >>> 0
export const splitEcho = (rest: number): { readonly id: number; readonly seq: number } => ({ id: rest >>> 16, seq: rest & 0xffff })

export interface IcmpFields {
  readonly type: number
  readonly code?: number
  readonly rest?: number
}

/** A message for IPv4, with its checksum. */
export function encodeIcmp({ type, code = 0, rest = 0 }: IcmpFields, payload: Uint8Array): Uint8Array {
  const message = concat(icmp.encode({ type, code, checksum: 0, rest }), payload)
  new DataView(message.buffer).setUint16(icmp.offsets.checksum, checksum(message))
  return message
}

/** A message for IPv6, with its checksum, which covers the addresses. */
export function encodeIcmpv6(src: Ipv6, dst: Ipv6, { type, code = 0, rest = 0 }: IcmpFields, payload: Uint8Array): Uint8Array {
  const message = concat(icmpv6.encode({ type, code, checksum: 0, rest }), payload)
  new DataView(message.buffer).setUint16(icmpv6.offsets.checksum, transportChecksum(src, dst, ipProtocol.icmpv6, message))
  return message
}
