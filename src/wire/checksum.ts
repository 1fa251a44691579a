/**
 * The Internet checksum (RFC 1071), alone and over the pseudo-headers of IPv4 (RFC 9293) and IPv6 (RFC 8200, section
 * 8.1).
 */
import { isIpv4, type Ip } from './ip-address.ts'

/** The sum of 16-bit words, not folded; an odd last byte is padded with a zero. */
function sumOf(bytes: Uint8Array): number {
  let sum = 0
  for (let i = 0; i + 1 < bytes.length; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!
  if (bytes.length % 2 === 1) sum += bytes.at(-1)! << 8
  return sum
}

function fold(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000)
  return folded
}

/** The checksum of bytes whose own checksum field is zero. Over bytes with a right one, it is 0. */
export const checksum = (bytes: Uint8Array): number => ~fold(sumOf(bytes)) & 0xffff

/** The checksum of a TCP, UDP or ICMPv6 message together with the pseudo-header of the packet that carries it. */
export function transportChecksum(src: Ip, dst: Ip, protocol: number, message: Uint8Array): number {
  // Both pseudo-headers add up to the same: addresses, length, protocol; IPv6's length has 32 bits.
  const length = isIpv4(src) ? message.length & 0xffff : message.length
  const words = (length >>> 16) + (length & 0xffff) + protocol
  return ~fold(sumOf(src) + sumOf(dst) + words + sumOf(message)) & 0xffff
}

/** The checksum of a UDP datagram as it is sent: 0 stands for 'none', so a sum of 0 is sent as 0xffff (RFC 768). */
export const udpChecksum = (src: Ip, dst: Ip, datagram: Uint8Array): number => transportChecksum(src, dst, 17, datagram) || 0xffff
