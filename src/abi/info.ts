/**
 * What vpcd reports about its objects and itself, in JSON. src/abi/settings.ts declares the settings. Ids, MACs and
 * addresses are text in their usual forms; `unit` is the unit name (`vmnic0`).
 */
import type { Id } from './id.ts'
import type { UnitType } from './object-type.ts'
import type { SettingsJson } from './settings.ts'

interface Common<T extends UnitType> {
  readonly id: Id
  readonly type: T
  readonly unit: string
  readonly mac: string
  readonly committed: boolean
  /** The owner: a document of this owner removes the object when it no longer lists it. */
  readonly owner: string | null
  /** What people call it; null: by its unit name. */
  readonly name: string | null
  /** Why the object is in trouble now; null: it is not. vpcd tries again. */
  readonly trouble: string | null
  /** Descriptors that hold the object now, the asking one included. */
  readonly descriptors: number
}

export interface SwitchInfo extends Common<'vpcsw'>, SettingsJson<'vpcsw'> {
  readonly uplink: Id | null
  readonly subnets: readonly Id[]
  readonly ports: readonly Id[]
}

export interface PortInfo extends Common<'vpcp'>, SettingsJson<'vpcp'> {
  readonly switch: Id | null
  readonly peer: Id | null
  readonly peerUnit: string | null
  readonly uplink: boolean
}

interface Interface {
  readonly port: Id | null
  /** Its MTU: the one that an operator set, or the one that follows from the underlay. */
  readonly mtuBytes: number
  /** False: the MTU follows from the underlay. */
  readonly mtuSet: boolean
}

export interface VmnicInfo extends Common<'vmnic'>, Interface, Omit<SettingsJson<'vmnic'>, 'mtuBytes'> {
  readonly device: string
}

export interface HostifInfo extends Common<'hostif'>, Interface {
  /** Name that the device was made with; it may have been moved and renamed since. */
  readonly device: string
  /** The end that stays on the host and has the program. */
  readonly hostDevice: string
  /** Its user has an XDP program in its driver: packets take the device's queue, so that the program sees them. */
  readonly xdp: boolean
  /**
   * Whether something else than vpcd, such as docker or LXC, has put the unit into another network namespace. A vpcd of
   * before does not say.
   */
  readonly moved?: boolean
  /** Who has the unit; null: whoever took it. */
  readonly guest: object | null
}

export interface EthlinkInfo extends Common<'ethlink'>, Interface, Omit<SettingsJson<'ethlink'>, 'mtuBytes'> {}

export interface MuxInfo extends Common<'vpcmux'>, Omit<SettingsJson<'vpcmux'>, 'mtuBytes'> {
  readonly mtuBytes: number
  readonly device: string
  readonly underlay: Id | null
  /** What closes the direct ways, for packets out and in. */
  readonly objections: { readonly out: readonly string[]; readonly in: readonly string[] }
  readonly entries: number
}

export interface SubnetInfo extends Common<'subnet'>, SettingsJson<'subnet'> {
  readonly switch: Id | null
  readonly router: Id | null
  /** Where the gateway is: the address that was chosen, or the first of the prefix. */
  readonly gatewayAddress4: string | null
  readonly gatewayAddress6: string | null
}

export interface RouterInfo extends Common<'vpcrtr'>, SettingsJson<'vpcrtr'> {
  /** The switch whose subnets it joins. */
  readonly switch: Id | null
  readonly subnets: readonly Id[]
}

export interface NatInfo extends Common<'vpcnat'>, SettingsJson<'vpcnat'> {
  /** Why no packet passes it now; null: packets pass. */
  readonly obstacle: string | null
}

/** Public ports that an inside address has of a NAT, for each protocol. */
export interface NatBlockInfo {
  readonly inside: string
  readonly address: string
  readonly firstPort: number
  readonly lastPort: number
  /** How many ports of all its blocks the inside address uses. */
  readonly used: { readonly tcp: number; readonly udp: number; readonly icmp: number }
  /** Since it got its first block. */
  readonly ageSeconds: number
}

/** A public port in use. */
export interface NatPortInfo {
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  readonly inside: string
  /** Of ICMP: the identifier. */
  readonly insidePort: number
  readonly address: string
  readonly port: number
  readonly state: string
  readonly idleSeconds: number
}

