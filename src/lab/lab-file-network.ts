/** The lab file's underlay, hosts and customers. */
import { familyOf, type Ip } from '#wire/ip-address.ts'
import { formatPrefix, type Prefix } from '#wire/prefix.ts'
import { maxVni } from '#wire/vni.ts'
import { vxlanOverhead } from '#wire/vxlan.ts'
import { AddressPool, readAddress, readNamed, readNetwork, reportOverlap } from './lab-file-values.ts'
import type { LabHost, Subnet, Underlay } from './lab-model.ts'
import type { YamlValue } from './yaml-value.ts'

/** A broadcast goes to 64 other hosts at most. */
const mostHosts = 65
/** IPv6 inside needs 1280, IPv4 has no use for less than it. */
const leastGuestMtu = 1280
const largestMtu = 65535

/** The section `underlay`. */
export function readUnderlay(value: YamlValue): Underlay | undefined {
  const field = value.fields<'network' | 'mtu' | 'port'>(['network'], ['mtu', 'port'])
  const network = field.network && readNetwork(field.network)
  if (network === undefined) return undefined
  const leastMtu = leastGuestMtu + vxlanOverhead[familyOf(network.address)]
  const mtuBytes = field.mtu ? field.mtu.integer(leastMtu, largestMtu) : 1500
  const port = field.port ? field.port.integer(1, 65535) : 4789
  return mtuBytes === undefined || port === undefined ? undefined : { network, mtuBytes, port }
}

/** The section `hosts`. Who has no address gets the first free one. */
export function readHosts(value: YamlValue, { network }: Underlay): LabHost[] {
  const named = readNamed(value)
  if (named.length > mostHosts)
    value.report(`${named.length} hosts; a lab has ${mostHosts} at most, since a broadcast goes to ${mostHosts - 1} others`)
  const pool = new AddressPool(network)
  const given = named.map(([name, entry]) => {
    const field = entry.fields<'address'>([], ['address'])
    const address = field.address && readAddress(field.address, network, 'the underlay')
    const other = address && pool.claim(address, name)
    if (other !== undefined) field.address!.report(`host ${other} has this address`)
    return { name, entry, address }
  })
  return given.flatMap(({ name, entry, address }) => {
    const own: Ip | undefined = address ?? pool.next(name)
    if (own === undefined) entry.report(`the underlay ${formatPrefix(network)} has no address left for it`)
    return own === undefined ? [] : [{ name, address: own }]
  })
}

/** The section `customers`: the subnets of all, in the file's order. */
export function readCustomers(value: YamlValue): Subnet[] {
  const owners = new Map<number, string>()
  const subnets: Subnet[] = []
  for (const [customer, entry] of readNamed(value)) {
    const field = entry.fields<'subnets'>(['subnets'])
    const taken: { name: string; network: Prefix }[] = []
    for (const [short, subnetValue] of field.subnets ? readNamed(field.subnets) : []) {
      const subnet = readSubnet(subnetValue, { customer, name: `${customer}/${short}`, owners, taken })
      if (subnet !== undefined) subnets.push(subnet)
    }
  }
  return subnets
}

interface SubnetPlace {
  readonly customer: string
  readonly name: string
  /** VNIs given so far: one VNI is one subnet. */
  readonly owners: Map<number, string>
  /** Networks of the customer so far. */
  readonly taken: { name: string; network: Prefix }[]
}

function readSubnet(value: YamlValue, { customer, name, owners, taken }: SubnetPlace): Subnet | undefined {
  const field = value.fields<'vni' | 'network' | 'network6'>(['vni'], ['network', 'network6'])
  const vni = field.vni?.integer(1, maxVni)
  const owner = vni === undefined ? undefined : owners.get(vni)
  if (owner !== undefined) field.vni!.report(`VNI ${vni} is ${owner}'s; a VNI belongs to one subnet`)
  const networks: Prefix[] = []
  for (const [place, family] of [
    [field.network, 4],
    [field.network6, 6],
  ] as const) {
    const network = place && readNetwork(place, family)
    if (network === undefined) continue
    reportOverlap(place!, network, taken)
    taken.push({ name, network })
    networks.push(network)
  }
  if (field.network === undefined && field.network6 === undefined)
    value.report("'network' (IPv4) or 'network6' (IPv6) must be given, or both")
  if (vni === undefined || networks.length === 0) return undefined
  owners.set(vni, name)
  return { name, customer, vni, networks }
}
