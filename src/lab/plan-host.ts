/** The plan of one host: its daemon's directories, and the objects that join its guests to the others. */
import { join } from 'node:path'
import type { Id } from '#abi/id.ts'
import type { Ip } from '#wire/ip-address.ts'
import { zeroMac } from '#wire/mac.ts'
import { contains, type Prefix } from '#wire/prefix.ts'
import type { Customer, Lab, LabHost, Link, Subnet } from './lab-model.ts'
import { labId } from './lab-id.ts'
import { labDirectory, netnsName } from './names.ts'
import { planGroups, type GroupPlan } from './plan-groups.ts'
import type { GuestPlan, WirePlan } from './plan-guest.ts'
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
  /** The VNI that its ports get when they are added. */
  readonly vni: number
  readonly guests: readonly GuestPlan[]
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
  readonly id: Id
  readonly vni: number
  readonly networks: readonly Prefix[]
  readonly gateways: readonly Ip[]
  readonly dhcp: boolean
}

export interface HostPlan {
  readonly name: string
  readonly netns: string
  readonly address: Prefix
  readonly listen: string
  readonly ethlinkId: Id
  readonly muxId: Id
  readonly switches: readonly SwitchPlan[]
  readonly entries: readonly EntryPlan[]
  readonly runDir: string
  readonly stateDir: string
  readonly bpffs: string
  readonly log: string
  readonly socket: string
}

interface Surroundings {
  readonly lab: Lab
  readonly host: LabHost
  readonly guests: readonly GuestPlan[]
  readonly wires: readonly WirePlan[]
  readonly listen: string
}

/**
 * Plan one host of a lab. A host knows the VNIs in which it has guests or an uplink, and those that the router of such
 * a customer joins to them.
 */
export function planHost(surroundings: Surroundings): HostPlan {
  const { lab, host, listen } = surroundings
  const directory = join(labDirectory(lab.name), host.name)
  const switches = lab.customers.flatMap((customer) => planSwitch(customer, surroundings) ?? [])
  return {
    name: host.name,
    netns: netnsName(lab.name, host.name),
    address: { address: host.address, length: lab.underlay.network.length },
    listen,
    ethlinkId: labId('ethlink', lab.name, host.name, 'underlay'),
    muxId: labId('vpcmux', lab.name, host.name),
    switches,
    entries: planEntries(surroundings, switches),
    runDir: join(directory, 'run'),
    stateDir: join(directory, 'state'),
    bpffs: join(directory, 'bpf'),
    log: join(directory, 'vpcd.log'),
    socket: join(directory, 'run', 'vpcd.sock'),
  }
}

/** VNIs in which a switch has stations of its own: only these get broadcasts. */
const ownVnis = ({ guests, uplink }: Pick<SwitchPlan, 'guests' | 'uplink'>): Set<number> =>
  new Set([...guests.map(({ vni }) => vni), ...(uplink ? [uplink.vni] : [])])

/** VNIs whose stations a switch must know. */
const knownVnis = (own: ReadonlySet<number>, subnets: readonly SubnetPlan[], isRouted: boolean): Set<number> =>
  new Set([...own, ...(isRouted ? subnets.map(({ vni }) => vni) : [])])

function planSwitch({ name: customer, isRouted, nat }: Customer, { lab, host, guests, wires }: Surroundings): SwitchPlan | undefined {
  const mine = guests.filter((guest) => guest.host === host.name && guest.customer === customer)
  const link = lab.links.find((candidate) => candidate.host === host.name && candidate.uplink?.customer === customer)
  if (mine.length === 0 && link === undefined && nat?.link.host !== host.name) return undefined
  const uplink = link && planUplink(lab.name, link)
  const own = ownVnis({ guests: mine, ...(uplink && { uplink }) })
  const subnets = planSubnets(lab, customer)
  const vnis = knownVnis(own, subnets, isRouted)
  return {
    id: labId('vpcsw', lab.name, host.name, customer),
    customer,
    vni: [...own, ...subnets.map(({ vni }) => vni)][0]!,
    guests: mine,
    neighbours: [
      ...guests
        .filter(({ vni }) => vnis.has(vni))
        .flatMap(({ vni, mac, addresses }) => addresses.map(({ address }) => ({ vni, address, mac }))),
      ...(link
        ? wireNeighbours(
            link.uplink!,
            wires.find(({ name }) => name === link.name)!,
          )
        : []),
    ],
    ...(isRouted && { routerId: labId('vpcrtr', lab.name, customer) }),
    subnets: subnets.filter(({ vni }) => vnis.has(vni)),
    groups: planGroups(lab).filter((group) => group.customer === customer),
    ...(nat && { nat: planNat(nat, customer, { lab, host, guests }) }),
    ...(uplink && { uplink }),
  }
}

const planSubnets = (lab: Lab, customer: string): SubnetPlan[] =>
  lab.subnets
    .filter((subnet) => subnet.customer === customer && subnet.gateways.length > 0)
    .map(({ name, vni, networks, gateways, dhcp }) => ({ id: labId('subnet', lab.name, name), vni, networks, gateways, dhcp }))

/** The entries of a subnet for the machine at the end of an uplink. */
const wireNeighbours = ({ vni, networks }: Subnet, { mac, addresses }: WirePlan): NeighbourPlan[] =>
  addresses.filter(({ address }) => networks.some((network) => contains(network, address))).map(({ address }) => ({ vni, address, mac }))

const planUplink = (lab: string, { name, host, uplink, vtag }: Link): UplinkPlan => ({
  ethlinkId: labId('ethlink', lab, host, name),
  portId: labId('vpcp', lab, host, name),
  l2Name: name,
  vni: uplink!.vni,
  vtag,
})

/** Every guest of the known VNIs on other hosts, and the hosts that get the broadcasts of the host's own VNIs. */
function planEntries({ lab, host, guests }: Surroundings, switches: readonly SwitchPlan[]): EntryPlan[] {
  const own = new Set(switches.flatMap((sw) => [...ownVnis(sw)]))
  const known = new Set(switches.flatMap((sw) => [...knownVnis(ownVnis(sw), sw.subnets, sw.routerId !== undefined)]))
  const remote = lab.hosts.filter(({ name }) => name !== host.name)
  return remote.flatMap(({ name, address: vtep }) => {
    const there = guests.filter((guest) => guest.host === name && known.has(guest.vni))
    const uplinks = lab.links.flatMap((link) => (link.host === name && link.uplink ? [link.uplink.vni] : []))
    const shared = new Set([...there.map(({ vni }) => vni), ...uplinks].filter((vni) => own.has(vni)))
    return [...there.map(({ vni, mac }) => ({ vni, mac, vtep })), ...Array.from(shared, (vni) => ({ vni, mac: zeroMac, vtep }))]
  })
}
