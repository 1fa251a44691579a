/** The lab file's NATs: which guests of a customer have which public addresses, on the wire of which link. */
import { isIpv4, type Ip } from '#wire/ip-address.ts'
import { networkOf, type Prefix } from '#wire/prefix.ts'
import { AddressPool, readAddress, readNamed, readReference } from './lab-file-values.ts'
import type { Customer, Guest, LabNat, Link } from './lab-model.ts'
import type { YamlValue } from './yaml-value.ts'

interface Known {
  readonly customers: readonly Customer[]
  readonly guests: readonly Guest[]
  readonly links: readonly Link[]
}

/** The key `nat` of each customer: the customers with their NATs. */
export function readNats(value: YamlValue, known: Known): Customer[] {
  const pools = new Map<Link, AddressPool>()
  const values = new Map(value.entries().map(([name, entry]) => [name, new Map(entry.entries()).get('nat')]))
  return known.customers.map((customer) => {
    const place = values.get(customer.name)
    const nat = place === undefined || place.isNull ? undefined : readNat(place, customer, known, pools)
    return nat === undefined ? customer : { ...customer, nat }
  })
}

/** The network of the wire: that of the machine at its end. */
export const wireNetwork = ({ addresses }: Link): Prefix | undefined => addresses.find(({ address }) => isIpv4(address))

function readNat(value: YamlValue, customer: Customer, { guests, links }: Known, pools: Map<Link, AddressPool>): LabNat | undefined {
  const field = value.fields<'link' | 'floats' | 'shared'>(['link'], ['floats', 'shared'])
  if (!customer.isRouted) value.report(`a NAT serves a router; give customer ${customer.name} 'router: true'`)
  const link = field.link && readReference(field.link, 'link', links)
  if (link === undefined) return undefined
  const wire = wireNetwork(link)
  if (wire === undefined || link.uplink !== undefined) {
    field.link!.report(`link ${link.name} must have an IPv4 address and be no uplink, for the machine at its end is the next router`)
    return undefined
  }
  const pool = pools.getOrInsertComputed(link, () => poolOf(wire, link))
  const theirs = guests.filter(({ subnet }) => subnet.customer === customer.name)
  const shared = field.shared?.list().flatMap((entry) => readPublic(entry, wire, pool, 'the shared address') ?? []) ?? []
  const floats = (field.floats ? readNamed(field.floats) : []).flatMap(([name, entry]) => {
    const address = readPublic(entry, wire, pool, name)
    if (theirs.every((guest) => guest.name !== name)) entry.report(`customer ${customer.name} has no guest '${name}'`)
    return address === undefined ? [] : { guest: name, address }
  })
  return { link, floats, shared }
}

function poolOf(wire: Prefix, { name, addresses, hostAddresses }: Link): AddressPool {
  const pool = new AddressPool(networkOf(wire))
  for (const { address } of [...addresses, ...hostAddresses]) pool.claim(address, `link ${name}`)
  return pool
}

function readPublic(value: YamlValue, wire: Prefix, pool: AddressPool, guest: string): Ip | undefined {
  const address = readAddress(value, networkOf(wire), 'the wire')
  const other = address && pool.claim(address, guest)
  if (other !== undefined) value.report(`${other} has this address`)
  return address
}
