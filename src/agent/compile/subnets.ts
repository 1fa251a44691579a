/** A subnet with what its gateway tells guests: DHCP, router advertisements, DNS servers; and its services. */
import type { SubnetItem, VpcItem } from '#feed/item.ts'
import type { Draft, Plain } from './draft.ts'
import { subnetId, switchId } from './ids.ts'
import type { Items } from './items.ts'
import { thisHost } from './underlay.ts'

/** How many servers an answer has room for (src/abi/service-settings.ts). */
const maxDns = 4
const maxNtp = 3

export function addSubnets(draft: Draft, items: Items): void {
  const forward = joined(thisHost(items)?.dnsServers ?? [], maxDns)
  for (const subnet of items.of('subnet')) {
    const vpc = items.get('vpc', subnet.vpc)
    if (vpc === undefined) draft.refuse(subnet, 'failed', `cannot make subnet ${subnet.id}: the feed has not told its vpc ${subnet.vpc}`)
    else
      draft.add('subnets', subnet, {
        id: subnetId(subnet.id),
        ...placeOf(subnet, vpc),
        ...toldOf(subnet, vpc),
        ...servicesOf(subnet, forward),
      })
  }
}

const placeOf = (subnet: SubnetItem, vpc: VpcItem): Plain => ({
  switch: switchId(vpc.id),
  vni: subnet.vni,
  prefix4: subnet.network4,
  prefix6: subnet.network6,
  gateway4: subnet.gateway4,
  gateway6: subnet.gateway6,
  mtu: vpc.mtu ?? 0,
})

const servicesOf = ({ metadata, resolver }: SubnetItem, forward: string | null): Plain => ({
  metadata,
  resolver,
  'dns-forward': resolver ? forward : null,
})

function toldOf({ dhcp, ra, network6 }: SubnetItem, { dns }: VpcItem): Plain {
  const [domain] = [dns.name, ...(dhcp?.search ?? [])].filter((name) => name !== null)
  const common = { dns: joined(dns.servers, maxDns), domain: domain ?? null }
  return { ...common, ...dhcpOf(dhcp), ...raOf(network6 === null ? 'off' : ra, dhcp !== null) }
}

const dhcpOf = (dhcp: SubnetItem['dhcp']): Plain =>
  dhcp === null ? {} : { dhcp: true, 'lease-time': dhcp.leaseSeconds, ntp: joined(dhcp.ntp, maxNtp) }

/** `managed`: guests get their addresses by DHCPv6 and make none. */
function raOf(ra: SubnetItem['ra'], dhcp: boolean): Plain {
  if (ra === 'off') return { ra: false }
  return { ra: true, autonomous: ra === 'slaac', managed: ra === 'managed' && dhcp, 'other-config': dhcp }
}

/** As documents have a list of servers; null: none. */
const joined = (servers: readonly string[], most: number): string | null =>
  servers.length === 0 ? null : servers.slice(0, most).join(', ')
