/** Items of a small cloud: one vpc with one subnet on some hosts, and a vnic here and there. */
import type { FeedItem, HostItem, StationItem, SubnetItem, VnicItem, VpcItem, VtepItem } from '#feed/item.ts'

/** An id that is easy to read. */
export const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

export const vpc: VpcItem = {
  kind: 'vpc',
  id: uuid(3),
  account: uuid(5),
  mtu: null,
  dns: { name: null, servers: [] },
  resolution: 'push',
}

export const subnet: SubnetItem = {
  kind: 'subnet',
  id: uuid(4),
  vpc: vpc.id,
  vni: 5001,
  network4: '10.0.0.0/24',
  network6: null,
  gateway4: '10.0.0.1',
  gateway6: null,
  dhcp: null,
  ra: 'off',
  metadata: false,
  resolver: false,
  routeTable: null,
  floodUnknown: false,
}

export const hostId = (n: number): string => uuid(100 + n)
export const underlayOf = (n: number): string => `192.0.2.${n}`
const listens = (n: number) => [{ address: underlayOf(n), port: 4789 }]
export const hostItem = (n: number): HostItem => ({ kind: 'host', id: hostId(n), underlay: listens(n), dnsServers: [] })
export const vtepItem = (n: number): VtepItem => ({ kind: 'vtep', id: hostId(n), underlay: listens(n) })

/** Vnic 10 has 10.0.0.10. */
export const vnicItem = (n: number, more: Partial<VnicItem> = {}): VnicItem => ({
  kind: 'vnic',
  id: uuid(n),
  vpc: vpc.id,
  subnet: subnet.id,
  mac: `02:00:00:00:00:${n.toString(16).padStart(2, '0')}`,
  addresses: [`10.0.0.${n}`],
  allowedPrefixes: [],
  groups: [],
  antispoof: true,
  mtu: null,
  queues: 1,
  hostname: null,
  sshKeys: [],
  userData: null,
  unit: 'hostif',
  epoch: 1,
  migration: null,
  ...more,
})

/** A vnic as another host sees it. */
export const stationItem = ({ id, vpc: of, subnet: at, mac, addresses, groups, hostname, epoch }: VnicItem, host: string): StationItem => ({
  kind: 'station',
  id,
  vpc: of,
  subnet: at,
  mac,
  addresses,
  groups,
  hostname,
  host,
  epoch,
  forward: false,
})

/** What host `n` of two is told when vnic 10 is on the first and vnic 20 on the second. */
export function itemsOf(n: 1 | 2): FeedItem[] {
  const [own, far] = n === 1 ? [10, 20] : [20, 10]
  const other = n === 1 ? 2 : 1
  return [hostItem(n), vtepItem(other), vpc, subnet, vnicItem(own), stationItem(vnicItem(far), hostId(other))]
}
