/**
 * The declarations of bpf/abi.h for TypeScript: keys and values of the tables, events, flags and numbers, under the
 * same names. layout.test.ts compares all of them with the header, through the compiler's BTF.
 */
import { array, bytes, cStruct, pad, u16, u32, u64, u8, type CStruct, type Field, type Value } from '#abi/c-struct.ts'
import type { Mac } from '#wire/mac.ts'

const mac = bytes(6) as unknown as Field<Mac>

/** enum vpc_drop_reason, in its order: why a packet was dropped. */
export const dropReasons = [
  'none',
  'malformed',
  'not_ethernet_ii',
  'vlan_mismatch',
  'link_control',
  'source_mac',
  'source_ip',
  'arp_spoof',
  'nd_spoof',
  'dhcp_spoof',
  'ra_spoof',
  'not_connected',
  'switch_down',
  'unknown_unicast',
  'no_neighbour',
  'no_listener',
  'hairpin',
  'too_big',
  'unknown_vni',
  'unknown_mac',
  'bad_tunnel',
  'encap_failed',
  'bad_offload',
  'host_stack',
  'ethertype',
  'vrrp',
  'multicast_query',
  'source_route',
  'unicast_to_all',
  'port_held',
  'forwarded',
  'bad_vtep',
  'broadcast_rate',
  'rate_limit',
  'not_from_mux',
  'sg_denied',
  'sg_revoked',
  'flow_unrelated',
  'flow_invalid',
  'fragment_order',
  'route_blackhole',
  'no_route',
  'no_host',
  'ttl_exceeded',
  'to_gateway',
  'no_public_address',
  'nat_exhausted',
  'nat_no_mapping',
  'nat_protocol',
  'nat_fragment',
  'service_rate',
] as const
export type DropReason = (typeof dropReasons)[number]

/** enum vpc_event_kind. */
export const eventKind = { drop: 1, arp_miss: 2, nd_miss: 3, dhcp: 4 } as const
export type EventKind = keyof typeof eventKind

/** enum vpc_dst_kind. */
export const dstKind = { none: 0, local: 1, remote: 2, uplink: 3, gateway: 4, nat: 5 } as const

/** enum vpc_verdict: what a program reports about a packet to a test run. */
export const verdict = { none: 0, drop: 1, forward: 2, flood: 3, answer: 4, consumed: 5 } as const
export type Verdict = keyof typeof verdict

/** VPC_DST_*, VPC_PORT_* and VPC_SEGMENT_*: bits of `flags`. */
export const dstFlag = { peer: 1, forward: 2, limited: 4, policy: 16, multicast: 32 } as const
export const portFlag = {
  up: 1,
  antispoof: 2,
  addresses: 4,
  uplink: 8,
  queues: 16,
  ethertypes: 32,
  vrrp: 64,
  macs: 128,
  held: 0x100,
  moved: 0x200,
  limited: 0x400,
  policy: 0x1000,
  watched: 0x40000000,
} as const
export const segmentFlag = { up: 1, floodUnknown: 2 } as const

/** Destinations in a page of the flood table, and how many local pages a segment may have. */
export const floodPage = 64
export const floodPages = 16
/** Page number of the VTEPs of a segment. */
export const floodRemote = 0x80000000
/** Segment of VNI 0: this and the switch's unit number. */
export const segmentLocal = 0x80000000
/** VPC_OF_SWITCH: the VPC that a switch is. 0 is none. */
export const vpcOfSwitch = (unit: number): number => unit + 1
/** Bytes of the packet that an event carries. */
export const eventSnap = 576
/** Source of a packet that belongs to no port and no mux. */
export const statsNone = 0xffffffff
/** skb->mark of a frame that may enter a unit through its device. */
export { unitMark } from '#abi/unit-mark.ts'
/** skb->mark of a packet that the underlay's egress passes unchanged. */
export const readyMark = 0x765c0000
/** In the context of vpc_mux_trace: the outer header is IPv6. */
export const traceIpv6 = 0x80000000
/** The same: another host has forwarded the packet. */
export const traceForwarded = 0x40000000

/** struct vpc_event */
export const event = cStruct({
  timeNs: u64,
  kind: u32,
  reason: u32,
  ifindex: u32,
  source: u32,
  segment: u32,
  len: u32,
  caplen: u32,
  port: u32,
  policy: u32,
  rule: u32,
  direction: u32,
  state: u32,
  route: u32,
  lost: u32,
  data: bytes(eventSnap),
})

/** struct vpc_vtep. `port` in host order, 0: the mux's own; `addr` in network order, IPv4 in the first 4 bytes. */
export const vtep = cStruct({ family: u8, pad: pad(1), port: u16, addr: bytes(16) })
export type Vtep = Value<typeof vtep>
/** No VTEP: of a destination that is not remote. */
export const noVtep: Vtep = { family: 0, port: 0, addr: new Uint8Array(16) }

