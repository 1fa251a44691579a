/**
 * What the control plane tells a host: items, each with a kind and an id. An item replaces the one before it; a host
 * gets those items alone that concern what is bound to it. Items have ids and numbers, no names, labels or notes: a
 * host needs none to forward packets, and whoever breaks into it learns none. Host names of guests, which DNS tells,
 * are the exception. UUIDs and addresses are in lower case;
 * networks are `10.0.0.0/24`.
 */

/** This host. */
export interface HostItem {
  readonly kind: 'host'
  readonly id: string
  /** Where its mux listens: the first is used. */
  readonly underlay: readonly VtepAddress[]
  /** Servers that it asks for names that are not a guest's. */
  readonly dnsServers: readonly string[]
}

export interface VtepAddress {
  readonly address: string
  readonly port: number
}

/** Another host that has vnics of a vpc that concerns this one. */
export interface VtepItem {
  readonly kind: 'vtep'
  /** The host's id. */
  readonly id: string
  readonly underlay: readonly VtepAddress[]
  /** It is in another facility, and transits join the two. */
  readonly transit?: TransitSpec
}

/** How packets get to another facility. */
export interface TransitSpec {
  /** Largest packet of the underlay on the way; null: as the network says. */
  readonly mtu: number | null
  /** Packets must not pass but under IPsec. A host that cannot make sure of that sends none. */
  readonly ipsec: boolean
}

/** A vpc with a vnic on this host, or one that a peering or a NAT joins to it. One switch of the host. */
export interface VpcItem {
  readonly kind: 'vpc'
  readonly id: string
  readonly account: string
  /** MTU of its guests; null is what the underlay takes. */
  readonly mtu: number | null
  readonly dns: { readonly name: string | null; readonly servers: readonly string[] }
  /** `push`: the feed has all its stations. `demand`: the host asks for those that it needs. */
  readonly resolution: 'push' | 'demand'
  /** With `demand`: all hosts that have vnics of it, this one too. Their items are there. */
  readonly hosts?: readonly string[]
}

/** A subnet of such a vpc, with its VNI in the facility of the host or in one that transits join to it. */
export interface SubnetItem {
  readonly kind: 'subnet'
  readonly id: string
  readonly vpc: string
  readonly vni: number
  /** Another facility has another VNI for it, or this one for another subnet: its packets do not go there. */
  readonly apart?: true
  readonly network4: string | null
  readonly network6: string | null
  readonly gateway4: string | null
  readonly gateway6: string | null
  readonly dhcp: { readonly leaseSeconds: number; readonly ntp: readonly string[]; readonly search: readonly string[] } | null
  readonly ra: 'managed' | 'slaac' | 'off'
  readonly metadata: boolean
  readonly resolver: boolean
  readonly routeTable: string | null
  readonly floodUnknown: boolean
}

/** A vnic that is bound to this host: all that its port and unit need. */
export interface VnicItem {
  readonly kind: 'vnic'
  readonly id: string
  readonly vpc: string
  readonly subnet: string
  readonly mac: string
  readonly addresses: readonly string[]
  readonly allowedPrefixes: readonly string[]
  readonly groups: readonly string[]
  readonly antispoof: boolean
  readonly mtu: number | null
  readonly queues: number
  /** The name of its guest: DNS and metadata need it. */
  readonly hostname: string | null
  readonly sshKeys: readonly string[]
  readonly userData: string | null
  readonly unit: 'vmnic' | 'hostif'
  /** Who has its flows written, if anybody. */
  readonly flowLogs?: readonly FlowLogSpec[]
  readonly epoch: number
  /** Its guest is on its way: `in` is held here, `out` may still send from here, and its frames go to the host. */
  readonly migration: { readonly way: 'in' | 'out'; readonly host: string } | null
}

/** Which flows of a vnic are written, and under which name the host knows where. */
export interface FlowLogSpec {
  readonly id: string
  readonly destination: string
  readonly verdict: 'all' | 'accepted' | 'denied'
  readonly sample: number
}

