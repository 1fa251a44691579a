/** Where a router sends packets to an address: the longest prefix of the table of the sender's subnet. */
import type { ObjectRecord } from '../model/record.ts'
import { familyOf, isGateway, networkWith, subnetSpec, vnicSpec, type Cloud } from './cloud.ts'
import { networksOf } from './groups.ts'
import { has } from './networks.ts'

export type Target =
  | { readonly kind: 'local'; readonly subnet: ObjectRecord }
  /** A subnet of the router without a vnic in the facility: hosts do not know it. */
  | { readonly kind: 'empty'; readonly subnet: ObjectRecord }
  | { readonly kind: 'outside' }
  | { readonly kind: 'guest'; readonly vnic: ObjectRecord; readonly via: string }
  | { readonly kind: 'peering'; readonly peering: ObjectRecord; readonly vpc: string }
  | { readonly kind: 'blackhole' }

export interface Route {
  readonly destination: string
  readonly target: Target
  /** The route table that has it; undefined: each has it. */
  readonly table?: ObjectRecord
}

/** A route that cannot be: hosts leave it out. */
export interface Skipped {
  readonly destination: string
  readonly table: ObjectRecord
  readonly why: string
  readonly code: 'next-hop' | 'peering'
  readonly thing: ObjectRecord | undefined
}

type RouteSpec = { readonly destination: string } & Readonly<Record<string, string>>

export interface Routing {
  readonly best: Route | undefined
  /** Routes for the address that would have been longer, and cannot be. */
  readonly skipped: readonly Skipped[]
}

/** Where packets go, and from which facility. */
export interface Toward {
  readonly address: string
  readonly facility: unknown
}

/** The route of a subnet's packets to an address, on the hosts of a facility. */
export function routeTo(cloud: Cloud, router: ObjectRecord, subnet: ObjectRecord, { address, facility }: Toward): Routing {
  const { routes, skipped } = cloud.once(`routes ${router.id} ${subnet.id} ${String(facility)}`, () =>
    routesOf(cloud, router, subnet, facility),
  )
  return longest(routes, skipped, address)
}

interface Routes {
  readonly routes: readonly Route[]
  readonly skipped: readonly Skipped[]
}

function routesOf(cloud: Cloud, router: ObjectRecord, subnet: ObjectRecord, facility: unknown): Routes {
  const routes: Route[] = []
  const skipped: Skipped[] = []
  const all = cloud.joined(router)
  const joined = all.filter(({ id }) => cloud.view.transits.placeOf(id, facility as string) !== undefined)
  for (const each of all) {
    const target = { kind: joined.includes(each) ? 'local' : 'empty', subnet: each } as const
    for (const network of networksOf(each)) if (network !== undefined) routes.push({ destination: network, target })
  }
  const own = new Set(routes.map(({ destination }) => destination))
  const { routeTable } = subnetSpec(subnet)
  const table = routeTable === undefined ? undefined : cloud.get('route-table', routeTable)
  if (table === undefined) {
    // Subnets that name no table go out, if the vpc has public addresses.
    if (cloud.publics(router.vpc!).length > 0) routes.push({ destination: '0.0.0.0/0', target: { kind: 'outside' } })
  } else
    for (const route of table.spec.routes as readonly RouteSpec[]) {
      const target = own.has(route.destination) ? undefined : targetOf(cloud, joined, table, route)
      if (target === undefined) continue
      if ('why' in target) skipped.push(target)
      else routes.push({ destination: route.destination, target, table })
    }
  return { routes, skipped }
}

function longest(routes: readonly Route[], skipped: readonly Skipped[], address: string): Routing {
  const lengthOf = (destination: string): number => Number(destination.split('/')[1])
  const fits = <T extends { readonly destination: string }>(all: readonly T[]): T[] =>
    all.filter(({ destination }) => has(destination, address)).sort((a, b) => lengthOf(b.destination) - lengthOf(a.destination))
  const best = fits(routes)[0]
  const than = best === undefined ? -1 : lengthOf(best.destination)
  return { best, skipped: fits(skipped).filter(({ destination }) => lengthOf(destination) > than) }
}

/** Where a route of a table leads; undefined: nowhere by itself, as every table has the subnets. */
function targetOf(cloud: Cloud, joined: readonly ObjectRecord[], table: ObjectRecord, route: RouteSpec): Target | Skipped | undefined {
  if (route.blackhole !== undefined) return { kind: 'blackhole' }
  if (route.nat !== undefined) return { kind: 'outside' }
  if (route.router !== undefined) return undefined
  if (route.peering !== undefined) return peeringTarget(cloud, table, route)
  const vnic = cloud.must('vnic', route.vnic!)
  const via = vnicSpec(vnic).addresses.find((each) => familyOf(each) === familyOf(route.destination))
  const isStation = via !== undefined && joined.some((subnet) => networkWith(subnet, via) !== undefined && !isGateway(subnet, via))
  if (isStation) return { kind: 'guest', vnic, via }
  const why = via === undefined ? 'the guest has no address of that family' : 'the router does not join the subnet of the guest'
  return { destination: route.destination, table, why, code: 'next-hop', thing: vnic }
}

function peeringTarget(cloud: Cloud, table: ObjectRecord, { destination, peering: id }: RouteSpec): Target | Skipped {
  const peering = cloud.must('peering', id!)
  const other = cloud.peers(table.vpc!).find((each) => each.peering === id)?.vpc
  if (other === undefined)
    return { destination, table, why: 'the other side has not accepted the peering', code: 'peering', thing: peering }
  const router = cloud.router(other)
  if (router === undefined) return { destination, table, why: 'the other vpc has no router', code: 'peering', thing: peering }
  return { kind: 'peering', peering, vpc: other }
}
