/** The router of each vpc, with the routes of its tables. A switch has one router, so a vpc has one in effect. */
import type { RouteEntry, RouterItem, RouteTableItem, VpcItem } from '#feed/item.ts'
import type { Draft } from './draft.ts'
import { routerId, subnetId } from './ids.ts'
import type { Items } from './items.ts'

/** Numbers of route tables in a router; 0 is the table without routes, which subnets have that name none. */
const maxTables = 255

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
  const numbers = new Map(tables.slice(0, maxTables).map((table, i) => [table.id, i + 1]))
  for (const table of tables.slice(maxTables)) draft.refuse(table, 'no-room', `a router has ${maxTables} route tables at most`)
  for (const subnet of router.subnets) {
    const object = draft.object(subnetId(subnet))
    if (object === undefined) continue
    object.router = id
    object['route-table'] = numbers.get(items.get('subnet', subnet)?.routeTable ?? '') ?? 0
  }
  draft.add('routers', router, { id, routes: tables.flatMap((table) => routesOf(draft, items, vpc, table, numbers.get(table.id))) })
}

function routesOf(draft: Draft, items: Items, vpc: VpcItem, table: RouteTableItem, number: number | undefined): string[] {
  if (number === undefined) return []
  return table.routes.flatMap((route) => {
    const target = targetOf(draft, items, vpc, table, route)
    return target === undefined ? [] : [`${route.destination} ${target} table ${number}`]
  })
}

/** Where a route leads, in the words of documents. Undefined: to the subnets, which every table has, or nowhere yet. */
function targetOf(draft: Draft, items: Items, vpc: VpcItem, table: RouteTableItem, route: RouteEntry): string | undefined {
  if ('blackhole' in route) return 'blackhole'
  if ('nat' in route) return 'igw'
  if ('router' in route) return undefined
  if ('peering' in route) return peerTarget(draft, items, vpc, table, route.peering)
  const isSix = route.destination.includes(':')
  const via = route.via.find((address) => address.includes(':') === isSix)
  if (via !== undefined) return `via ${via}`
  draft.refuse(table, 'failed', `cannot route ${route.destination} to vnic ${route.vnic}: it has no address of that family`)
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
