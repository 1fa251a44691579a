/** A subnet with what its gateway tells guests: DHCP, router advertisements, DNS servers; and its services. */
import { maxNameLines } from '#abi/names-kind.ts'
import type { SubnetItem, VpcItem } from '#feed/item.ts'
import type { Draft, Plain } from './draft.ts'
import { subnetId, switchId } from './ids.ts'
import type { Items } from './items.ts'
import { thisHost } from './underlay.ts'

/** How many servers an answer has room for (src/abi/service-settings.ts). */
const maxDns = 4
const maxNtp = 3

export function addSubnets(draft: Draft, items: Items): void {
  const names = namesBySubnet(items)
  const forward = joined(thisHost(items)?.dnsServers ?? [], maxDns)
  for (const subnet of items.of('subnet')) {
    const vpc = items.get('vpc', subnet.vpc)
    if (vpc === undefined) draft.refuse(subnet, 'failed', `cannot make subnet ${subnet.id}: the API has not sent its vpc ${subnet.vpc}`)
    else
      draft.add('subnets', subnet, {
        id: subnetId(subnet.id),
        ...placeOf(subnet, vpc),
        ...toldOf(subnet, vpc),
        ...servicesOf(draft, subnet, forward, names.get(subnet.id) ?? []),
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

function servicesOf(draft: Draft, subnet: SubnetItem, forward: string | null, names: readonly string[]): Plain {
  const { metadata, resolver } = subnet
  if (!resolver) return { metadata, resolver }
  if (names.length > maxNameLines)
    draft.refuse(subnet, 'no-room', `DNS on this host has ${maxNameLines} addresses of other hosts' guests, and not all ${names.length}`)
  const hosts = names.length === 0 ? null : names.slice(0, maxNameLines).join('\n')
  return { metadata, resolver, 'dns-forward': forward, hosts }
}

/** Names of guests of other hosts, as lines of the setting. */
function namesBySubnet(items: Items): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const { subnet, hostname, addresses } of items.of('station')) {
    if (hostname === null) continue
    const lines = addresses.map((address) => `${address} ${hostname}`)
    const known = found.get(subnet)
    if (known === undefined) found.set(subnet, lines)
    else known.push(...lines)
  }
  for (const lines of found.values()) lines.sort()
  return found
}

/** The domain that a subnet says; undefined: the default. */
export const domainOf = ({ dhcp }: SubnetItem, { dns }: VpcItem): string | undefined =>
  [dns.name, ...(dhcp?.search ?? [])].find((name) => name !== null)

function toldOf(subnet: SubnetItem, vpc: VpcItem): Plain {
  const { dhcp, ra, network6 } = subnet
  const common = { dns: joined(vpc.dns.servers, maxDns), domain: domainOf(subnet, vpc) ?? null }
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
