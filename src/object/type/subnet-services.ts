/** What a subnet's gateway tells guests by DHCP and router advertisements: each setting changes its answers. */
import type { GuestRoute } from '#abi/service-kind.ts'
import { formatIp } from '#wire/ip-address.ts'
import { contains, formatPrefix } from '#wire/prefix.ts'
import { unitName, type Model, type Subnet } from '../store/model.ts'
import { touchSubnet } from '../store/touch-routing.ts'
import type { Transaction } from '../store/transaction.ts'
import { followServices } from './services.ts'
import type { Setters } from './type.ts'

type ServiceName =
  | 'dhcp'
  | 'leaseTime'
  | 'dns'
  | 'domain'
  | 'ntp'
  | 'guestRoutes'
  | 'ra'
  | 'onLink'
  | 'autonomous'
  | 'managed'
  | 'otherConfig'
  | 'metadata'
  | 'resolver'
  | 'dnsForward'
  | 'hosts'

function set<K extends ServiceName>(tx: Transaction, model: Model, subnet: Subnet, name: K, value: Subnet[K]): void {
  touchSubnet(tx, model, subnet)
  tx.set(subnet, name, value)
  touchSubnet(tx, model, subnet)
}

/** A guest can only send to a station that it sees. */
function checkVia(tx: Transaction, { prefix4 }: Subnet, routes: readonly GuestRoute[]): void {
  const odd = routes.find(({ via }) => prefix4 === null || !contains(prefix4, via))
  if (odd === undefined) return
  const where = prefix4 === null ? 'it has no IPv4 prefix' : `${formatIp(odd.via)} is outside of ${formatPrefix(prefix4)}`
  tx.refuse('EINVAL', where, 'name a station of the subnet')
}

export const serviceSetters: Pick<Setters<'subnet'>, ServiceName> = {
  dhcp: ({ model }, tx, subnet, dhcp) => set(tx, model, subnet, 'dhcp', dhcp),
  leaseTime: ({ model }, tx, subnet, seconds) => set(tx, model, subnet, 'leaseTime', seconds),
  dns: ({ model }, tx, subnet, dns) => set(tx, model, subnet, 'dns', dns),
  domain: ({ model }, tx, subnet, domain) => set(tx, model, subnet, 'domain', domain),
  ntp: ({ model }, tx, subnet, ntp) => set(tx, model, subnet, 'ntp', ntp),
  guestRoutes({ model }, tx, subnet, routes) {
    tx.asked = `give guests of subnet ${unitName(subnet)} routes`
    if (routes !== null) checkVia(tx, subnet, routes)
    set(tx, model, subnet, 'guestRoutes', routes)
  },
  ra: ({ model }, tx, subnet, ra) => set(tx, model, subnet, 'ra', ra),
  onLink: ({ model }, tx, subnet, onLink) => set(tx, model, subnet, 'onLink', onLink),
  autonomous: ({ model }, tx, subnet, autonomous) => set(tx, model, subnet, 'autonomous', autonomous),
  managed: ({ model }, tx, subnet, managed) => set(tx, model, subnet, 'managed', managed),
  otherConfig: ({ model }, tx, subnet, otherConfig) => set(tx, model, subnet, 'otherConfig', otherConfig),
  metadata(context, tx, subnet, metadata) {
    set(tx, context.model, subnet, 'metadata', metadata)
    followServices(context, tx)
  },
  resolver(context, tx, subnet, resolver) {
    set(tx, context.model, subnet, 'resolver', resolver)
    followServices(context, tx)
  },
  dnsForward: ({ model }, tx, subnet, servers) => set(tx, model, subnet, 'dnsForward', servers),
  hosts(_, tx, subnet, names) {
    tx.dirty.records.add(subnet)
    if (subnet.switch !== null) tx.dirty.zones.add(subnet.switch.unit)
    tx.set(subnet, 'hosts', names)
  },
}
