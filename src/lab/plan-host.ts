/** The plan of one host: its daemon's directories, and the objects that join its guests to the others. */
import { join } from 'node:path'
import type { Id } from '#abi/id.ts'
import type { Ip } from '#wire/ip-address.ts'
import { zeroMac } from '#wire/mac.ts'
import { contains, type Prefix } from '#wire/prefix.ts'
import type { Lab, LabHost, Link, Subnet } from './lab-model.ts'
import { labId } from './lab-id.ts'
import { labDirectory, netnsName } from './names.ts'
import type { GuestPlan, WirePlan } from './plan-guest.ts'

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
  readonly uplink?: UplinkPlan
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

/** Plan one host of a lab. A host knows the VNIs in which it has guests or an uplink, and no others. */
export function planHost(surroundings: Surroundings): HostPlan {
  const { lab, host, listen } = surroundings
  const directory = join(labDirectory(lab.name), host.name)
  const switches = [...new Set(lab.subnets.map(({ customer }) => customer))].flatMap((customer) => planSwitch(customer, surroundings) ?? [])
  return {
    name: host.name,
    netns: netnsName(lab.name, host.name),
    address: { address: host.address, length: lab.underlay.network.length },
    listen,
    ethlinkId: labId('ethlink', lab.name, host.name, 'underlay'),
    muxId: labId('vpcmux', lab.name, host.name),
    switches,
    entries: planEntries(surroundings, vnisOf(switches)),
    runDir: join(directory, 'run'),
    stateDir: join(directory, 'state'),
    bpffs: join(directory, 'bpf'),
    log: join(directory, 'vpcd.log'),
    socket: join(directory, 'run', 'vpcd.sock'),
  }
}

const vnisOf = (switches: readonly SwitchPlan[]): Set<number> =>
  new Set(switches.flatMap(({ guests, uplink }) => [...guests.map(({ vni }) => vni), ...(uplink ? [uplink.vni] : [])]))

function planSwitch(customer: string, { lab, host, guests, wires }: Surroundings): SwitchPlan | undefined {
  const mine = guests.filter((guest) => guest.host === host.name && guest.customer === customer)
  const link = lab.links.find((candidate) => candidate.host === host.name && candidate.uplink?.customer === customer)
  if (mine.length === 0 && link === undefined) return undefined
  const vnis = new Set([...mine.map(({ vni }) => vni), ...(link ? [link.uplink!.vni] : [])])
  return {
    id: labId('vpcsw', lab.name, host.name, customer),
    customer,
    vni: [...vnis][0]!,
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
    ...(link && { uplink: planUplink(lab.name, link) }),
  }
}

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

/** Every guest of the host's VNIs on other hosts, and the hosts that get their broadcasts. */
function planEntries({ lab, host, guests }: Surroundings, vnis: ReadonlySet<number>): EntryPlan[] {
  const remote = lab.hosts.filter(({ name }) => name !== host.name)
  return remote.flatMap(({ name, address: vtep }) => {
    const there = guests.filter((guest) => guest.host === name && vnis.has(guest.vni))
    const uplinks = lab.links.flatMap((link) => (link.host === name && link.uplink && vnis.has(link.uplink.vni) ? [link.uplink.vni] : []))
    const shared = new Set([...there.map(({ vni }) => vni), ...uplinks])
    return [...there.map(({ vni, mac }) => ({ vni, mac, vtep })), ...Array.from(shared, (vni) => ({ vni, mac: zeroMac, vtep }))]
  })
}
