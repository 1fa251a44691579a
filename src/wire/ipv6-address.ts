/**
 * IPv6 addresses: 16 bytes, their text as RFC 4291 reads it and RFC 5952 writes it, and those made from a MAC or
 * another address.
 */
import { parseIpv4 } from './ipv4-address.ts'
import { asMac, type Mac } from './mac.ts'
import { failure, must, success, type Result } from './result.ts'
import { fixed } from './struct.ts'

declare const ipv6Brand: unique symbol
/** 16 bytes in network order. */
export type Ipv6 = Uint8Array & { readonly [ipv6Brand]: true }

/** The field of a format. */
export const ipv6 = fixed<Ipv6>(16)

/**
 * Any form of RFC 4291, section 2.2, in either case. A zone (`%eth0`) is refused: it names an interface, not an
 * address.
 */
export function parseIpv6(text: string): Result<Ipv6> {
  const no = (why: string): Result<Ipv6> => failure(`'${text}' is not an IPv6 address${why}`)
  if (text.includes('%')) return no(': a zone (%) is not allowed here')
  const [head, tail, ...more] = text.split('::')
  if (more.length > 0) return no(": '::' stands twice")
  const left = parseGroups(head!, tail === undefined)
  const right = tail === undefined ? [] : parseGroups(tail, true)
  if (left === undefined || right === undefined) return no('')
  const missing = 8 - left.length - right.length
  // '::' stands for one group at least.
  if (tail === undefined ? missing !== 0 : missing < 1) return no(`: it has ${left.length + right.length} groups`)
  const groups = [...left, ...Array<number>(missing).fill(0), ...right]
  return success(Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff])) as Ipv6)
}

/** Groups between colons; the last may be a dotted quad where the address ends. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(parseInt(part, 16))
      continue
    }
    const quad = last && i === parts.length - 1 && part.includes('.') ? parseIpv4(part) : undefined
    if (quad === undefined || !quad.ok) return undefined
    groups.push((quad.value[0]! << 8) | quad.value[1]!, (quad.value[2]! << 8) | quad.value[3]!)
  }
  return groups
}

/** A constant. Throws TypeError when the text is not an IPv6 address. */
export const ipv6From = (text: string): Ipv6 => must(parseIpv6(text))

/** Take 16 bytes for an address. Throws RangeError for another length. */
export function asIpv6(bytes: Uint8Array): Ipv6 {
  if (bytes.length !== 16) throw new RangeError(`an IPv6 address has 16 bytes, not ${bytes.length}`)
  return bytes as Ipv6
}

/**
 * The one text of RFC 5952: lower case, no leading zeros, `::` for the longest run of two or more zero groups, the
 * first of equal ones; a v4-mapped address ends in its dotted quad. Throws RangeError when there are not 16 bytes.
 */
export function formatIpv6(bytes: Uint8Array): string {
  const address = asIpv6(bytes)
  if (isMapped(address)) return `::ffff:${address.subarray(12).join('.')}`
  const groups = Array.from({ length: 8 }, (_, i) => (address[2 * i]! << 8) | address[2 * i + 1]!)
  const run = longestZeroRun(groups)
  const join = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':')
  if (run.length < 2) return join(groups)
  return `${join(groups.slice(0, run.start))}::${join(groups.slice(run.start + run.length))}`
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (const [i, group] of groups.entries()) {
    if (group !== 0) start = i + 1
    else if (i + 1 - start > best.length) best = { start, length: i + 1 - start }
  }
  return best
}

/** Whether the address is ::ffff:a.b.c.d. */
export const isMapped = (bytes: Uint8Array): boolean =>
  bytes.length === 16 && bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff

/** The modified EUI-64 link-local address that a MAC makes (RFC 4291, appendix A; RFC 2464, section 4). */
export function linkLocal(mac: Mac): Ipv6 {
  const [a, b, c, d, e, f] = asMac(mac) as unknown as [number, number, number, number, number, number]
  return Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f) as Ipv6
}

/** The solicited-node multicast address ff02::1:ffXX:XXXX of an address (RFC 4291, section 2.7.1). */
export function solicitedNode(address: Ipv6): Ipv6 {
  const out = ipv6From('ff02::1:ff00:0')
  out.set(address.subarray(13), 13)
  return out
}

/** The MAC 33:33:XX:XX:XX:XX that an IPv6 multicast address is sent to (RFC 2464, section 7). */
export const multicastMac = (group: Ipv6): Mac => Uint8Array.of(0x33, 0x33, ...group.subarray(12)) as Mac

export const unspecifiedIpv6 = ipv6From('::')
export const allNodes = ipv6From('ff02::1')
export const allRouters = ipv6From('ff02::2')
