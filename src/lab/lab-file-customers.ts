/** The lab file's customers: their subnets, and the groups of their guests. */
import { readRules, type GroupRule } from '#abi/group-rule.ts'
import { familyOf, type Ip } from '#wire/ip-address.ts'
import { nthAddress, type Prefix } from '#wire/prefix.ts'
import { maxVni } from '#wire/vni.ts'
import { readAddress, readNamed, readNetwork, reportOverlap } from './lab-file-values.ts'
import type { Customer, LabGroup, Subnet } from './lab-model.ts'
import type { YamlValue } from './yaml-value.ts'

/** `nat` names guests and links, so src/lab/lab-file-nat.ts reads it after these. */
export type CustomerKey = 'subnets' | 'router' | 'groups' | 'nat'

/** The section `customers`: all customers, and the subnets of all, in the file's order. */
export function readCustomers(value: YamlValue): { readonly customers: Customer[]; readonly subnets: Subnet[] } {
  const owners = new Map<number, string>()
  const customers: Customer[] = []
  const subnets: Subnet[] = []
  for (const [name, entry] of readNamed(value)) {
    const field = entry.fields<CustomerKey>(['subnets'], ['router', 'groups', 'nat'])
    const isRouted = field.router?.flag() ?? false
    const taken: { name: string; network: Prefix }[] = []
    for (const [short, subnetValue] of field.subnets ? readNamed(field.subnets) : []) {
      const subnet = readSubnet(subnetValue, { customer: name, isRouted, name: `${name}/${short}`, owners, taken })
      if (subnet !== undefined) subnets.push(subnet)
    }
    customers.push({ name, isRouted, groups: field.groups ? readGroups(field.groups) : [] })
  }
  return { customers, subnets }
}

interface SubnetPlace {
  readonly customer: string
  readonly isRouted: boolean
  readonly name: string
  /** VNIs given so far: one VNI is one subnet. */
  readonly owners: Map<number, string>
  /** Networks of the customer so far. */
  readonly taken: { name: string; network: Prefix }[]
}

type SubnetKey = 'vni' | 'network' | 'network6' | 'gateway' | 'gateway6' | 'dhcp'

function readSubnet(value: YamlValue, place: SubnetPlace): Subnet | undefined {
  const { customer, isRouted, name, owners, taken } = place
  const field = value.fields<SubnetKey>(['vni'], ['network', 'network6', 'gateway', 'gateway6', 'dhcp'])
  const vni = field.vni?.integer(1, maxVni)
  const owner = vni === undefined ? undefined : owners.get(vni)
  if (owner !== undefined) field.vni!.report(`VNI ${vni} is ${owner}'s; a VNI belongs to one subnet`)
  const dhcp = field.dhcp?.flag() ?? false
  const networks: Prefix[] = []
  const gateways: Ip[] = []
  for (const [given, gateway, family] of [
    [field.network, field.gateway, 4],
    [field.network6, field.gateway6, 6],
  ] as const) {
    if (gateway !== undefined && !isRouted && !dhcp) gateway.report("nobody answers for a gateway here; give the customer 'router: true'")
    const network = given && readNetwork(given, family)
    if (network === undefined) continue
    reportOverlap(given!, network, taken)
    taken.push({ name, network })
    networks.push(network)
    const address = gateway ? readAddress(gateway, network, name) : nthAddress(network, 1)
    if (address !== undefined && (isRouted || dhcp)) gateways.push(address)
  }
  if (field.network === undefined && field.network6 === undefined)
    value.report("'network' (IPv4) or 'network6' (IPv6) must be given, or both")
  if (dhcp && !networks.some(({ address }) => familyOf(address) === 4))
    value.report("'dhcp' gives IPv4 addresses; the subnet needs a 'network'")
  if (vni === undefined || networks.length === 0) return undefined
  owners.set(vni, name)
  return { name, customer, vni, networks, dhcp, gateways }
}

/** The groups of a customer: lists of rules by name. */
function readGroups(value: YamlValue): LabGroup[] {
  const named = readNamed(value)
  const names = named.map(([name]) => name)
  return named.map(([name, entry]) => ({ name, rules: readGroupRules(entry, names) }))
}

function readGroupRules(value: YamlValue, groups: readonly string[]): readonly GroupRule[] {
  const read = readRules(numberGroups(value.plain(), groups))
  if (!read.ok) value.report(`${read.at ?? ''} ${read.problem}; groups here: ${groups.join(', ')}`.trim())
  return read.ok ? read.value : []
}

/** Rules whose peers name groups of the file, with the places of these groups. */
function numberGroups(rules: unknown, groups: readonly string[]): unknown {
  const renamed = (peer: unknown): unknown => (typeof peer === 'string' && groups.includes(peer) ? `group${groups.indexOf(peer)}` : peer)
  if (!Array.isArray(rules)) return rules
  return rules.map((rule: unknown) => {
    if (typeof rule !== 'object' || rule === null || !('peers' in rule)) return rule
    const { peers } = rule
    return { ...rule, peers: Array.isArray(peers) ? peers.map(renamed) : peers }
  })
}
