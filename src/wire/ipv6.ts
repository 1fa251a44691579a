/** The IPv6 header and its extension headers, RFC 8200. */
import { ipProtocol } from './ipv4.ts'
import { ipv6, type Ipv6 } from './ipv6-address.ts'
import { invalid, truncated, type Decoded } from './result.ts'
import { concat, struct, u16be, u32be, u8, type Value } from './struct.ts'

export const ipv6Header = struct('IPv6', {
  /** Version 6 in the top 4 bits, traffic class in the next 8, flow label below. */
  versionClassLabel: u32be,
  payloadLength: u16be,
  nextHeader: u8,
  hopLimit: u8,
  src: ipv6,
  dst: ipv6,
})
export type Ipv6Header = Value<typeof ipv6Header>

export interface Ipv6Packet {
  readonly src: Ipv6
  readonly dst: Ipv6
  /** Of the first header after this one; `walkExtensions` finds the last. */
  readonly nextHeader: number
  readonly hopLimit: number
  readonly trafficClass: number
  readonly flowLabel: number
  readonly payloadLength: number
  /** Bytes of the payload that are not there, though its length promises them. */
  readonly missing: number
}

/** Decode a packet whose header is whole; its payload, extension headers included, is cut where its length ends. */
export function decodeIpv6(bytes: Uint8Array): Decoded<Ipv6Packet> {
  const decoded = ipv6Header.decode(bytes)
  if (!decoded.ok) return decoded
  const { versionClassLabel: word, payloadLength, nextHeader, hopLimit, src, dst } = decoded.value
  if (word >>> 28 !== 6) return invalid('IPv6', 'version', word >>> 28)
  const value = {
    src,
    dst,
    nextHeader,
    hopLimit,
    trafficClass: (word >>> 20) & 0xff,
    flowLabel: word & 0xfffff,
    payloadLength,
    missing: Math.max(0, payloadLength - decoded.payload.length),
  }
  return { ok: true, value, payload: decoded.payload.subarray(0, payloadLength) }
}

export interface Ipv6Fields {
  readonly src: Ipv6
  readonly dst: Ipv6
  readonly nextHeader: number
  readonly hopLimit?: number
  readonly trafficClass?: number
  readonly flowLabel?: number
}

/** Put a header with its length before a payload. */
export function encodeIpv6(fields: Ipv6Fields, payload: Uint8Array): Uint8Array {
  const { src, dst, nextHeader, hopLimit = 64, trafficClass = 0, flowLabel = 0 } = fields
  const versionClassLabel = ((6 << 28) | (trafficClass << 20) | flowLabel) >>> 0
  return concat(ipv6Header.encode({ versionClassLabel, payloadLength: payload.length, nextHeader, hopLimit, src, dst }), payload)
}

export interface Fragment {
  /** In bytes. */
  readonly offset: number
  readonly more: boolean
  readonly id: number
}

/** Where the extension headers end. */
export interface UpperLayer {
  readonly protocol: number
  /** Present when the packet has a fragment header; only offset 0 starts with the upper layer's header. */
  readonly fragment?: Fragment
  /** Next-header values that were passed over, in order. */
  readonly extensions: readonly number[]
}

/** Extension headers of one packet that are read; a packet with more is an attack. */
const maxExtensions = 8

/**
 * Walk a packet's payload over its extension headers to the upper layer, which is the payload of the result. The walk
 * stops behind a fragment header with an offset: what follows there is the middle of a packet.
 */
export function walkExtensions(nextHeader: number, payload: Uint8Array): Decoded<UpperLayer> {
  const extensions: number[] = []
  let protocol = nextHeader
  let rest = payload
  let fragment: Fragment | undefined
  while (isExtension(protocol) && !(fragment !== undefined && fragment.offset > 0)) {
    if (extensions.length === maxExtensions) return invalid('IPv6 extension headers', 'count', maxExtensions + 1)
    if (rest.length < 8) return truncated('IPv6 extension header', 8, rest.length)
    const length = protocol === ipProtocol.fragment ? 8 : (rest[1]! + 1) * 8
    if (rest.length < length) return truncated('IPv6 extension header', length, rest.length)
    if (protocol === ipProtocol.fragment) fragment = readFragment(rest)
    extensions.push(protocol)
    protocol = rest[0]!
    rest = rest.subarray(length)
  }
  return { ok: true, value: { protocol, extensions, ...(fragment && { fragment }) }, payload: rest }
}

const isExtension = (protocol: number): boolean =>
  protocol === ipProtocol.hopByHop ||
  protocol === ipProtocol.routing ||
  protocol === ipProtocol.fragment ||
  protocol === ipProtocol.destinationOptions

function readFragment(header: Uint8Array): Fragment {
  const view = new DataView(header.buffer, header.byteOffset, 8)
  const word = view.getUint16(2)
  return { offset: word & 0xfff8, more: (word & 1) === 1, id: view.getUint32(4) }
}

/** A hop-by-hop or destination options header of options that are padding alone; `units` of 8 bytes. */
export function paddingExtension(nextHeader: number, units = 1): Uint8Array {
  const header = new Uint8Array(units * 8)
  header[0] = nextHeader
  header[1] = units - 1
  for (let at = 2; at < header.length;) {
    const length = Math.min(header.length - at, 257)
    // Pad1 for a single byte, PadN for more.
    if (length > 1) header.set([1, length - 2], at)
    at += length
  }
  return header
}

/** A fragment header. */
export function fragmentExtension(nextHeader: number, { offset, more, id }: Fragment): Uint8Array {
  if (offset % 8 !== 0 || offset > 0xfff8) throw new RangeError(`IPv6 fragment offset ${offset}`)
  const header = new Uint8Array(8)
  const view = new DataView(header.buffer)
  header[0] = nextHeader
  view.setUint16(2, offset | (more ? 1 : 0))
  view.setUint32(4, id)
  return header
}
