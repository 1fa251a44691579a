/** UDP, RFC 768. */
import { udpChecksum } from './checksum.ts'
import type { Ip } from './ip-address.ts'
import { invalid, type Decoded } from './result.ts'
import { concat, struct, u16be, type Value } from './struct.ts'

export const udpHeader = struct('UDP', { srcPort: u16be, dstPort: u16be, length: u16be, checksum: u16be })
export type Udp = Value<typeof udpHeader>

export const udpPort = { dns: 53, dhcpServer: 67, dhcpClient: 68, dhcpv6Client: 546, dhcpv6Server: 547, vxlan: 4789 } as const

/** Decode; the payload is cut where the length ends. */
export function decodeUdp(bytes: Uint8Array): Decoded<Udp> {
  const decoded = udpHeader.decode(bytes)
  if (!decoded.ok) return decoded
  const { length } = decoded.value
  if (length < udpHeader.size) return invalid('UDP', 'length', length)
  return { ...decoded, payload: decoded.payload.subarray(0, length - udpHeader.size) }
}

export interface UdpFields {
  readonly srcPort: number
  readonly dstPort: number
}

/** Put a header with its length and checksum before a payload. */
export function encodeUdp(src: Ip, dst: Ip, { srcPort, dstPort }: UdpFields, payload: Uint8Array): Uint8Array {
  const datagram = concat(udpHeader.encode({ srcPort, dstPort, length: udpHeader.size + payload.length, checksum: 0 }), payload)
  new DataView(datagram.buffer).setUint16(udpHeader.offsets.checksum, udpChecksum(src, dst, datagram))
  return datagram
}
