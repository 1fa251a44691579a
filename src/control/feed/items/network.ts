/** Items of networks: vpcs, subnets, other hosts, this host. */
import type { HostItem, SubnetItem, VpcItem, VtepAddress, VtepItem } from '#feed/item.ts'
import { placeOf, specOf, type View } from '../view.ts'

const underlayOf = (view: View, id: string): readonly VtepAddress[] | undefined =>
  specOf(view, 'host', id)?.underlay as readonly VtepAddress[] | undefined

/** This host. */
export function hostItem(view: View, host: string, id: string): HostItem | undefined {
  const underlay = underlayOf(view, id)
  if (id !== host || underlay === undefined) return undefined
  const facility = specOf(view, 'facility', specOf(view, 'host', id)!.facility as string)
  return { kind: 'host', id, underlay, dnsServers: (facility?.dnsServers ?? []) as readonly string[] }
}

/**
 * Another host. One without an address of the underlay gets no packets, nor does one of another facility that no
 * transit leads to and from.
 */
export function vtepItem(view: View, host: string, id: string): VtepItem | undefined {
  const underlay = underlayOf(view, id)
  if (id === host || underlay === undefined || underlay.length === 0) return undefined
  const [from, to] = [facilityOf(view, host), facilityOf(view, id)]
  if (from === to) return { kind: 'vtep', id, underlay }
  const crossing = view.transits.crossing(from, to)
  return crossing && { kind: 'vtep', id, underlay, transit: { mtu: crossing.mtu, ipsec: crossing.ipsec } }
}

/** Whether a topic is a host of another facility that this one sends to. */
export const isFarVtep = (view: View, host: string, topic: string): boolean =>
  topic.startsWith('vtep/') && vtepItem(view, host, topic.slice(5))?.transit !== undefined

const facilityOf = (view: View, host: string): string => specOf(view, 'host', host)?.facility as string

interface VpcSpec {
  readonly account: string
  readonly mtu?: number
  readonly dns?: { readonly name?: string; readonly servers?: readonly string[] }
}

/** A vpc. */
export function vpcItem(view: View, _: string, id: string): VpcItem | undefined {
  const spec = specOf(view, 'vpc', id) as VpcSpec | undefined
  if (spec === undefined) return undefined
  const { account, mtu = null, dns } = spec
  const isDemand = view.resolutions.isDemand(id)
  return {
    kind: 'vpc',
    id,
    account,
    mtu,
    dns: { name: dns?.name ?? null, servers: dns?.servers ?? [] },
    resolution: isDemand ? 'demand' : 'push',
    ...(isDemand && { hosts: [...view.places.hostsOf(id)].sort() }),
  }
}

interface SubnetSpec {
  readonly vpc: string
  readonly network4?: string
  readonly network6?: string
  readonly gateway4?: string
  readonly gateway6?: string
  readonly dhcp?: { readonly leaseSeconds?: number; readonly ntp?: readonly string[]; readonly search?: readonly string[] }
  readonly ra: SubnetItem['ra']
  /** Subnets of before these fields have none. */
  readonly metadata?: boolean
  readonly resolver?: boolean
  readonly routeTable?: string
  readonly floodUnknown: boolean
}

/** A subnet that has a VNI in the facility of the host, or in one that transits join to it. */
export function subnetItem(view: View, host: string, id: string): SubnetItem | undefined {
  const spec = specOf(view, 'subnet', id) as SubnetSpec | undefined
  const place = placeOf(view, host, id)
  if (spec === undefined || place === undefined) return undefined
  const { vpc, network4 = null, network6 = null, gateway4 = null, gateway6 = null, dhcp, ra, routeTable = null, floodUnknown } = spec
  const { metadata = true, resolver = true } = spec
  return {
    kind: 'subnet',
    id,
    vpc,
    vni: place.vni,
    ...(place.isApart && { apart: true }),
    network4,
    network6,
    gateway4,
    gateway6,
    dhcp: dhcp === undefined ? null : { leaseSeconds: dhcp.leaseSeconds ?? 3600, ntp: dhcp.ntp ?? [], search: dhcp.search ?? [] },
    ra,
    metadata,
    resolver,
    routeTable,
    floodUnknown,
  }
}
