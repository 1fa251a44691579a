/** Which route a packet met, in the words of the objects. */
import type { RouteInfo } from '#abi/info.ts'
import type { Route } from '#abi/route.ts'
import { isIpv4, type Ip } from '#wire/ip-address.ts'
import { formatPrefix, networkOf } from '#wire/prefix.ts'
import { formatIp } from '#wire/ip-address.ts'
import { subnetOf } from './store/claims.ts'
import { vniOfSegment } from './store/keys.ts'
import { unitName, type Model, type Subnet } from './store/model.ts'
import { networksOf } from './store/routing.ts'

/** The subnet of a segment. */
export function subnetOfSegment(model: Model, segment: number): Subnet | undefined {
  const sw = model.segments.get(segment)
  return sw && subnetOf(sw, vniOfSegment(segment))
}

const mappedBits = 96

/**
 * Say which route of its sender's subnet a packet to `dst` met. `bits`: of the prefix, as tables have it; null: none.
 */
export function describeRoute(model: Model, segment: number, dst: Ip | undefined, bits: number | null): RouteInfo {
  const subnet = subnetOfSegment(model, segment)
  const router = subnet?.router ?? null
  const place = { router: router && unitName(router), table: subnet?.routeTable ?? 0 }
  if (bits === null || dst === undefined) return { ...place, prefix: null, target: null }
  const prefix = formatPrefix(networkOf({ address: dst, length: isIpv4(dst) ? bits - mappedBits : bits }))
  const route = router?.routes.find((each) => each.table === place.table && formatPrefix(each.prefix) === prefix)
  const own = [...(router?.subnets ?? [])].find((each) => networksOf(each).some((network) => formatPrefix(network.prefix) === prefix))
  return { ...place, prefix, target: own !== undefined ? unitName(own) : route === undefined ? null : targetText(model, route) }
}

function targetText(model: Model, { target }: Route): string {
  if (target.kind === 'instance') return `via ${formatIp(target.address)}`
  if (target.kind !== 'peer') return target.kind
  const peer = model.find('vpcrtr', target.router)
  return `peer ${peer === undefined ? target.router : unitName(peer)}`
}