/** A vnic on another host: where its frames go. `forward`: it has left this host, and frames for it go on once. */
export interface StationItem {
  readonly kind: 'station'
  /** The vnic's id. */
  readonly id: string
  readonly vpc: string
  readonly subnet: string
  readonly mac: string
  readonly addresses: readonly string[]
  readonly groups: readonly string[]
  /** The name of its guest, for DNS. */
  readonly hostname: string | null
  readonly host: string
  readonly epoch: number
  readonly forward: boolean
}

/** A security group that a vnic of this host is in, or that a rule of such a group names. */
export interface GroupItem {
  readonly kind: 'group'
  readonly id: string
  readonly account: string
  readonly rules: readonly GroupRule[]
}

export interface GroupRule {
  readonly id: string
  readonly direction: 'in' | 'out'
  readonly protocol: 'any' | 'tcp' | 'udp' | 'sctp' | 'icmp'
  readonly ports: readonly string[]
  readonly icmp: { readonly type: number; readonly code: number | null } | null
  /** Empty: everybody. An `az` is told as its stations' addresses, a vpc as the networks of its subnets. */
  readonly peers: readonly GroupPeer[]
}

export type GroupPeer =
  | { readonly cidr: string }
  | { readonly group: string }
  | { readonly subnet: string }
  | { readonly prefixList: string }
  | { readonly networks: readonly string[] }

/** A prefix list that such a rule names. */
export interface PrefixListItem {
  readonly kind: 'prefix-list'
  readonly id: string
  readonly entries: readonly string[]
}

/** A router of such a vpc. */
export interface RouterItem {
  readonly kind: 'router'
  readonly id: string
  readonly vpc: string
  readonly subnets: readonly string[]
  /** Networks of those that have no VNI in the facility of the host: no vnic is there, and packets must not go on. */
  readonly absent?: readonly string[]
  readonly enabled: boolean
}

/** A route table of such a vpc. */
export interface RouteTableItem {
  readonly kind: 'route-table'
  readonly id: string
  readonly vpc: string
  readonly routes: readonly RouteEntry[]
}

export type RouteEntry = { readonly destination: string } & (
  | { readonly router: string }
  | { readonly nat: string }
  | { readonly vnic: string; readonly via: readonly string[] }
  | { readonly peering: string }
  | { readonly blackhole: true }
)

/** Two vpcs whose accounts both agreed; this host has vnics of one of them at least. */
export interface PeeringItem {
  readonly kind: 'peering'
  readonly id: string
  readonly vpcs: readonly [string, string]
}

/** The public addresses of a vpc, and where their wire is. */
export interface NatItem {
  readonly kind: 'nat'
  /** The NAT's id, or the vpc's where it has floating addresses alone. */
  readonly id: string
  readonly vpc: string
  /** Prefixes of the pools that the addresses are from. */
  readonly pools: readonly string[]
  readonly shared: readonly string[]
  readonly floats: readonly { readonly address: string; readonly inside: string }[]
  /** The interface of this host that the public addresses are on; null: they are on the wire of host `via`. */
  readonly wire: WireItem | null
  /** Blocks of ports that stations had on the host that had the wire before: `10.0.0.5 203.0.113.9 1024-1087`. */
  readonly kept?: readonly string[]
  readonly via: string | null
}

export interface WireItem {
  /** Its name on the host, such as `em1`. */
  readonly interface: string
  readonly prefix4: string | null
  readonly gateway4: string | null
}

export type FeedItem =
  | HostItem
  | VtepItem
  | VpcItem
  | SubnetItem
  | VnicItem
  | StationItem
  | GroupItem
  | PrefixListItem
  | RouterItem
  | RouteTableItem
  | PeeringItem
  | NatItem

export type FeedKind = FeedItem['kind']

/** The key of an item: its kind and its id. */
export const itemKey = ({ kind, id }: { readonly kind: FeedKind; readonly id: string }): string => `${kind}/${id}`
