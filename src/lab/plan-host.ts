/** The plan of one host: the objects that join its guests to those of the others. */
import type { Id } from '#abi/id.ts'
import type { Ip } from '#wire/ip-address.ts'
import { formatEndpoint } from '#wire/endpoint.ts'
import { zeroMac } from '#wire/mac.ts'
import { contains, type Prefix } from '#wire/prefix.ts'
import type { Customer, LabHost, Link, Network } from './lab-model.ts'
import { labId } from './lab-id.ts'
import { planGroups, type GroupPlan } from './plan-groups.ts'
import type { StationPlan } from './plan-guest.ts'
import { planNat, type NatPlan } from './plan-nat.ts'

/** One forwarding entry of a mux. The zero MAC stands for broadcast. */
export interface EntryPlan {
  readonly vni: number
  readonly mac: Uint8Array
  readonly vtep: Ip
}

export interface NeighbourPlan {
  readonly vni: number
  readonly address: Ip
  readonly mac: Uint8Array
}

export interface UplinkPlan {
  /** Of the link. */
  readonly name: string
  readonly ethlinkId: Id
  readonly portId: Id
  readonly l2Name: string
  readonly vni: number
  readonly vtag: number
}

/** The switch of one customer. */
export interface SwitchPlan {
  readonly id: Id
  readonly customer: string
  /** That of the customer's first subnet: the VNI of ports that say none. */
  readonly vni: number
  readonly guests: readonly StationPlan[]
  readonly neighbours: readonly NeighbourPlan[]
  /** The router that joins the subnets. */
  readonly routerId?: Id
  /** Subnets with a gateway. */
  readonly subnets: readonly SubnetPlan[]
  readonly groups: readonly GroupPlan[]
  readonly nat?: NatPlan
  readonly uplink?: UplinkPlan
}

export interface SubnetPlan {
  /** `customer/subnet`. */
  readonly name: string
  readonly id: Id
  readonly vni: number
  readonly networks: readonly Prefix[]
  readonly gateways: readonly Ip[]
  readonly dhcp: boolean
}

/** The objects of a host. */
export interface HostObjects {
  readonly name: string
  /** The interface of the underlay. */
  readonly device: string
  readonly listen: string
  readonly ethlinkId: Id
  readonly muxId: Id
  readonly switches: readonly SwitchPlan[]
  readonly entries: readonly EntryPlan[]
}

interface Surroundings {
  readonly network: Network
  readonly host: LabHost
  readonly guests: readonly StationPlan[]
}

/**
 * Plan the objects of one host. A host knows the VNIs in which it has guests or an uplink, and those that the router of
 * such a customer joins to them.
 */
export function planHost(surroundings: Surroundings): HostObjects {
  const { network, host } = surroundings
  const switches = network.customers.flatMap((customer) => planSwitch(customer, surroundings) ?? [])
  return {
    name: host.name,
    device: host.device,
    listen: formatEndpoint({ address: host.address, port: network.underlay.port }),
    ethlinkId: labId('ethlink', network.name, host.name, 'underlay'),
    muxId: labId('vpcmux', network.name, host.name),
    switches,
    entries: planEntries(surroundings, switches),
  }
}

/** VNIs in which a switch has stations of its own: only these get broadcasts. */
const ownVnis = ({ guests, uplink }: Pick<SwitchPlan, 'guests' | 'uplink'>): Set<number> =>
  new Set([...guests.map(({ vni }) => vni), ...(uplink ? [uplink.vni] : [])])

/** VNIs whose stations a switch must know. */
const knownVnis = (own: ReadonlySet<number>, subnets: readonly SubnetPlan[], isRouted: boolean): Set<number> =>
  new Set([...own, ...(isRouted ? subnets.map(({ vni }) => vni) : [])])

function planSwitch({ name: customer, isRouted, nat }: Customer, { network, host, guests }: Surroundings): SwitchPlan | undefined {
  const mine = guests.filter((guest) => guest.host === host.name && guest.customer === customer)
  const link = network.links.find((candidate) => candidate.host === host.name && candidate.uplink?.customer === customer)
  if (mine.length === 0 && link === undefined && nat?.link.host !== host.name) return undefined
  const uplink = link && planUplink(network.name, link)
  const own = ownVnis({ guests: mine, ...(uplink && { uplink }) })
  const subnets = planSubnets(network, customer)
  const vnis = knownVnis(own, subnets, isRouted)
  return {
    id: labId('vpcsw', network.name, host.name, customer),
    customer,
    vni: network.subnets.find((subnet) => subnet.customer === customer)!.vni,
    guests: mine,
    neighbours: [
      ...guests
        .filter(({ vni }) => vnis.has(vni))
        .flatMap(({ vni, mac, addresses }) => addresses.map(({ address }) => ({ vni, address, mac }))),
      ...(link ? wireNeighbours(link) : []),
    ],
    ...(isRouted && { routerId: labId('vpcrtr', network.name, customer) }),
    subnets: subnets.filter(({ vni }) => vnis.has(vni)),
    groups: planGroups(network).filter((group) => group.customer === customer),
    ...(nat && { nat: planNat(nat, customer, { network, host, guests }) }),
    ...(uplink && { uplink }),
  }
}

const planSubnets = ({ name: network, subnets }: Network, customer: string): SubnetPlan[] =>
  subnets
    .filter((subnet) => subnet.customer === customer && subnet.gateways.length > 0)
    .map(({ name, vni, networks, gateways, dhcp }) => ({ id: labId('subnet', network, name), name, vni, networks, gateways, dhcp }))

/** The entries of an uplink's subnet for the machine at its end. */
const wireNeighbours = ({ uplink, mac, addresses }: Link): NeighbourPlan[] =>
  addresses
    .filter(({ address }) => uplink!.networks.some((network) => contains(network, address)))
    .flatMap(({ address }) => (mac === undefined ? [] : [{ vni: uplink!.vni, address, mac }]))

const planUplink = (network: string, { name, host, device, uplink, vtag }: Link): UplinkPlan => ({
  name,
  ethlinkId: labId('ethlink', network, host, name),
  portId: labId('vpcp', network, host, name),
  l2Name: device,
  vni: uplink!.vni,
  vtag,
})

/** Every guest of the known VNIs on other hosts, and the hosts that get the broadcasts of the host's own VNIs. */
function planEntries({ network, host, guests }: Surroundings, switches: readonly SwitchPlan[]): EntryPlan[] {
  const own = new Set(switches.flatMap((sw) => [...ownVnis(sw)]))
  const known = new Set(switches.flatMap((sw) => [...knownVnis(ownVnis(sw), sw.subnets, sw.routerId !== undefined)]))
  const remote = network.hosts.filter(({ name }) => name !== host.name)
  return remote.flatMap(({ name, address: vtep }) => {
    const there = guests.filter((guest) => guest.host === name && known.has(guest.vni))
    const uplinks = network.links.flatMap((link) => (link.host === name && link.uplink ? [link.uplink.vni] : []))
    const shared = new Set([...there.map(({ vni }) => vni), ...uplinks].filter((vni) => own.has(vni)))
    return [...there.map(({ vni, mac }) => ({ vni, mac, vtep })), ...Array.from(shared, (vni) => ({ vni, mac: zeroMac, vtep }))]
  })
}
