/** Addresses of either family: told apart by their length, and written as 16 bytes where a table takes both. */
import { asIpv4, formatIpv4, parseIpv4, type Ipv4 } from './ipv4-address.ts'
import { asIpv6, formatIpv6, isMapped, parseIpv6, type Ipv6 } from './ipv6-address.ts'
import { must, type Result } from './result.ts'

/** 4 or 16 bytes in network order. */
export type Ip = Ipv4 | Ipv6

export const isIpv4 = (address: Uint8Array): address is Ipv4 => address.length === 4
export const isIpv6 = (address: Uint8Array): address is Ipv6 => address.length === 16

/** 4 or 6. */
export const familyOf = (address: Ip): 4 | 6 => (isIpv4(address) ? 4 : 6)

/** An address of either family; what has a colon is read as IPv6. */
export const parseIp = (text: string): Result<Ip> => (text.includes(':') ? parseIpv6(text) : parseIpv4(text))

/** A constant. Throws TypeError when the text is not an address. */
export const ipFrom = (text: string): Ip => must(parseIp(text))

/** Take 4 or 16 bytes for an address. Throws RangeError for another length. */
export const asIp = (bytes: Uint8Array): Ip => (isIpv4(bytes) ? bytes : asIpv6(bytes))

/** The text of 4 or 16 bytes. Throws RangeError for another length. */
export const formatIp = (bytes: Uint8Array): string => (bytes.length === 4 ? formatIpv4(bytes) : formatIpv6(bytes))

/** The address in 16 bytes: IPv4 as ::ffff:a.b.c.d, IPv6 as it is. */
export function toMapped(address: Ip): Ipv6 {
  if (isIpv6(address)) return address
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...asIpv4(address)) as Ipv6
}

/** The reverse of `toMapped`. Throws RangeError when there are not 16 bytes. */
export const fromMapped = (bytes: Uint8Array): Ip => (isMapped(bytes) ? (bytes.slice(12) as Ipv4) : asIpv6(bytes))
