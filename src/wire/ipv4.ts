/** The IPv4 header, RFC 791. */
import { checksum } from './checksum.ts'
import { ipv4, type Ipv4 } from './ipv4-address.ts'
import { invalid, truncated, type Decoded } from './result.ts'
import { concat, struct, u16be, u8, type Value } from './struct.ts'

/** Protocols, of IPv4 and of IPv6's next header. */
export const ipProtocol = {
  hopByHop: 0,
  icmp: 1,
  tcp: 6,
  udp: 17,
  routing: 43,
  fragment: 44,
  icmpv6: 58,
  noNext: 59,
  destinationOptions: 60,
} as const

/** The header without options. */
export const ipv4Header = struct('IPv4', {
  /** Version 4 in the top 4 bits, header length in 32-bit words below. */
  versionIhl: u8,
  tos: u8,
  totalLength: u16be,
  id: u16be,
  /** Flags in the top 3 bits, offset in 8-byte units below. */
  flagsOffset: u16be,
  ttl: u8,
  protocol: u8,
  checksum: u16be,
  src: ipv4,
  dst: ipv4,
})
export type Ipv4Header = Value<typeof ipv4Header>

export interface Ipv4Packet {
  readonly src: Ipv4
  readonly dst: Ipv4
  readonly protocol: number
  readonly ttl: number
  readonly tos: number
  readonly id: number
  readonly dontFragment: boolean
  readonly moreFragments: boolean
  /** In bytes. */
  readonly fragmentOffset: number
  readonly totalLength: number
  readonly options: Uint8Array
  readonly checksumOk: boolean
  /** Bytes of the packet that are not there, though its total length promises them. */
  readonly missing: number
}

/**
 * Decode a packet whose header is whole; its payload is cut where the total length ends, and `missing` says how much of
 * it is not there. A wrong checksum is told, not refused.
 */
export function decodeIpv4(bytes: Uint8Array): Decoded<Ipv4Packet> {
  const decoded = ipv4Header.decode(bytes)
  if (!decoded.ok) return decoded
  const header = decoded.value
  const headerLength = (header.versionIhl & 0xf) * 4
  if (header.versionIhl >> 4 !== 4) return invalid('IPv4', 'version', header.versionIhl >> 4)
  if (headerLength < ipv4Header.size) return invalid('IPv4', 'header length', headerLength)
  if (header.totalLength < headerLength) return invalid('IPv4', 'total length', header.totalLength)
  if (bytes.length < headerLength) return truncated('IPv4', headerLength, bytes.length)
  const value = {
    src: header.src,
    dst: header.dst,
    protocol: header.protocol,
    ttl: header.ttl,
    tos: header.tos,
    id: header.id,
    dontFragment: (header.flagsOffset & 0x4000) !== 0,
    moreFragments: (header.flagsOffset & 0x2000) !== 0,
    fragmentOffset: (header.flagsOffset & 0x1fff) * 8,
    totalLength: header.totalLength,
    options: bytes.slice(ipv4Header.size, headerLength),
    checksumOk: checksum(bytes.subarray(0, headerLength)) === 0,
    missing: Math.max(0, header.totalLength - bytes.length),
  }
  return { ok: true, value, payload: bytes.subarray(headerLength, header.totalLength) }
}

export interface Ipv4Fields {
  readonly src: Ipv4
  readonly dst: Ipv4
  readonly protocol: number
  readonly ttl?: number
  readonly tos?: number
  readonly id?: number
  readonly dontFragment?: boolean
  readonly moreFragments?: boolean
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset?: number
  /** A multiple of 4 bytes, 40 at most. */
  readonly options?: Uint8Array
}

/** Put a header, with its lengths and checksum, before a payload. */
export function encodeIpv4(fields: Ipv4Fields, payload: Uint8Array): Uint8Array {
  const { src, dst, protocol, ttl = 64, tos = 0, id = 0, dontFragment = true, moreFragments = false, fragmentOffset = 0 } = fields
  const options = fields.options ?? new Uint8Array()
  const headerLength = ipv4Header.size + options.length
  if (options.length % 4 !== 0 || options.length > 40) throw new RangeError(`${options.length} bytes of IPv4 options`)
  if (fragmentOffset % 8 !== 0 || fragmentOffset > 0xfff8) throw new RangeError(`IPv4 fragment offset ${fragmentOffset}`)
  const header = ipv4Header.encode({
    versionIhl: 0x40 | (headerLength / 4),
    tos,
    totalLength: headerLength + payload.length,
    id,
    flagsOffset: (dontFragment ? 0x4000 : 0) | (moreFragments ? 0x2000 : 0) | (fragmentOffset / 8),
    ttl,
    protocol,
    checksum: 0,
    src,
    dst,
  })
  const packet = concat(header, options, payload)
  new DataView(packet.buffer).setUint16(ipv4Header.offsets.checksum, checksum(packet.subarray(0, headerLength)))
  return packet
}
