/** How the item of each kind is made, from the model, for one host. */
import type { FeedItem, FeedKind } from '#feed/item.ts'
import type { View } from '../view.ts'
import { groupItem, prefixListItem } from './groups.ts'
import { natItem } from './nat.ts'
import { hostItem, subnetItem, vpcItem, vtepItem } from './network.ts'
import { peeringItem, routerItem, routeTableItem } from './routing.ts'
import { stationItem, vnicItem } from './stations.ts'

type Maker = (view: View, host: string, id: string) => FeedItem | undefined

const makers: Readonly<Record<FeedKind, Maker>> = {
  host: hostItem,
  vtep: vtepItem,
  vpc: vpcItem,
  subnet: subnetItem,
  vnic: vnicItem,
  station: stationItem,
  group: groupItem,
  'prefix-list': prefixListItem,
  router: routerItem,
  'route-table': routeTableItem,
  peering: peeringItem,
  nat: natItem,
}

/** An item's key, taken apart. */
export function splitKey(key: string): { readonly kind: FeedKind; readonly id: string } {
  const at = key.indexOf('/')
  return { kind: key.slice(0, at) as FeedKind, id: key.slice(at + 1) }
}

/** The item of a key as a host gets it; undefined: it is not there for this host. */
export function itemOf(view: View, host: string, key: string): FeedItem | undefined {
  const { kind, id } = splitKey(key)
  return makers[kind](view, host, id)
}