/** struct vpc_dst: value of `fdb`, element of a flood page, uplink of a segment. */
export const dst = cStruct({ kind: u8, flags: u8, vlan: u16, mtu: u32, ifindex: u32, stats: u32, vtep })
export type Dst = Value<typeof dst>
export const noDst: Dst = { kind: dstKind.none, flags: 0, vlan: 0, mtu: 0, ifindex: 0, stats: 0, vtep: noVtep }

/** The value of a table's key in memory: between two copies of the key (bpf/lib/entry.h). */
export const entryOf = <K, V>(key: Field<K>, value: Field<V>): CStruct<{ key: Field<K>; value: Field<V>; again: Field<K> }> =>
  cStruct({ key, value, again: key })

/** struct vpc_port: value of `ports`, by ifindex. */
export const port = cStruct({ segment: u32, flags: u32, stats: u32, vlan: u16, mac, broadcastRate: u32, vpc: u32 })
export type Port = Value<typeof port>
export const portEntry = entryOf(u32, port)

/** struct vpc_fdb_key */
export const fdbKey = cStruct({ segment: u32, mac, pad: pad(2) })
export type FdbKey = Value<typeof fdbKey>
export const fdbEntry = entryOf(fdbKey, dst)

/** struct vpc_flood_key */
export const floodKey = cStruct({ segment: u32, page: u32 })
export type FloodKey = Value<typeof floodKey>

/** struct vpc_flood. The first `count` of `dst` are used; fewer than 64 may be given. */
export const flood = cStruct({ count: u32, more: u32, dst: array(dst, floodPage) })
export type Flood = Value<typeof flood>
export const floodEntry = entryOf(floodKey, flood)

/** struct vpc_neighbour_key. IPv4 as ::ffff:a.b.c.d. */
export const neighbourKey = cStruct({ segment: u32, addr: bytes(16) })
export type NeighbourKey = Value<typeof neighbourKey>

/** struct vpc_neighbour */
export const neighbour = cStruct({ mac, pad: pad(2) })
export type Neighbour = Value<typeof neighbour>
export const neighbourEntry = entryOf(neighbourKey, neighbour)

/** struct vpc_port_address_key */
export const portAddressKey = cStruct({ stats: u32, addr: bytes(16) })
export type PortAddressKey = Value<typeof portAddressKey>

/** struct vpc_vtep_key. IPv4 as ::ffff:a.b.c.d. */
export const vtepKey = cStruct({ stats: u32, segment: u32, addr: bytes(16) })
export type VtepKey = Value<typeof vtepKey>

/** In vpc_vtep_key in place of a segment, with a VPC: hosts that route into all of its subnets. */
export const segmentOfVpc = 0xc0000000

/** VPC_GATEWAY_MAC: the one of all gateways. */
export const gatewayMac = Uint8Array.of(0x02, 0x76, 0x70, 0x63, 0x00, 0x01) as Mac

/** VPC_SUBNET_*: bits of `flags`. */
export const subnetFlag = { routed: 1, metadata: 2, dns: 4 } as const

/** struct vpc_subnet: value of `subnets`, by segment. Addresses as in vpc_neighbour_key; zero: none. */
export const subnet = cStruct({ flags: u32, vpc: u32, routeTable: u32, mtu: u32, gateway4: bytes(16), gateway6: bytes(16) })
export type Subnet = Value<typeof subnet>
export const subnetEntry = entryOf(u32, subnet)

/** VPC_ROUTES_*: the trie of a route table. */
export const routesOf = (routeTable: number, family: 4 | 6): number => routeTable * 2 + (family === 6 ? 1 : 0)

/** struct vpc_route_key. `length` in bits, those of `table` among them. */
export const routeKey = cStruct({ length: u32, table: u32, addr: bytes(16) })
export type RouteKey = Value<typeof routeKey>

/** enum vpc_route_kind */
export const routeKind = { none: 0, local: 1, blackhole: 2, unreachable: 3, instance: 4, peer: 5, igw: 6 } as const

/** struct vpc_route: value of `routes`. */
export const route = cStruct({ kind: u32, vpc: u32, addr: bytes(16) })
export type Route = Value<typeof route>
export const routeEntry = entryOf(routeKey, route)

/** struct vpc_host_key */
export const hostKey = cStruct({ vpc: u32, addr: bytes(16) })
export type HostKey = Value<typeof hostKey>

/** struct vpc_host: value of `hosts`. */
export const host = cStruct({ segment: u32, mac, pad: pad(2) })
export type Host = Value<typeof host>
export const hostEntry = entryOf(hostKey, host)

/** struct vpc_segment */
export const segment = cStruct({ flags: u32, switchUnit: u32, uplink: dst, switchMirror: u32, uplinkMirror: u32 })
export type Segment = Value<typeof segment>
export const segmentEntry = entryOf(u32, segment)
/** Mirrors of a segment that nobody watches. */
export const unwatched = { switchMirror: 0, uplinkMirror: 0 } as const

