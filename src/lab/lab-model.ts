/**
 * What a lab file and a cluster file describe: hosts, their underlay, customers with subnets and groups, guests and
 * links.
 */
import type { GroupRule } from '#abi/group-rule.ts'
import type { Ip } from '#wire/ip-address.ts'
import type { Prefix } from '#wire/prefix.ts'

/** A lab makes its hosts and guests; those of a cluster are there. */
export type Grammar = 'lab' | 'cluster'

export interface Underlay {
  readonly network: Prefix
  readonly mtuBytes: number
  /** UDP port of VXLAN. */
  readonly port: number
}

export interface LabHost {
  readonly name: string
  /** On the underlay. */
  readonly address: Ip
  /** The interface that has it. */
  readonly device: string
}

export interface Customer {
  readonly name: string
  /** A router joins the subnets, on every host. */
  readonly isRouted: boolean
  readonly groups: readonly LabGroup[]
  readonly nat?: LabNat
}

/** Public IPv4 addresses of a customer's guests, on the wire of a link. The machine at its end is the next router. */
export interface LabNat {
  readonly link: Link
  readonly floats: readonly { readonly guest: string; readonly address: Ip }[]
  /** Addresses that the other guests share. */
  readonly shared: readonly Ip[]
}

/** A security group of a customer. */
export interface LabGroup {
  readonly name: string
  /** A peer that is a group of the customer is written as `group` and its place in the customer's list. */
  readonly rules: readonly GroupRule[]
}

export interface Subnet {
  /** `customer/subnet`. */
  readonly name: string
  readonly customer: string
  readonly vni: number
  /** At most one of each family, at least one. */
  readonly networks: readonly Prefix[]
  /** Guests get their IPv4 addresses by DHCP. */
  readonly dhcp: boolean
  /** The gateway of each network. None: the subnet has neither a router nor DHCP. */
  readonly gateways: readonly Ip[]
}

export interface Guest {
  readonly name: string
  readonly host: string
  readonly subnet: Subnet
  /** One address for each network of the subnet, with its prefix length. */
  readonly addresses: readonly Prefix[]
  /** Names of groups of its customer. */
  readonly groups: readonly string[]
  /** Of a cluster: where vpcd puts the interface. */
  readonly place?: GuestPlace
}

/** A network namespace and the interface's name in it; or a virtual machine, which opens its vmnic by itself. */
export type GuestPlace = { readonly netns: string; readonly device: string } | 'vm'

/** A wire that leaves a host: an interface of the host, and a machine at its other end. */
export interface Link {
  readonly name: string
  readonly host: string
  /** The host's interface. */
  readonly device: string
  /** MAC of the machine at the other end; without one, guests find it as they find any station of the wire. */
  readonly mac?: Uint8Array
  /** Addresses of the host on its interface. */
  readonly hostAddresses: readonly Prefix[]
  /** Addresses of the machine at the other end. */
  readonly addresses: readonly Prefix[]
  /** The subnet whose frames leave through it unencapsulated. */
  readonly uplink?: Subnet
  /** VLAN tag of those frames; 0: untagged. */
  readonly vtag: number
}

/** What labs and clusters have in common. */
export interface Network {
  readonly name: string
  readonly underlay: Pick<Underlay, 'port'>
  readonly hosts: readonly LabHost[]
  readonly customers: readonly Customer[]
  readonly subnets: readonly Subnet[]
  readonly guests: readonly Guest[]
  readonly links: readonly Link[]
}

export interface Lab extends Network {
  readonly underlay: Underlay
}
