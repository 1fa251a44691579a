/** The guests of a lab file or a cluster file. */
import { familyOf, isIpv4, type Ip } from '#wire/ip-address.ts'
import { contains, formatPrefix, type Prefix } from '#wire/prefix.ts'
import { AddressPool, readAddress, readNamed, readReference } from './lab-file-values.ts'
import { readPlace, reportSharedPlaces } from './lab-file-place.ts'
import type { Customer, Grammar, Guest, GuestPlace, LabHost, Link, Subnet } from './lab-model.ts'
import type { YamlValue } from './yaml-value.ts'

interface Known {
  readonly hosts: readonly LabHost[]
  readonly customers: readonly Customer[]
  readonly subnets: readonly Subnet[]
  readonly links: readonly Link[]
  readonly grammar: Grammar
}

interface Draft {
  readonly name: string
  readonly value: YamlValue
  readonly host: string
  readonly subnet: Subnet
  /** By family; undefined: a wrong one. Families that the file leaves out are given out later. */
  readonly given: ReadonlyMap<4 | 6, Ip | undefined>
  readonly groups: readonly string[]
  /** Of a cluster. */
  readonly place?: GuestPlace
}

/**
 * The section `guests`. Who has no address in a lab gets the first free one of each of the subnet's networks. In a
 * cluster each says its own, so that a guest more changes no other.
 */
export function readGuests(value: YamlValue, known: Known): Guest[] {
  const pools = new Map<Prefix, AddressPool>()
  for (const subnet of known.subnets) for (const network of subnet.networks) pools.set(network, poolOf(network, subnet, known.links))
  const named = readNamed(value, known.grammar === 'lab' ? 'thing' : 'member')
  const drafts = named.flatMap(([name, entry]) => readGuest(name, entry, known, pools) ?? [])
  reportSharedPlaces(drafts)
  return drafts.map((draft) => complete(draft, pools, known.grammar))
}

/** The pool of a network, without the addresses of its gateway and of the machines on its wire. */
function poolOf(network: Prefix, subnet: Subnet, links: readonly Link[]): AddressPool {
  const pool = new AddressPool(network)
  for (const gateway of subnet.gateways) if (contains(network, gateway)) pool.claim(gateway, 'the gateway')
  for (const link of links)
    if (link.uplink === subnet)
      for (const { address } of [...link.addresses, ...link.hostAddresses]) if (contains(network, address)) pool.claim(address, link.name)
  return pool
}

type GuestKey = 'host' | 'subnet' | 'address' | 'address6' | 'groups' | 'netns' | 'container' | 'as' | 'vm'

const optionalKeys: Readonly<Record<Grammar, readonly GuestKey[]>> = {
  lab: ['address', 'address6', 'groups'],
  cluster: ['address', 'address6', 'groups', 'netns', 'container', 'as', 'vm'],
}

function readGuest(name: string, value: YamlValue, known: Known, pools: ReadonlyMap<Prefix, AddressPool>): Draft | undefined {
  const field = value.fields<GuestKey>(['host', 'subnet'], optionalKeys[known.grammar])
  const host = field.host && readReference(field.host, 'host', known.hosts)
  const subnet = field.subnet && readReference(field.subnet, 'subnet', known.subnets)
  if (host === undefined || subnet === undefined) return undefined
  const given = new Map<4 | 6, Ip | undefined>()
  for (const [place, family] of [
    [field.address, 4],
    [field.address6, 6],
  ] as const) {
    if (place === undefined) continue
    const network = subnet.networks.find((candidate) => familyOf(candidate.address) === family)
    if (network === undefined) {
      place.report(`subnet ${subnet.name} has no IPv${family} network; give it one as '${family === 4 ? 'network' : 'network6'}'`)
      continue
    }
    const address = readAddress(place, network, subnet.name)
    given.set(family, address)
    if (address === undefined) continue
    const other = pools.get(network)!.claim(address, name)
    if (other !== undefined) place.report(`${other} has this address in ${subnet.name}`)
  }
  const { groups: theirs } = known.customers.find((customer) => customer.name === subnet.customer)!
  const groups = field.groups?.list().flatMap((group) => readReference(group, `group of ${subnet.customer}`, theirs)?.name ?? []) ?? []
  const place = known.grammar === 'cluster' ? readPlace(name, value, field) : undefined
  return { name, value, host: host.name, subnet, given, groups, ...(place !== undefined && { place }) }
}

function complete({ value, given, ...guest }: Draft, pools: ReadonlyMap<Prefix, AddressPool>, grammar: Grammar): Guest {
  const { name, subnet } = guest
  const addresses = subnet.networks.flatMap((network): Prefix[] => {
    const family = isIpv4(network.address) ? 4 : 6
    const key = family === 4 ? 'address' : 'address6'
    const address = given.get(family) ?? (grammar === 'lab' ? pools.get(network)!.next(name) : undefined)
    if (address === undefined && !given.has(family))
      value.report(
        grammar === 'lab'
          ? `${formatPrefix(network)} of ${subnet.name} has no address left for it`
          : `'${key}' must be given: an address of ${formatPrefix(network)}, the network of ${subnet.name}`,
      )
    return address === undefined ? [] : [{ address, length: network.length }]
  })
  return { ...guest, addresses }
}