/** VPC_MUX_*: whether packets may bypass the vxlan device, and whether only muxes send to VTEPs. */
export const muxFlag = { directOut: 1, directIn: 2, exclusive: 4 } as const

/** struct vpc_mux: value of `muxes`, by ifindex. */
export const mux = cStruct({ stats: u32, flags: u32, listen: vtep })
export type Mux = Value<typeof mux>
export const muxEntry = entryOf(u32, mux)

/** enum vpc_end_kind: what of a tunnel end is meant. */
export const endKind = { port: 0, address: 1, own: 2 } as const

/** struct vpc_tunnel_end. `port` in host order; IPv4 as ::ffff:a.b.c.d. */
export const tunnelEnd = cStruct({ port: u16, kind: u16, addr: bytes(16) })
export type TunnelEnd = Value<typeof tunnelEnd>

/** struct vpc_stats */
export const stats = cStruct({
  rxPackets: u64,
  rxBytes: u64,
  txPackets: u64,
  txBytes: u64,
  answered: u64,
  flooded: u64,
  missed: u64,
  tooBig: u64,
  lostQuestions: u64,
  lostDropEvents: u64,
  txLimited: u64,
  flowOverflow: u64,
})

/** Queue pairs that a vmnic can have. */
export const maxQueues = 16
/** struct vpc_queue_key */
export const queueKey = cStruct({ ifindex: u32, queue: u32 })
/** struct vpc_queue */
export const queue = cStruct({ rxPackets: u64, rxBytes: u64 })

/** struct vpc_drop_key */
export const dropKey = cStruct({ stats: u32, reason: u32 })

/** struct vpc_rate */
export const rate = cStruct({ readyNs: u64, lost: u32, unread: u32, lastPosition: u64 })

/** struct vpc_limit_key */
export const limitKey = cStruct({ stats: u32, pad: pad(4) })
export type LimitKey = Value<typeof limitKey>

/** struct vpc_limits: value of `port_limits`. */
export const limits = cStruct({ bytesOut: u64, bytesIn: u64, packetsOut: u32, packetsIn: u32, neighbourQuestions: u32, dhcpQuestions: u32 })
export type Limits = Value<typeof limits>
export const limitEntry = entryOf(limitKey, limits)

/** struct vpc_limit_bucket */
export const limitBucket = cStruct({ tick: u64, timeNs: u64, tokens: u64 })
/** struct vpc_limit_buckets */
export const limitBuckets = cStruct({ bytesOut: limitBucket, packetsOut: limitBucket, bytesIn: limitBucket, packetsIn: limitBucket })
export type LimitBuckets = Value<typeof limitBuckets>
const unused = { tick: 0n, timeNs: 0n, tokens: 0n }
/** Buckets of a port that has not used them: they fill from time 0 on. */
export const fullLimitBuckets: LimitBuckets = { bytesOut: unused, packetsOut: unused, bytesIn: unused, packetsIn: unused }

/** Bytes of DHCP's cookie and options. */
export const dhcpTail = 312
/** struct vpc_dhcp: value of `dhcp_replies`, by source. Addresses in network order. */
export const dhcp = cStruct({ address: bytes(4), server: bytes(4), tail: bytes(dhcpTail) })
export type Dhcp = Value<typeof dhcp>
export const dhcpEntry = entryOf(u32, dhcp)

/** Most bytes of DHCPv6's options. */
export const dhcpv6Options = 232
/** struct vpc_dhcpv6: value of `dhcpv6_replies`, by source. */
export const dhcpv6 = cStruct({ address: bytes(16), lifetime: u32, length: u32, options: bytes(dhcpv6Options) })
export type Dhcpv6 = Value<typeof dhcpv6>
export const dhcpv6Entry = entryOf(u32, dhcpv6)

/** Most bytes of a router advertisement. */
export const raLength = 248
/** struct vpc_ra: value of `ra_replies`, by segment. */
export const ra = cStruct({ length: u32, message: bytes(raLength) })
export type Ra = Value<typeof ra>
export const raEntry = entryOf(u32, ra)

/** struct vpc_service_port: value of `service_ports`, by source. */
export const servicePort = cStruct({ ifindex: u32, incarnation: u32 })
export type ServicePort = Value<typeof servicePort>
export const servicePortEntry = entryOf(u32, servicePort)

/** struct vpc_service_guest_key, and its value in `service_guests`. */
export const serviceGuestKey = cStruct({ port: u32, incarnation: u32, place: u32 })
export const serviceGuest = cStruct({ segment: u32, mac, pad: pad(2), addr: bytes(16) })
export const serviceGuestEntry = entryOf(serviceGuestKey, serviceGuest)

/** struct vpc_bucket */
export const bucket = cStruct({ timeNs: u64, tokens: u64 })
export type Bucket = Value<typeof bucket>
/** A bucket of a port that has not used it: it fills from time 0 on. */
export const fullBucket: Bucket = { timeNs: 0n, tokens: 0n }
