/** Guests of a lab and machines at its wires: names, ids, MACs and addresses, planned from the file. */
import { idMac, type Id } from '#abi/id.ts'
import type { Ip } from '#wire/ip-address.ts'
import { linkLocal } from '#wire/ipv6-address.ts'
import { asMac } from '#wire/mac.ts'
import type { Prefix } from '#wire/prefix.ts'
import { labId, labMac } from './lab-id.ts'
import type { Lab } from './lab-model.ts'
import { planGroups, type GroupPlan } from './plan-groups.ts'
import { netnsName } from './names.ts'

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
  /** With prefix lengths. In a subnet with IPv6 the link-local address is the last. */
  readonly addresses: readonly Prefix[]
  /** The guest asks for its IPv4 address by DHCP. */
  readonly dhcp: boolean
  /** Gateways of the router that joins the customer's subnets. Empty: there is none. */
  readonly gateways: readonly Ip[]
  readonly groups: readonly GroupPlan[]
}

export interface WirePlan {
  readonly name: string
  /** Addresses of the machine at the other end. */
  readonly netns: string
  readonly mac: Uint8Array
  readonly addresses: readonly Prefix[]
  /** The interface of the host has the link's name. */
  readonly host: string
  readonly hostAddresses: readonly Prefix[]
}

/** The guests of a lab. */
export function planGuests(lab: Lab): GuestPlan[] {
  const groups = planGroups(lab)
  return lab.guests.map(({ name, host, subnet, addresses, groups: joined }) => {
    const hostifId = labId('hostif', lab.name, name)
    const mac = idMac(hostifId)
    const { isRouted } = lab.customers.find((customer) => customer.name === subnet.customer)!
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
      dhcp: subnet.dhcp,
      gateways: isRouted ? subnet.gateways : [],
      groups: groups.filter((group) => group.customer === subnet.customer && joined.includes(group.name)),
    }
  })
}

/** The machines at the wires of a lab. */
export const planWires = (lab: Lab): WirePlan[] =>
  lab.links.map(({ name, host, addresses, hostAddresses }) => ({
    name,
    netns: netnsName(lab.name, name),
    mac: labMac(lab.name, name),
    addresses,
    host,
    hostAddresses,
  }))
