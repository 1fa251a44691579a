/**
 * Who gets the broadcasts of a VNI: each host with a station in it, as long as they are few. And which hosts may send
 * into a VNI whose stations this host does not all know.
 */
import { createHash } from 'node:crypto'
import type { Draft, HostFacts } from './draft.ts'
import { muxId } from './ids.ts'
import type { Items } from './items.ts'
import { thisHost, vtepsOf } from './underlay.ts'

/** More hosts than this in a VNI: nobody gets its broadcasts. */
export const maxBroadcastVteps = 64

const anyStation = '00:00:00:00:00:00'

export function addBroadcasts(draft: Draft, items: Items, facts: HostFacts): void {
  const host = thisHost(items)
  if (host === undefined) return
  const { at, far } = vtepsOf(items, facts)
  for (const [subnet, hosts] of hostsBySubnet(items)) {
    hosts.delete(host.id)
    const item = items.get('subnet', subnet)
    if (item === undefined) continue
    const few = hosts.size <= maxBroadcastVteps
    // The entries of stations say who may send, unless the host does not know all stations.
    if (!few && !isOnDemand(items, item.vpc)) continue
    for (const other of hosts) {
      const vtep = item.apart === true && far.has(other) ? undefined : at.get(other)
      const mac = few ? anyStation : macOfHost(other)
      if (vtep !== undefined) draft.addTo(muxId(host.id), 'entries', item, { vni: item.vni, mac, vtep })
    }
  }
}

const isOnDemand = (items: Items, vpc: string): boolean => items.get('vpc', vpc)?.resolution === 'demand'

/** A MAC address that no guest has, for an entry that says that a host may send. */
function macOfHost(host: string): string {
  const hex = createHash('sha256').update(host).digest('hex').slice(0, 10)
  return `0e:${hex.match(/../g)!.join(':')}`
}

/** Other hosts with stations in each subnet. Who a vnic has left for is one of them, as it was. */
function hostsBySubnet(items: Items): ReadonlyMap<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  const add = (subnet: string, host: string): void => {
    const hosts = found.get(subnet)
    if (hosts === undefined) found.set(subnet, new Set([host]))
    else hosts.add(host)
  }
  for (const { subnet, host } of items.of('station')) add(subnet, host)
  for (const { id, vpc } of items.of('subnet')) for (const host of items.get('vpc', vpc)?.hosts ?? []) add(id, host)
  return found
}
