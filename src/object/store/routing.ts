/** What follows from subnets and routers: their gateways, the prefixes of a router, and the keys to write anew. */
import type { Id } from '#abi/id.ts'
import { maxRouteTable, routePlace, type Route } from '#abi/route.ts'
import { routesOf, vpcOfSwitch } from '#datapath/layout.ts'
import { familyOf, toMapped, type Ip } from '#wire/ip-address.ts'
import { contains, formatPrefix, nthAddress, overlaps, type Prefix } from '#wire/prefix.ts'
import { equal } from '#wire/struct.ts'
import type { RoutePlace } from './dirty.ts'
import { addressKey } from './keys.ts'
import { fleetingProblem, persists, type Model, type Router, type Subnet, type Switch, type VpcObject } from './model.ts'
import type { Transaction } from './transaction.ts'

/** The prefixes of a subnet, each with its gateway. */
export interface Network {
  readonly prefix: Prefix
  readonly gateway: Ip
}

const networkWith = (prefix: Prefix | null, gateway: Ip | null): Network[] =>
  prefix === null ? [] : [{ prefix, gateway: gateway ?? nthAddress(prefix, 1)! }]

/** Of IPv4, then of IPv6, as far as it has them. */
export const networksOf = ({
  prefix4,
  gateway4,
  prefix6,
  gateway6,
}: Pick<Subnet, 'prefix4' | 'gateway4' | 'prefix6' | 'gateway6'>): Network[] => [
  ...networkWith(prefix4, gateway4),
  ...networkWith(prefix6, gateway6),
]

/** The gateways of a subnet as keys. */
export const gatewayKeys = (subnet: Subnet): string[] => networksOf(subnet).map(({ gateway }) => addressKey(toMapped(gateway)))

/** The subnet of a router that has an address, other than as its gateway's. */
export const subnetWith = ({ subnets }: Router, address: Ip): Subnet | undefined =>
  [...subnets].find((subnet) => networksOf(subnet).some(({ prefix, gateway }) => contains(prefix, address) && !equal(gateway, address)))

/** The switch whose subnets a router joins. */
export const switchOf = ({ subnets }: Router): Switch | null => [...subnets][0]?.switch ?? null

/** The router of a switch. */
export const routerOf = ({ subnets }: Switch): Router | null => [...subnets].find(({ router }) => router !== null)?.router ?? null

/** Another subnet of a router that has addresses of a prefix. */
export function overlapping(router: Router, but: Subnet, prefix: Prefix): { readonly subnet: Subnet; readonly prefix: Prefix } | undefined {
  for (const subnet of router.subnets) {
    if (subnet === but) continue
    const other = networksOf(subnet).find(
      (network) => network.prefix.address.length === prefix.address.length && overlaps(network.prefix, prefix),
    )
    if (other !== undefined) return { subnet, prefix: other.prefix }
  }
  return undefined
}

/** Why a route has no next hop; undefined: it has one. */
export function routeProblem(model: Model, router: Router, { prefix, target }: Route): readonly [why: string, remedy: string] | undefined {
  const own = [...router.subnets].find((subnet) =>
    networksOf(subnet).some((network) => formatPrefix(network.prefix) === formatPrefix(prefix)),
  )
  if (own !== undefined)
    return [`${formatPrefix(prefix)} is subnet${own.unit}, which the router has anyway`, 'choose a longer or a shorter prefix']
  if (target.kind === 'instance') {
    const subnet = subnetWith(router, target.address)
    if (subnet !== undefined) return outlivedProblem(router, subnet, subnet.switch)
    return [
      'no subnet of the router has that address for a station',
      'name a station of one of its subnets, or put its subnet into the router first',
    ]
  }
  if (target.kind !== 'peer') return undefined
  if (target.router === router.id) return ['that is the router itself', 'its own subnets need no route']
  const peer = model.find('vpcrtr', target.router)
  return peer === undefined ? ['there is no such router on this host', 'create it first'] : outlivedProblem(router, peer)
}

/** What outlives vpcd leads only to what does, or a start would find a route to nowhere. */
function outlivedProblem(router: Router, ...named: readonly (VpcObject | null)[]): ReturnType<typeof fleetingProblem> {
  const objects = persists(router) ? named.filter((object) => object !== null) : []
  return objects.map(fleetingProblem).find((problem) => problem !== undefined)
}

/** Routes by their places, the last of each place. */
export const routesByPlace = (routes: readonly Route[]): Map<string, Route> => new Map(routes.map((route) => [routePlace(route), route]))

/** The VPC that a router routes; undefined: it joins no subnet. */
export function vpcOfRouter(router: Router): number | undefined {
  const sw = switchOf(router)
  return sw === null ? undefined : vpcOfSwitch(sw.unit)
}

/** A router, those that it has a route to, and those that have one to it. */
export function withPeers(model: Model, router: Router): Router[] {
  const peers = (from: Router): Id[] => from.routes.flatMap(({ target }) => (target.kind === 'peer' ? [target.router] : []))
  const own = new Set(peers(router))
  return [
    router,
    ...[...model.ofType('vpcrtr')].filter((other) => other !== router && (own.has(other.id) || peers(other).includes(router.id))),
  ]
}

/** The number of a router's table in the datapath. */
export const routeTableOf = ({ unit }: Router, table: number): number => unit * (maxRouteTable + 1) + table

/** The router of a trie. */
export const routerOfTable = (model: Model, trie: number): Router | undefined =>
  model.byType.vpcrtr.get(Math.floor(trie / 2 / (maxRouteTable + 1)))

/** The tables that its subnets use. */
export const tablesOf = ({ subnets }: Router): ReadonlySet<number> => new Set([...subnets].map(({ routeTable }) => routeTable))

const tableBits = 32
const mappedBits = 96

/** A prefix of a router's table as a key of table `routes`. */
export function placeOf(router: Router, table: number, { address, length }: Prefix): RoutePlace {
  const family = familyOf(address)
  return {
    length: tableBits + (family === 4 ? mappedBits : 0) + length,
    table: routesOf(routeTableOf(router, table), family),
    address: addressKey(toMapped(address)),
  }
}

export const placeKey = ({ length, table, address }: RoutePlace): string => `${length} ${table} ${address}`

/** The addresses of a subnet that somebody has, as keys, each once: a unit's address may be a neighbour's as well. */
export function* addressesIn({ switch: sw, vni }: Subnet): Generator<string> {
  if (sw === null) return
  const neighbours = sw.neighbours.vnis.get(vni)
  yield* neighbours?.keys() ?? []
  const units = new Set<string>()
  for (const port of sw.ports) if (port.vni === vni) for (const address of port.addresses) units.add(addressKey(address))
  for (const address of units) if (neighbours?.has(address) !== true) yield address
}

/** Note that somebody may have come to an address, or left it. */
export function touchHost(tx: Transaction, sw: Switch, address: string): void {
  if (sw.subnets.size > 0) tx.dirty.hosts.add(vpcOfSwitch(sw.unit), address)
}

/** Note all routes of a router as they are now. To be called before and after a change of them. */
export function touchRoutes(tx: Transaction, router: Router): void {
  const note = (table: number, prefix: Prefix): void => {
    const place = placeOf(router, table, prefix)
    tx.dirty.routes.set(placeKey(place), place)
  }
  for (const { table, prefix } of router.routes) note(table, prefix)
  for (const table of tablesOf(router))
    for (const subnet of router.subnets) for (const { prefix } of networksOf(subnet)) note(table, prefix)
}
