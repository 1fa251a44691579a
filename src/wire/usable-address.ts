/** Which addresses a host can have as its own. */
import { isMapped } from './ipv6-address.ts'

/**
 * Whether 16 bytes (IPv4 as ::ffff:a.b.c.d) are an address of one host: not unspecified, loopback, multicast or
 * broadcast.
 */
export function isUsableAddress(address: Uint8Array): boolean {
  if (isMapped(address)) return address[12] !== 0 && address[12] !== 127 && address[12]! < 224
  if (address[0] === 0xff) return false
  // :: and ::1
  return !address.subarray(0, 15).every((byte) => byte === 0) || address[15]! > 1
}