/** A flow as a port that is in security groups sees it: inside is the unit. */
export interface FlowInfo {
  /** Unit name of the port. */
  readonly port: string
  /** A name, or the number. */
  readonly protocol: string
  readonly inside: string
  readonly outside: string
  /** Of ICMP: the identifier. */
  readonly insidePort: number
  readonly outsidePort: number
  readonly state: string
  /** In which direction it began. */
  readonly begun: 'in' | 'out'
  /** `rule 10 of group0 (web)`; null: everything may go out. */
  readonly rule: string | null
  readonly idleSeconds: number
  readonly ageSeconds: number
  readonly packetsIn: number
  readonly bytesIn: number
  readonly packetsOut: number
  readonly bytesOut: number
  /** It is in the port's own table, where no flood pushes it out. */
  readonly confirmed: boolean
}

/** What became of a document of flows. */
export interface FlowImport {
  readonly imported: number
  /** Flows that the host had already, with a later packet. */
  readonly kept: number
}

/** How many flows a rule of a group has allowed. */
export interface RuleCounter {
  readonly rule: string
  readonly flows: number
}

export interface GroupInfo extends Common<'group'>, Omit<SettingsJson<'group'>, 'members'> {
  /** How many addresses of members on other hosts it has. */
  readonly members: number
  /** Ports of this host that are in it. */
  readonly ports: readonly Id[]
}

export interface AddressSetInfo extends Common<'set'>, SettingsJson<'set'> {}

export type ObjectInfo =
  | SwitchInfo
  | PortInfo
  | VmnicInfo
  | HostifInfo
  | EthlinkInfo
  | MuxInfo
  | SubnetInfo
  | RouterInfo
  | NatInfo
  | GroupInfo
  | AddressSetInfo

/** An object in trouble. */
export interface TroubleInfo {
  readonly id: Id
  readonly unit: string
  readonly trouble: string
}

/** Counters of one port or mux. All count since the object was connected. */
export interface SourceStats {
  /** Unit name of the port (`vpcp0`) or mux (`vpcmux0`). */
  readonly unit: string
  readonly id: Id
  /** Unit name of the interface connected to a port. */
  readonly peerUnit: string | null
  readonly rxPackets: number
  readonly rxBytes: number
  readonly txPackets: number
  readonly txBytes: number
  readonly answered: number
  readonly flooded: number
  readonly missed: number
  readonly tooBig: number
  /** Questions without an event: the port asked beyond its rate or share, or nobody read in time. */
  readonly lostQuestions: number
  /** Drops without an event, likewise. */
  readonly lostDropEvents: number
  /** Confirmed flows that found the port's quota used up. */
  readonly flowOverflow: number
  /** Packets for the interface that the port's limits kept back. */
  readonly txLimited: number
  /** By the name of the reason; only those that are not 0. */
  readonly drops: Readonly<Record<string, number>>
}

/**
 * Counters of one queue pair of a vmnic. Packets from the guest are counted by queue only while the vmnic has more than
 * one.
 */
export interface QueueStats {
  readonly queue: number
  /** From the guest, since the device was made. */
  readonly rxPackets: number
  readonly rxBytes: number
  /** To the guest, as the kernel's queueing discipline counts it. */
  readonly txPackets: number
  readonly txBytes: number
  readonly txDrops: number
}

/** How full the tables of flows are, and what rules and queues have counted. */
export interface HostUsage {
  /** Confirmed flows of each port that is in security groups. */
  readonly ports: readonly { readonly id: Id; readonly flows: number; readonly maxFlows: number }[]
  /** Flows of all ports that no reply has confirmed. */
  readonly young: { readonly flows: number; readonly maxFlows: number }
  readonly rules: readonly (RuleCounter & { readonly group: Id })[]
  /** Blocks of public ports of each NAT that shares addresses, and how many stations have got. */
  readonly nats: readonly { readonly id: Id; readonly blocks: number; readonly maxBlocks: number }[]
  readonly queues: readonly (QueueStats & { readonly id: Id })[]
}

/** What the security groups of a port refused. */
export interface RefusalInfo {
  /** Unit name of the port; null: it is gone. */
  readonly port: string | null
  /** To the port, or from it. */
  readonly direction: 'in' | 'out'
  /** The port's groups, by unit and name: `group0 (web)`. */
  readonly groups: readonly string[]
  /** How many rules these have for the direction. */
  readonly rules: number
  /** The rule that had allowed the flow: `rule 10 of group0 (web)`; null: none had. */
  readonly rule: string | null
  /** State of the packet's flow, as in `FlowInfo`; null: it has none. */
  readonly state: string | null
  /** The other end of the packet; null: it has none that can be read. */
  readonly peer: string | null
  /** The groups of this host that the peer is in. */
  readonly peerGroups: readonly string[]
}

