/** The router of each vpc, with the routes of its tables. A switch has one router, so a vpc has one in effect. */
import { createHash } from 'node:crypto'
import { maxRouteTable } from '#abi/route.ts'
import { formatPrefix } from '#wire/prefix.ts'
import type { RouteEntry, RouterItem, RouteTableItem, VpcItem } from '#feed/item.ts'
import type { Draft } from './draft.ts'
import { routerId, subnetId } from './ids.ts'
import type { Items } from './items.ts'
import { isStation, joinedOf, type Joined } from './joined.ts'

/**
 * Table 0 is that of subnets that name none: packets for no subnet go out, if the vpc has public addresses. A subnet
 * that is to stay inside names a table without such a route.
 */
const outside = '0.0.0.0/0 igw'

export function addRouters(draft: Draft, items: Items): void {
  for (const vpc of items.of('vpc')) {
    const router = routerOf(draft, items, vpc)
    if (router !== undefined) addRouter(draft, items, vpc, router)
  }
}

const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1)

/** The router that is in effect: of several, the one that was made first. */
function routerOf(draft: Draft, items: Items, { id }: VpcItem): RouterItem | undefined {
  const [first, ...others] = [...items.of('router')].filter(({ vpc, enabled }) => vpc === id && enabled).sort(byId)
  for (const other of others) {
    const remedy = `join its subnets to router ${first!.id}, or disable one`
    draft.refuse(other, 'conflict', `cannot have router ${other.id} as well: router ${first!.id} is that of the vpc; ${remedy}`)
  }
  return first
}

function addRouter(draft: Draft, items: Items, vpc: VpcItem, router: RouterItem): void {
  const tables = [...items.of('route-table')].filter((table) => table.vpc === vpc.id).sort(byId)
  const id = routerId(vpc.id)
  const numbers = numbersOf(tables.map((table) => table.id))
  for (const subnet of router.subnets) {
    const object = draft.object(subnetId(subnet))
    if (object === undefined) continue
    object.router = id
    object['route-table'] = numbers.get(items.get('subnet', subnet)?.routeTable ?? '') ?? 0
  }
  const isPublic = [...items.of('nat')].some((nat) => nat.vpc === vpc.id)
  const absent = router.absent ?? []
  const routes = tables.flatMap((table) => routesOf(draft, items, { vpc, table, absent }, numbers.get(table.id)))
  draft.add('routers', router, { id, routes: [...(isPublic ? [outside] : []), ...nowhere(absent, numbers), ...routes] })
}

/** Packets to a subnet that has no vnic go nowhere: no route of a wider prefix may have them, in any table. */
const nowhere = (absent: readonly string[], numbers: ReadonlyMap<string, number>): string[] =>
  absent.flatMap((network) => [0, ...numbers.values()].map((table) => `${network} unreachable${table === 0 ? '' : ` table ${table}`}`))

/**
 * Numbers of route tables. They follow from the ids, so a table that comes or goes leaves the numbers of others as they
 * are, but for those that want the same one.
 */
function numbersOf(tables: readonly string[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  const taken = new Set<number>()
  for (const id of tables.slice(0, maxRouteTable)) {
    let number = createHash('sha256').update(id).digest().readUInt32BE() % maxRouteTable
    while (taken.has(number)) number = (number + 1) % maxRouteTable
    taken.add(number)
    found.set(id, number + 1)
  }
  return found
}

interface Table {
  readonly vpc: VpcItem
  readonly table: RouteTableItem
  readonly absent: readonly string[]
}

function routesOf(draft: Draft, items: Items, { vpc, table, absent }: Table, number: number | undefined): string[] {
  if (number === undefined) {
    draft.refuse(table, 'no-room', `a router has ${maxRouteTable} route tables at most`)
    return []
  }
  const joined = joinedOf(draft, items, vpc.id)
  const own = new Set([...joined.networks.map(formatPrefix), ...absent])
  return table.routes.flatMap((route) => {
    // Every table has the subnets.
    const target = 'router' in route ? undefined : targetOf(draft, items, { vpc, table, joined }, route)
    if (target === undefined) return []
    if (!own.has(route.destination)) return [`${route.destination} ${target} table ${number}`]
    draft.refuse(table, 'failed', `cannot route ${route.destination} elsewhere: it is a subnet of the router; route a part of it`)
    return []
  })
}

interface Place {
  readonly vpc: VpcItem
  readonly table: RouteTableItem
  readonly joined: Joined
}

/** Where a route leads, in the words of documents. Undefined: nowhere yet. */
function targetOf(draft: Draft, items: Items, { vpc, table, joined }: Place, route: RouteEntry): string | undefined {
  if ('blackhole' in route) return 'blackhole'
  if ('nat' in route) return 'igw'
  if ('router' in route) return undefined
  if ('peering' in route) return peerTarget(draft, items, vpc, table, route.peering)
  const isSix = route.destination.includes(':')
  const via = route.via.find((address) => address.includes(':') === isSix)
  if (via !== undefined && isStation(joined, via)) return `via ${via}`
  const why = via === undefined ? 'it has no address of that family' : `the router does not join the subnet of ${via}; add it to the router`
  draft.refuse(table, 'failed', `cannot route ${route.destination} to vnic ${route.vnic}: ${why}`)
  return undefined
}

function peerTarget(draft: Draft, items: Items, { id }: VpcItem, table: RouteTableItem, peering: string): string | undefined {
  const other = items.get('peering', peering)?.vpcs.find((vpc) => vpc !== id)
  const hasRouter = other !== undefined && [...items.of('router')].some(({ vpc, enabled }) => vpc === other && enabled)
  if (hasRouter) return `peer ${routerId(other)}`
  const why = other === undefined ? 'the other side has not accepted it' : 'the other vpc has no router'
  draft.refuse(table, 'failed', `cannot route by peering ${peering}: ${why}`)
  return undefined
}
