/** Stations of other hosts: a forwarding entry and neighbours each. */
import type { StationItem, SubnetItem } from '#feed/item.ts'
import type { Draft } from './draft.ts'
import { muxId, switchId } from './ids.ts'
import type { Items } from './items.ts'
import { endpointText, thisHost } from './underlay.ts'

/** Where each host listens, as entries have it. */
export function vtepsOf(items: Items): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const { id, underlay } of items.of('vtep')) {
    const text = underlay[0] === undefined ? undefined : endpointText(underlay[0])
    if (text !== undefined) found.set(id, text)
  }
  return found
}

export function addStations(draft: Draft, items: Items): void {
  const host = thisHost(items)
  const vteps = vtepsOf(items)
  for (const station of items.of('station')) {
    const subnet = items.get('subnet', station.subnet)
    const vtep = vteps.get(station.host)
    if (subnet === undefined || vtep === undefined) refuse(draft, station, subnet)
    else if (host !== undefined) addStation(draft, station, { host: host.id, vni: subnet.vni, vtep })
  }
}

function refuse(draft: Draft, station: StationItem, subnet: SubnetItem | undefined): void {
  const missing = subnet === undefined ? `subnet ${station.subnet}` : `host ${station.host}`
  draft.refuse(station, 'failed', `cannot send to vnic ${station.id}: the feed has not told its ${missing}`)
}

interface Place {
  readonly host: string
  readonly vni: number
  readonly vtep: string
}

function addStation(draft: Draft, station: StationItem, { host, vni, vtep }: Place): void {
  const { mac, forward } = station
  draft.addTo(muxId(host), 'entries', station, { vni, mac, vtep, ...(forward ? { forward } : {}) })
  for (const address of station.addresses) draft.addTo(switchId(station.vpc), 'neighbours', station, { vni, address, mac })
}
