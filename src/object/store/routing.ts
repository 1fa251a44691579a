/** What follows from subnets and routers: their gateways, the prefixes of a router, and the keys to write anew. */
import { routePlace, type Route } from '#abi/route.ts'
import { toMapped, type Ip } from '#wire/ip-address.ts'
import { contains, formatPrefix, nthAddress, overlaps, type Prefix } from '#wire/prefix.ts'
import { equal } from '#wire/struct.ts'
import { addressKey, segmentOf } from './keys.ts'
import type { Model, Router, Subnet, Switch } from './model.ts'
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
  if (target.kind === 'instance' && subnetWith(router, target.address) === undefined)
    return [
      'no subnet of the router has that address for a station',
      'name a station of one of its subnets, or put its subnet into the router first',
    ]
  if (target.kind !== 'peer') return undefined
  if (target.router === router.id) return ['that is the router itself', 'its own subnets need no route']
  if (model.find('vpcrtr', target.router) === undefined) return ['there is no such router on this host', 'create it first']
  return undefined
}

/** Routes by their places, the last of each place. */
export const routesByPlace = (routes: readonly Route[]): Map<string, Route> => new Map(routes.map((route) => [routePlace(route), route]))

/** Mark all that the tables say about a subnet now. Call it before and after a change of it. */
export function touchSubnet(tx: Transaction, subnet: Subnet): void {
  tx.dirty.records.add(subnet)
  const { switch: sw, router, vni } = subnet
  if (sw === null) return
  tx.dirty.records.add(sw)
  tx.dirty.segments.add(segmentOf(sw, vni))
  if (router !== null) tx.dirty.records.add(router)
}
