/** Networks in CIDR form: an address and how many of its bits are fixed. */
import { formatIp, isIpv4, parseIp, type Ip } from './ip-address.ts'
import { equal } from './struct.ts'
import { failure, must, success, type Result } from './result.ts'

/** `address` may have host bits: an interface's address with its prefix length is a prefix as well. */
export interface Prefix {
  readonly address: Ip
  readonly length: number
}

/** `10.0.0.1/24`, `fd00::/64`. Host bits may be set; `parseNetwork` refuses them. */
export function parsePrefix(text: string): Result<Prefix> {
  const slash = text.indexOf('/')
  if (slash < 0) return failure(`'${text}' has no prefix length; one looks like 10.0.0.0/24`)
  const address = parseIp(text.slice(0, slash))
  if (!address.ok) return failure(`'${text}' is not a network: ${address.problem}`)
  const lengthText = text.slice(slash + 1)
  const max = bitsOf(address.value)
  const length = /^(0|[1-9][0-9]{0,2})$/.test(lengthText) ? Number(lengthText) : NaN
  if (!(length <= max)) return failure(`'${text}' is not a network: the prefix length is a number from 0 to ${max}`)
  return success({ address: address.value, length })
}

/** A network without host bits. */
export function parseNetwork(text: string): Result<Prefix> {
  const prefix = parsePrefix(text)
  if (!prefix.ok) return prefix
  const network = networkOf(prefix.value)
  if (equal(network.address, prefix.value.address)) return prefix
  return failure(`'${text}' is not a network: it has host bits; the network is ${formatPrefix(network)}`)
}

/** A constant. Throws TypeError when the text is not a prefix. */
export const prefixFrom = (text: string): Prefix => must(parsePrefix(text))

export const formatPrefix = ({ address, length }: Prefix): string => `${formatIp(address)}/${length}`

const bitsOf = (address: Ip): number => (isIpv4(address) ? 32 : 128)

/** Byte `i` of the mask of a prefix of this length. */
const maskByte = (length: number, i: number): number => 0xff & ~(0xff >> Math.min(8, Math.max(0, length - 8 * i)))

/** The prefix without its host bits. */
export const networkOf = ({ address, length }: Prefix): Prefix => ({
  address: address.map((byte, i) => byte & maskByte(length, i)) as Ip,
  length,
})

/** Whether an address lies in a network. The other family never does. */
export const contains = ({ address, length }: Prefix, candidate: Ip): boolean =>
  address.length === candidate.length && address.every((byte, i) => ((byte ^ candidate[i]!) & maskByte(length, i)) === 0)

/** Whether two networks have an address in common. */
export const overlaps = (a: Prefix, b: Prefix): boolean =>
  contains(a.length <= b.length ? a : b, a.length <= b.length ? b.address : a.address)

/** The address at an offset from the network's first. Undefined when it lies outside. */
export function nthAddress(prefix: Prefix, n: number | bigint): Ip | undefined {
  const network = networkOf(prefix)
  let rest = BigInt(n)
  if (rest < 0n || rest >= 1n << BigInt(bitsOf(prefix.address) - prefix.length)) return undefined
  const out = network.address.slice()
  for (let i = out.length - 1; rest > 0n; i--, rest >>= 8n) out[i]! |= Number(rest & 0xffn)
  return out as Ip
}

/** How many bits of the mask a prefix of IPv4 has, as an address: 255.255.255.0 for 24. */
export const maskOf = ({ address, length }: Prefix): Ip => address.map((_, i) => maskByte(length, i)) as Ip