/** Where a route sends packets, in the words of the objects. */
export interface RouteInfo {
  /** Unit name; null: the packet's subnet is in none. */
  readonly router: string | null
  /** The router's table that the packet's subnet uses. */
  readonly table: number
  /** `10.9.0.0/16`; null: no route leads to the destination. */
  readonly prefix: string | null
  /** `blackhole`, `via 10.1.0.5`, `subnet2`; null: as prefix, or it has gone meanwhile. */
  readonly target: string | null
}

export interface DropEvent {
  /** ISO 8601, UTC. */
  readonly time: string
  readonly reason: string
  /** Unit that the packet came from: a port's peer, or a mux; null when it is not connected. */
  readonly unit: string | null
  readonly port: string | null
  readonly vni: number
  readonly length: number
  /** Drops of this unit without an event since the last one: beyond its rate, or nobody read in time. */
  readonly lost: number
  /** Of the reasons sg_denied, sg_revoked, flow_unrelated, flow_invalid and fragment_order. */
  readonly refusal?: RefusalInfo
  /** Of the reasons route_blackhole, no_route, no_host and no_public_address. */
  readonly route?: RouteInfo
  /** Unit name of the NAT, of the reasons nat_exhausted, nat_no_mapping, nat_protocol and nat_fragment. */
  readonly nat?: string
  /** The first bytes of the frame, base64. */
  readonly data: string
}

export interface MissEvent {
  readonly time: string
  /** `name`: to the DNS service. */
  readonly question: 'arp' | 'nd' | 'dhcp' | 'name'
  readonly port: string | null
  /** The id of the same port, for the answer. */
  readonly portId: Id | null
  readonly vni: number
  /** Who asks. */
  readonly mac: string
  readonly address: string | null
  /** The address that is asked for; null for DHCP, and for a name. */
  readonly target: string | null
  /** The name that is asked for. */
  readonly name?: string
  /** Questions of this port without an event since the last one. DHCP counts apart from ARP and ND. */
  readonly lost: number
  readonly data: string
}

/** One line of `vpc doctor`. */
export interface ProbeResult {
  readonly name: string
  /** `unknown`: nothing says that it works, and nothing that it does not. */
  readonly state: 'ok' | 'warning' | 'unknown' | 'failed'
  readonly found: string
  /** What to do; empty when the state is ok. */
  readonly remedy: string
}

export interface DaemonInfo {
  readonly version: string
  /** Settings of documents that it knows, as `vpcp.groups`. One of before this field tells none. */
  readonly settings?: readonly string[]
  /** Whether the kernel has IPsec. One of before this field does not tell. */
  readonly ipsec?: boolean
  readonly pid: number
  readonly startedAt: string
  readonly runDir: string
  readonly stateDir: string
  readonly bpffs: string
  readonly objects: number
  readonly descriptors: number
}

/** `change`: of settings, connections, entries or neighbours. */
export type ChangeAction = 'create' | 'change' | 'remove'

export interface ObjectChange {
  readonly action: ChangeAction
  readonly type: UnitType
  readonly id: Id
  readonly unit: string
}

/** What `find` is asked for. */
export interface FindRequest {
  /** Types that the object may have; none: any. */
  readonly types: readonly string[]
  /** A name, a unit name, or the beginning of an id. */
  readonly given: string
}

/** An object that `find` found. */
export interface FoundObject {
  readonly type: UnitType
  readonly id: Id
  readonly unit: string
  readonly name: string | null
}

/** What `follow` is asked for. */
export interface FollowRequest {
  /** First report the changes after this revision. Without one, the answer is `reset`. */
  readonly from?: string | null
}

/** Objects that changed: the answer of `follow`, and each of its events. */
export interface ObjectChanges {
  /** All changes up to here are reported; an opaque value for `from`. */
  readonly revision: string
  /** The previous revision. If it differs from the last one received, an event was lost. */
  readonly previous: string | null
  /** vpcd does not know what changed: anything may have. */
  readonly reset: boolean
  readonly changes: readonly ObjectChange[]
}
