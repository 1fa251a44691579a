/** Items of routing: routers, route tables, peerings. */
import type { PeeringItem, RouteEntry, RouterItem, RouteTableItem } from '#feed/item.ts'
import { childrenOf, placeOf, specOf, type View } from '../view.ts'

/** A router. */
export function routerItem(view: View, host: string, id: string): RouterItem | undefined {
  const spec = specOf(view, 'router', id) as
    | { readonly vpc: string; readonly enabled: boolean; readonly interfaces: readonly { readonly subnet: string }[] }
    | undefined
  if (spec === undefined) return undefined
  const subnets = spec.interfaces.map(({ subnet }) => subnet)
  const absent = subnets.flatMap((subnet) => (placeOf(view, host, subnet) === undefined ? networksOf(view, subnet) : []))
  return { kind: 'router', id, vpc: spec.vpc, subnets, ...(absent.length > 0 && { absent }), enabled: spec.enabled }
}

function networksOf(view: View, subnet: string): string[] {
  const { network4, network6 } = (specOf(view, 'subnet', subnet) ?? {}) as { readonly network4?: string; readonly network6?: string }
  return [network4, network6].filter((network) => network !== undefined)
}

type RouteSpec = { readonly destination: string } & Readonly<Record<string, string>>

/** A route table. */
export function routeTableItem(view: View, _: string, id: string): RouteTableItem | undefined {
  const spec = specOf(view, 'route-table', id) as { readonly vpc: string; readonly routes: readonly RouteSpec[] } | undefined
  if (spec === undefined) return undefined
  return { kind: 'route-table', id, vpc: spec.vpc, routes: spec.routes.map((route) => routeOf(view, route)) }
}

function routeOf(view: View, { destination, router, nat, vnic, peering }: RouteSpec): RouteEntry {
  if (router !== undefined) return { destination, router }
  if (nat !== undefined) return { destination, nat }
  if (vnic !== undefined) return { destination, vnic, via: (specOf(view, 'vnic', vnic)?.addresses ?? []) as readonly string[] }
  return peering === undefined ? { destination, blackhole: true } : { destination, peering }
}

/** Route tables that lead to a vnic. */
export const tablesThrough = ({ objects }: View, vnic: string): string[] =>
  objects.usersOf(vnic, 'route-table').map(({ record }) => record.id)

/** A peering to which both sides have agreed. */
export function peeringItem(view: View, _: string, id: string): PeeringItem | undefined {
  const spec = specOf(view, 'peering', id) as { readonly vpc: string; readonly peerVpc: string; readonly accepted: boolean } | undefined
  return spec?.accepted === true ? { kind: 'peering', id, vpcs: [spec.vpc, spec.peerVpc] } : undefined
}

/** Routers, route tables and peerings of a vpc, as keys of items. */
export const routingOf = (view: View, vpc: string): string[] => [
  ...childrenOf(view, 'router', 'vpc', vpc).map(({ id }) => `router/${id}`),
  ...childrenOf(view, 'route-table', 'vpc', vpc).map(({ id }) => `route-table/${id}`),
]
