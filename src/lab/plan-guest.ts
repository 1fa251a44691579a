/** Guests and machines at wires, planned from the file: names, ids, MACs and addresses. */
import { idMac, type Id } from '#abi/id.ts'
import type { Ip } from '#wire/ip-address.ts'
import { linkLocal } from '#wire/ipv6-address.ts'
import { asMac } from '#wire/mac.ts'
import type { Prefix } from '#wire/prefix.ts'
import { labId, labMac } from './lab-id.ts'
import type { GuestPlace, Lab, Link, Network } from './lab-model.ts'
import { netnsName } from './names.ts'
import { planGroups, type GroupPlan } from './plan-groups.ts'

/** The interface of a guest, and the port that it is plugged into. */
export interface StationPlan {
  readonly name: string
  readonly host: string
  readonly subnet: string
  readonly customer: string
  readonly vni: number
  /** Id of a hostif, or of a vmnic. */
  readonly interfaceId: Id
  readonly portId: Id
  readonly mac: Uint8Array
  /** With prefix lengths. In a subnet with IPv6 the link-local address is the last. */
  readonly addresses: readonly Prefix[]
  /** The guest asks for its IPv4 address by DHCP. */
  readonly dhcp: boolean
  /** Gateways of the router that joins the customer's subnets. Empty: there is none. */
  readonly gateways: readonly Ip[]
  readonly groups: readonly GroupPlan[]
  readonly place?: GuestPlace
}

/** The guests of a lab or a cluster. */
export function planStations(network: Network): StationPlan[] {
  const groups = planGroups(network)
  return network.guests.map(({ name, host, subnet, addresses, groups: joined, place }) => {
    const interfaceId = labId(place === 'vm' ? 'vmnic' : 'hostif', network.name, name)
    const mac = idMac(interfaceId)
    const { isRouted } = network.customers.find((customer) => customer.name === subnet.customer)!
    const six = addresses.some(({ address }) => address.length === 16)
    return {
      name,
      host,
      subnet: subnet.name,
      customer: subnet.customer,
      vni: subnet.vni,
      interfaceId,
      portId: labId('vpcp', network.name, name),
      mac,
      addresses: six ? [...addresses, { address: linkLocal(asMac(mac)), length: 64 }] : addresses,
      dhcp: subnet.dhcp,
      gateways: isRouted ? subnet.gateways : [],
      groups: groups.filter((group) => group.customer === subnet.customer && joined.includes(group.name)),
      ...(place !== undefined && { place }),
    }
  })
}

/** A guest of a lab. */
export interface GuestPlan extends StationPlan {
  readonly netns: string
}

/** The guests of a lab. */
export const planGuests = (lab: Lab): GuestPlan[] =>
  planStations(lab).map((guest) => ({ ...guest, netns: netnsName(lab.name, guest.name) }))

/** A machine at the end of a wire of a lab. */
export interface WirePlan extends Link {
  readonly netns: string
  readonly mac: Uint8Array
}

/** The machines at the wires of a lab. */
export const planWires = (lab: Lab): WirePlan[] =>
  lab.links.map((link) => ({ ...link, netns: netnsName(lab.name, link.name), mac: labMac(lab.name, link.name) }))
