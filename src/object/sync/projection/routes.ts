/** Table `routes`: the subnets of each router, and its routes. */
import { cStruct, u32 } from '#abi/c-struct.ts'
import { route as routeLayout, routeKind, vpcOfSwitch, type Route } from '#datapath/layout.ts'
import type { Route as RouterRoute } from '#abi/route.ts'
import { toMapped } from '#wire/ip-address.ts'
import type { RoutePlace } from '../../store/dirty.ts'
import { addressField } from '../../store/keys.ts'
import type { Model, Router } from '../../store/model.ts'
import { networksOf, placeKey, placeOf, routerOfTable, switchOf, tablesOf } from '../../store/routing.ts'
import type { Projection } from './projection.ts'

/** struct vpc_route_key, its address as a key. */
export const routePlace = cStruct({ length: u32, table: u32, address: addressField })

export const routes: Projection<RoutePlace, Route> = {
  *keys(model) {
    for (const router of model.ofType('vpcrtr')) for (const [place] of routesOf(model, router)) yield place
  },
  keyField: routePlace,
  valueField: routeLayout,
  values(model) {
    const known = new Map<Router, Map<string, Route>>()
    return (place) => {
      const router = routerOfTable(model, place.table)
      if (router === undefined) return undefined
      let found = known.get(router)
      if (found === undefined)
        known.set(router, (found = new Map(Array.from(routesOf(model, router), ([each, value]) => [placeKey(each), value]))))
      return found.get(placeKey(place))
    }
  },
}

const none = new Uint8Array(16)

/** In each of its tables its subnets, then its routes. */
function* routesOf(model: Model, router: Router): Generator<[RoutePlace, Route]> {
  const tables = tablesOf(router)
  for (const table of tables) {
    for (const subnet of router.subnets)
      for (const { prefix } of networksOf(subnet)) yield [placeOf(router, table, prefix), { kind: routeKind.local, vpc: 0, addr: none }]
  }
  for (const route of router.routes)
    if (tables.has(route.table)) yield [placeOf(router, route.table, route.prefix), { vpc: 0, addr: none, ...targetOf(model, route) }]
}

/** A peer without subnets has no stations. */
function targetOf(model: Model, { target }: RouterRoute): Partial<Route> & Pick<Route, 'kind'> {
  if (target.kind === 'instance') return { kind: routeKind.instance, addr: toMapped(target.address) }
  if (target.kind !== 'peer') return { kind: routeKind[target.kind] }
  const peer = model.find('vpcrtr', target.router)
  const sw = peer && switchOf(peer)
  return sw ? { kind: routeKind.peer, vpc: vpcOfSwitch(sw.unit) } : { kind: routeKind.unreachable }
}
