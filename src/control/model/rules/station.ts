/** Addresses of subnets: which ones a station can have, and which is free. */
import { formatIp, ipFrom, type Ip } from '#wire/ip-address.ts'
import { addressAt, familyIn, inTurn, ipText, numberOf, randomIpv6, spanOf, type Span } from '../candidates.ts'
import type { Draft } from '../draft.ts'
import { addressKey } from '../keys.ts'
import type { ObjectRecord } from '../record.ts'
import type { Networks } from './subnet.ts'

interface SubnetSpec extends Networks {
  readonly vpc: string
  readonly reserved: readonly string[]
  readonly pool: readonly string[]
}

/** What to do when a station cannot have an address. */
export const otherAddress = 'choose another, or none: then the API does'

/** Why no station can have an address; undefined when one can. */
export function objection(subnet: ObjectRecord, text: string): string | undefined {
  const spec = subnet.spec as unknown as SubnetSpec
  const family = familyIn(text)
  const network = spec[`network${family}`]
  if (network === undefined) return `subnet ${subnet.name} has no IPv${family} network`
  const n = numberOf(ipFrom(text))
  const { first, last } = spanOf(network)
  if (n < first || n > last) return `${text} is not in ${network} of subnet ${subnet.name}`
  const gateway = numberOf(ipFrom(spec[`gateway${family}`]!))
  if (n === first) return `${text} is the address of the network ${network} itself`
  if (n === gateway) return `${text} is the gateway of subnet ${subnet.name}`
  if (n === gateway + 1n) return `${text} answers DHCP and DNS in subnet ${subnet.name}`
  if (family === 4 && n === last) return `${text} is the broadcast address of ${network}`
  return spec.reserved.some((range) => inside(spanOf(range), n)) ? `${text} is reserved in subnet ${subnet.name}` : undefined
}

const inside = ({ first, last }: Span, n: bigint): boolean => first <= n && n <= last

/** A free address of a subnet. Throws a Problem when there is none. */
export function freeAddress(
  draft: Draft,
  subnet: ObjectRecord,
  family: 4 | 6,
  path: readonly (string | number)[],
  not: readonly string[] = [],
): string {
  const spec = subnet.spec as unknown as SubnetSpec
  const usable = function* (): Generator<Ip> {
    for (const ip of candidates(subnet.id, spec, family)) {
      const text = ipText(ip)
      if (!not.includes(text) && objection(subnet, text) === undefined) yield ip
    }
  }
  const free = draft.pick(usable(), (ip) => addressKey(spec.vpc, ip))
  if (free !== undefined) return formatIp(free)
  throw draft.problem('exhausted', path, `subnet ${subnet.name} has no free IPv${family} address`, {
    hint: 'destroy what is not needed, or take another subnet; an address that was given back rests for a minute',
  })
}

function* candidates(id: string, spec: SubnetSpec, family: 4 | 6): Generator<Ip> {
  const network = spec[`network${family}`]!
  const pool = spec.pool.filter((range) => familyIn(range) === family)
  if (family === 6 && pool.length === 0) return yield* randomIpv6(network)
  const spans = pool.length > 0 ? pool.map(spanOf) : [spanOf(network)]
  for (const n of inTurn(`${id}/${family}`, spans)) yield addressAt(n, family)
}
