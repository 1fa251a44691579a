/** Candidates for what is allocated. Memory is only a hint: the claim in the commit decides. */
import { randomBytes, randomInt } from 'node:crypto'
import { formatIp, isIpv4, ipFrom, type Ip } from '#wire/ip-address.ts'
import { formatMac } from '#wire/mac.ts'
import { formatPrefix, prefixFrom } from '#wire/prefix.ts'

/** Random candidates before a search gives up. */
export const randomTries = 32

/** Addresses FIRST to LAST, as numbers. */
export interface Span {
  readonly first: bigint
  readonly last: bigint
}

/** Bytes as a number. */
export const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`)

/** A number as an address of a family. */
export const addressAt = (n: bigint, family: 4 | 6): Ip =>
  new Uint8Array(Buffer.from(n.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex')) as Ip

/** The numbers of a network, or of a range `FIRST-LAST`. */
export function spanOf(text: string): Span {
  if (text.includes('/')) {
    const { address, length } = prefixFrom(text)
    const first = numberOf(address)
    return { first, last: first + (1n << BigInt(address.length * 8 - length)) - 1n }
  }
  const [first, last = first] = text.split('-').map((each) => numberOf(ipFrom(each)))
  return { first: first!, last: last! }
}

/** 4 or 6, for a network, a range, or an address. */
export const familyIn = (text: string): 4 | 6 => (text.includes(':') ? 6 : 4)

/**
 * Where each process goes on: behind what it gave last, at a place of its own. So several processes rarely meet, and an
 * address that was given back is used again late.
 */
const cursors = new Map<string, bigint>()

/** Addresses of some spans in turn, from the cursor of `id` on, once around. */
export function* inTurn(id: string, spans: readonly Span[]): Generator<bigint> {
  const size = spans.reduce((sum, { first, last }) => sum + last - first + 1n, 0n)
  if (size === 0n) return
  const start = (cursors.get(id) ?? numberOf(randomBytes(8))) % size
  for (let i = 0n; i < size; i++) {
    const offset = (start + i) % size
    cursors.set(id, offset + 1n)
    yield nth(spans, offset)
  }
}

function nth(spans: readonly Span[], offset: bigint): bigint {
  let rest = offset
  for (const { first, last } of spans) {
    if (rest <= last - first) return first + rest
    rest -= last - first + 1n
  }
  throw new RangeError('the offset is outside')
}

/** Random interface identifiers of a /64. */
export function* randomIpv6(network: string): Generator<Ip> {
  const { address } = prefixFrom(network)
  for (let i = 0; i < randomTries; i++) {
    const ip = Uint8Array.from(address)
    ip.set(randomBytes(8), 8)
    yield ip as Ip
  }
}

/** Random unicast MACs that nobody registered: 02 and 40 random bits. */
export function* randomMacs(): Generator<string> {
  for (let i = 0; i < randomTries; i++) yield formatMac(Uint8Array.of(2, ...randomBytes(5)))
}

/** Numbers of a range: random ones, then all from a random place on. */
export function* numbers(first: number, last: number): Generator<number> {
  const any = (): number => randomInt(first, last + 1)
  for (let i = 0; i < randomTries; i++) yield any()
  const start = any()
  for (let n = start; n <= last; n++) yield n
  for (let n = first; n < start; n++) yield n
}

/** A random /48 of fd00::/8, RFC 4193. */
export function randomUla(): string {
  const address = new Uint8Array(16)
  address.set([0xfd, ...randomBytes(5)])
  return formatPrefix({ address: address as Ip, length: 48 })
}

/** The text of an address. */
export const ipText = (ip: Ip): string => formatIp(ip)

/** Whether an address is IPv4, by its text. */
export const isIpv4Text = (text: string): boolean => isIpv4(ipFrom(text))
