/** What a lab file comes to: namespaces, devices and objects with their names and ids. Pure: the same file gives the same plan. */
import { idMac, type Id } from '#abi/id.ts'
import { formatEndpoint } from '#wire/endpoint.ts'
import { formatIp, type Ip } from '#wire/ip-address.ts'
import { linkLocal } from '#wire/ipv6-address.ts'
import { asMac } from '#wire/mac.ts'
import type { Prefix } from '#wire/prefix.ts'
import type { Lab } from './lab-file.ts'
import { planHost, type HostPlan } from './plan-host.ts'
import { labId, labMac } from './lab-id.ts'
import { labDirectory, netnsName } from './names.ts'

export interface GuestPlan {
  readonly name: string
  readonly netns: string
  readonly host: string
  readonly subnet: string
  readonly customer: string
  readonly vni: number
  readonly hostifId: Id
  readonly portId: Id
  readonly mac: Uint8Array
  /** With prefix lengths; where the subnet has IPv6, the link-local address stands last. */
  readonly addresses: readonly Prefix[]
}

export interface WirePlan {
  readonly name: string
  /** Of the machine at the other end. */
  readonly netns: string
  readonly mac: Uint8Array
  readonly addresses: readonly Prefix[]
  /** The interface of the host is called like the link. */
  readonly host: string
  readonly hostAddresses: readonly Prefix[]
}

export interface LabPlan {
  readonly name: string
  readonly directory: string
  readonly underlay: { readonly netns: string; readonly mtuBytes: number }
  readonly hosts: readonly HostPlan[]
  readonly guests: readonly GuestPlan[]
  readonly wires: readonly WirePlan[]
}

/** All namespaces of a lab. */
export const netnsNames = (plan: LabPlan): string[] => [
  plan.underlay.netns,
  ...[...plan.hosts, ...plan.guests, ...plan.wires].map(({ netns }) => netns),
]

/** The address that a guest is known by: the first one. */
export const mainAddress = ({ addresses }: GuestPlan): string => formatIp(addresses[0]!.address)

/** Plan a lab. */
export function planLab(lab: Lab): LabPlan {
  const guests = planGuests(lab)
  const wires = planWires(lab)
  const listen = ({ address }: { readonly address: Ip }): string => formatEndpoint({ address, port: lab.underlay.port })
  return {
    name: lab.name,
    directory: labDirectory(lab.name),
    underlay: { netns: netnsName(lab.name, 'underlay'), mtuBytes: lab.underlay.mtuBytes },
    hosts: lab.hosts.map((host) => planHost({ lab, host, guests, wires, listen: listen(host) })),
    guests,
    wires,
  }
}

function planGuests(lab: Lab): GuestPlan[] {
  return lab.guests.map(({ name, host, subnet, addresses }) => {
    const hostifId = labId('hostif', lab.name, name)
    const mac = idMac(hostifId)
    const six = addresses.some(({ address }) => address.length === 16)
    return {
      name,
      netns: netnsName(lab.name, name),
      host,
      subnet: subnet.name,
      customer: subnet.customer,
      vni: subnet.vni,
      hostifId,
      portId: labId('vpcp', lab.name, name),
      mac,
      addresses: six ? [...addresses, { address: linkLocal(asMac(mac)), length: 64 }] : addresses,
    }
  })
}

const planWires = (lab: Lab): WirePlan[] =>
  lab.links.map(({ name, host, addresses, hostAddresses }) => ({
    name,
    netns: netnsName(lab.name, name),
    mac: labMac(lab.name, name),
    addresses,
    host,
    hostAddresses,
  }))
