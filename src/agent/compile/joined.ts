/** What the router of a vpc joins: the networks in which it finds stations. */
import { ipFrom, type Ip } from '#wire/ip-address.ts'
import { contains, prefixFrom, type Prefix } from '#wire/prefix.ts'
import type { Draft } from './draft.ts'
import { subnetId } from './ids.ts'
import type { Items } from './items.ts'

export interface Joined {
  readonly networks: readonly Prefix[]
  /** Addresses that are the router's own. */
  readonly gateways: ReadonlySet<string>
}

/** The subnets of a vpc that the draft has in a router. */
export function joinedOf(draft: Draft, items: Items, vpc: string): Joined {
  const subnets = [...items.of('subnet')].filter((subnet) => subnet.vpc === vpc && draft.object(subnetId(subnet.id))?.router !== undefined)
  const textOf = (...found: readonly (string | null)[]): string[] => found.filter((each) => each !== null)
  return {
    networks: subnets.flatMap(({ network4, network6 }) => textOf(network4, network6).map(prefixFrom)),
    gateways: new Set(subnets.flatMap(({ gateway4, gateway6 }) => textOf(gateway4, gateway6))),
  }
}

/** Whether a network of these has the address. */
export const isWithin = ({ networks }: Joined, address: string): boolean => {
  const ip: Ip = ipFrom(address)
  return networks.some((network) => contains(network, ip))
}

/** Whether an address may be a station's. */
export const isStation = (joined: Joined, address: string): boolean => isWithin(joined, address) && !joined.gateways.has(address)
