/** IPv4 addresses: 4 bytes, and their text, four decimal numbers and nothing else. */
import { failure, must, success, type Result } from './result.ts'
import { fixed } from './struct.ts'

declare const ipv4Brand: unique symbol
/** 4 bytes in network order. */
export type Ipv4 = Uint8Array & { readonly [ipv4Brand]: true }

/** The field of a format. */
export const ipv4 = fixed<Ipv4>(4)

/**
 * Four decimal numbers from 0 to 255 with dots. What inet_aton(3) takes besides, octal `010.1.1.1`, short `10.1` and
 * hexadecimal `0x7f.1`, is refused: the same text means different hosts to different programs.
 */
export function parseIpv4(text: string): Result<Ipv4> {
  const no = (why: string): Result<Ipv4> => failure(`'${text}' is not an IPv4 address${why}`)
  const groups = text.split('.')
  if (!groups.every((group) => /^[0-9]{1,3}$/.test(group))) return no('')
  if (groups.length !== 4) return no(': it takes four numbers')
  for (const group of groups) {
    if (group.length > 1 && group.startsWith('0')) return no(`: '${group}' has a leading zero`)
    if (Number(group) > 255) return no(`: ${group} is more than 255`)
  }
  return success(Uint8Array.from(groups, Number) as Ipv4)
}

/** A constant. Throws TypeError when the text is not an IPv4 address. */
export const ipv4From = (text: string): Ipv4 => must(parseIpv4(text))

/** Take 4 bytes for an address. Throws RangeError for another length. */
export function asIpv4(bytes: Uint8Array): Ipv4 {
  if (bytes.length !== 4) throw new RangeError(`an IPv4 address has 4 bytes, not ${bytes.length}`)
  return bytes as Ipv4
}

/** Throws RangeError when there are not 4 bytes. */
export const formatIpv4 = (bytes: Uint8Array): string => asIpv4(bytes).join('.')
