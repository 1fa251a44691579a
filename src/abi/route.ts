/**
 * Routes of a router, for prefixes outside of its subnets. As a value, as text (`10.9.0.0/16 via 10.1.0.5`) and as
 * bytes of the ABI.
 */
import { asIp, formatIp, fromMapped, isIpv4, parseIp, toMapped, type Ip } from '#wire/ip-address.ts'
import { asIpv6 } from '#wire/ipv6-address.ts'
import { formatPrefix, networkOf, parseNetwork, type Prefix } from '#wire/prefix.ts'
import { equal } from '#wire/struct.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { bytes, cStruct, u32, u8, type Value } from './c-struct.ts'
import type { Codec, Decoded } from './codec.ts'
import { describeIdProblem, formatId, idBytes, parseId, type Id } from './id.ts'
import { decodeArray, encodeArray } from './layouts.ts'

/** Where the packets of a route go. */
export type RouteTarget =
  /** To the station with this address in a subnet of the router: one that forwards. */
  | { readonly kind: 'instance'; readonly address: Ip }
  /** To the stations of another router's subnets, but not further by that router's routes. */
  | { readonly kind: 'peer'; readonly router: Id }
  /** Nowhere, without a word. */
  | { readonly kind: 'blackhole' }
  /** Dropped, with an ICMP error to the sender. */
  | { readonly kind: 'unreachable' }
  /** To the outside, from the public address that a NAT gives to the sender. */
  | { readonly kind: 'igw' }

export interface Route {
  /** Without host bits. */
  readonly prefix: Prefix
  /** The router's table that has it: a subnet names the table that it uses. */
  readonly table: number
  readonly target: RouteTarget
}

export const maxRouteTable = 255

/** The kinds in the ABI's order; a new one is added at the end. */
export const routeKinds = ['blackhole', 'unreachable', 'instance', 'peer', 'igw'] as const satisfies readonly RouteTarget['kind'][]

/** One route, 56 bytes. */
export const routeEntry = cStruct({
  /** Network order; IPv4 as ::ffff:a.b.c.d. */
  prefix: bytes(16),
  /** In bits of the family: 24 for 10.0.0.0/24. */
  length: u8,
  /** 1 blackhole, 2 unreachable, 3 instance, 4 peer, 5 igw. */
  kind: u8,
  pad: bytes(2),
  table: u32,
  /** Of an instance, as the prefix; else zero. */
  address: bytes(16),
  /** Of a peer: the id of the other router; else zero. */
  peer: bytes(16),
})

/** The key of a route: there is one for each table and prefix. */
export const routePlace = ({ prefix, table }: Pick<Route, 'prefix' | 'table'>): string => `${table} ${formatPrefix(prefix)}`

function targetText(target: RouteTarget): string {
  if (target.kind === 'instance') return `via ${formatIp(target.address)}`
  return target.kind === 'peer' ? `peer ${target.router}` : target.kind
}

/** `10.9.0.0/16 via 10.1.0.5`, `0.0.0.0/0 blackhole table 2`. */
export const formatRoute = ({ prefix, table, target }: Route): string =>
  `${formatPrefix(prefix)} ${targetText(target)}${table === 0 ? '' : ` table ${table}`}`

const shape = "a prefix, then 'via ADDRESS', 'peer ROUTER', 'igw', 'blackhole' or 'unreachable', then 'table N' unless it is 0"

/** The reverse of `formatRoute`. */
export function parseRoute(text: string): Result<Route> {
  const words = text.trim().split(/\s+/)
  const number = words.at(-2) === 'table' ? words.splice(-2)[1] : '0'
  const table = /^\d{1,3}$/.test(number!) ? Number(number) : NaN
  if (!(table <= maxRouteTable)) return failure(`'${text}': a table is a number from 0 to ${maxRouteTable}`)
  const prefix = parseNetwork(words[0]!)
  if (!prefix.ok) return prefix
  const target = parseTarget(words[1], words.slice(2), prefix.value)
  if (target === undefined) return failure(`'${text}' is not a route; one is ${shape}`)
  return target.ok ? success({ prefix: prefix.value, table, target: target.value }) : target
}

function parseTarget(kind: string | undefined, rest: readonly string[], prefix: Prefix): Result<RouteTarget> | undefined {
  if ((kind === 'blackhole' || kind === 'unreachable' || kind === 'igw') && rest.length === 0) return success({ kind })
  if (rest.length !== 1) return undefined
  if (kind === 'peer') {
    const id = parseId(rest[0]!, 'vpcrtr')
    return id.ok ? success({ kind, router: id.id }) : failure(describeIdProblem(id.problem))
  }
  if (kind !== 'via') return undefined
  const address = parseIp(rest[0]!)
  if (!address.ok) return address
  if (isIpv4(address.value) !== isIpv4(prefix.address)) return failure(`${rest[0]} is of another family than ${formatPrefix(prefix)}`)
  return success({ kind: 'instance', address: address.value })
}

const zeros = new Uint8Array(16)

const toEntry = ({ prefix, table, target }: Route): Value<typeof routeEntry> => ({
  prefix: toMapped(prefix.address),
  length: prefix.length,
  kind: routeKinds.indexOf(target.kind) + 1,
  pad: new Uint8Array(2),
  table,
  address: target.kind === 'instance' ? toMapped(target.address) : zeros,
  peer: target.kind === 'peer' ? idBytes(target.router) : zeros,
})

function fromEntry({ prefix: bytesOfPrefix, length, kind, table, address, peer }: Value<typeof routeEntry>): Result<Route> {
  const prefix: Prefix = { address: asIp(fromMapped(asIpv6(bytesOfPrefix.slice()))), length }
  if (length > prefix.address.length * 8) return failure(`${formatIp(prefix.address)} has no prefix of ${length} bits`)
  if (!equal(networkOf(prefix).address, prefix.address))
    return failure(`'${formatPrefix(prefix)}' is not a network: it has host bits; the network is ${formatPrefix(networkOf(prefix))}`)
  if (table > maxRouteTable) return failure(`there is no table ${table}; a table is a number from 0 to ${maxRouteTable}`)
  const name = routeKinds[kind - 1]
  if (name === undefined)
    return failure(`${kind} is not a kind of route; they are ${routeKinds.map((each, i) => `${i + 1} ${each}`).join(', ')}`)
  if (name !== 'instance' && name !== 'peer') return success({ prefix, table, target: { kind: name } })
  const word = name === 'peer' ? formatId(peer) : formatIp(fromMapped(asIpv6(address.slice())))
  const target = parseTarget(name === 'peer' ? name : 'via', [word], prefix)!
  return target.ok ? success({ prefix, table, target: target.value }) : target
}

/** Routes, 56 bytes each. */
export const routesCodec: Codec<readonly Route[]> = {
  shape: 'array of `routeEntry`',
  encode: (routes) => encodeArray(routeEntry, routes.map(toEntry)),
  decode(input): Decoded<readonly Route[]> {
    const entries = decodeArray(routeEntry, input)
    if (entries === undefined) return { ok: false, why: `routes are ${routeEntry.size} bytes each; the input has ${input.length}` }
    const routes: Route[] = []
    for (const entry of entries) {
      const read = fromEntry(entry)
      if (!read.ok) return { ok: false, why: read.problem }
      routes.push(read.value)
    }
    return { ok: true, value: routes }
  },
  names: (routes) => routes.flatMap(({ target }) => (target.kind === 'peer' ? [target.router] : [])),
}
