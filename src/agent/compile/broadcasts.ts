/** Who gets the broadcasts of a VNI: each host with a station in it, as long as they are few. */
import type { Draft } from './draft.ts'
import { muxId } from './ids.ts'
import type { Items } from './items.ts'
import { vtepsOf } from './stations.ts'
import { thisHost } from './underlay.ts'

/** More hosts than this in a VNI: nobody gets its broadcasts. */
export const maxBroadcastVteps = 64

const anyStation = '00:00:00:00:00:00'

export function addBroadcasts(draft: Draft, items: Items): void {
  const host = thisHost(items)
  if (host === undefined) return
  const vteps = vtepsOf(items)
  for (const [subnet, hosts] of hostsBySubnet(items)) {
    const item = items.get('subnet', subnet)
    if (item === undefined || hosts.size > maxBroadcastVteps) continue
    for (const other of hosts) {
      const vtep = vteps.get(other)
      if (vtep !== undefined) draft.addTo(muxId(host.id), 'entries', item, { vni: item.vni, mac: anyStation, vtep })
    }
  }
}

/** Other hosts with stations in each subnet. Who a vnic has left for is one of them, as it was. */
function hostsBySubnet(items: Items): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>()
  for (const { subnet, host } of items.of('station')) {
    const hosts = found.get(subnet)
    if (hosts === undefined) found.set(subnet, new Set([host]))
    else hosts.add(host)
  }
  return found
}
