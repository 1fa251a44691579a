/** What a gateway tells guests: what the settings of its subnet say, and where the services of the host are. */
import type { GuestRoute } from '#abi/service-kind.ts'
import { defaultDomain } from '#abi/service-settings.ts'
import type { Settings } from '#abi/settings.ts'
import { serviceAddresses } from '#datapath/device/services.ts'
import { ipFrom, isIpv4 } from '#wire/ip-address.ts'

/** Of a subnet, and whether a router joins it. */
type Said = Settings<'subnet'> & { readonly router: object | null }

/** In place of a next hop, RFC 3442: the destination is on the link. */
const onLink = ipFrom('0.0.0.0')

/** Without a router guests reach the services on the link: ARP has an answer for them. */
function serviceRoutes({ router, metadata, resolver }: Said): GuestRoute[] {
  if (router !== null) return []
  const addresses = [...(metadata ? serviceAddresses.metadata : []), ...(resolver ? serviceAddresses.dns : [])]
  return addresses.filter(isIpv4).map((address) => ({ prefix: { address, length: 32 }, via: onLink }))
}

/**
 * The subnet as guests hear of it. The resolver is their DNS server unless the subnet names others. Its IPv6 address is
 * behind the gateway, so it is told only where the gateway leads there.
 */
export function told<T extends Said>(subnet: T): T {
  const { resolver, router, dns, domain, guestRoutes } = subnet
  const own = serviceAddresses.dns.filter((address) => router !== null || isIpv4(address))
  const routes = [...(guestRoutes ?? []), ...serviceRoutes(subnet)]
  return {
    ...subnet,
    dns: dns ?? (resolver ? own : null),
    domain: domain ?? (resolver ? defaultDomain : null),
    guestRoutes: routes.length === 0 ? null : routes,
  }
}
