/** Why the programs drop a packet, and what would have to change, in words: one line for each reason of bpf/abi.h. */

/** A drop reason in words. */
export interface DropWords {
  readonly why: string
  /** What to do; left out where only the sender could send something else. */
  readonly remedy?: string
  /** It happens on a healthy network, such as what a host tells all others when nobody else is there. */
  readonly harmless?: true
}

/** In the order of bpf/abi.h. */
export const dropWords = {
  malformed: { why: 'a header is cut short, or its lengths or version contradict the packet' },
  not_ethernet_ii: { why: 'an 802.3 length stands in place of the type' },
  vlan_mismatch: { why: "its VLAN tag is not the port's", remedy: 'set the tag: vpc switch port set --vlan=TAG' },
  link_control: { why: 'bridge and link protocols end at the port' },
  source_mac: { why: 'the sender uses another MAC address than its own', remedy: 'list it: vpc switch port set --mac=MAC' },
  source_ip: {
    why: 'the sender uses an address that is not its own',
    remedy: 'list it: vpc switch port set --address=ADDRESS, or check no senders: --antispoof=off',
  },
  arp_spoof: { why: 'ARP claims a MAC or an address of another station' },
  nd_spoof: { why: 'neighbour discovery claims an address of another station' },
  dhcp_spoof: { why: "it is a DHCP server's message, and guests serve no DHCP" },
  ra_spoof: { why: "it is a router's message, and guests are not routers" },
  not_connected: { why: 'the interface is in no port', remedy: 'connect it: vpc switch port connect' },
  switch_down: { why: 'the switch is down', remedy: 'set it up: vpc switch set --up' },
  unknown_unicast: {
    why: 'no forwarding entry has its destination MAC, and there is no uplink',
    remedy: 'say which host has it: vpc mux fte set',
  },
  no_neighbour: { why: 'no neighbour has that address', remedy: 'say which MAC has it: vpc switch neighbour set' },
  no_listener: { why: 'nobody else is in the segment', harmless: true },
  hairpin: { why: 'its destination is where it came from' },
  too_big: { why: 'it is too large for the way to its destination', remedy: 'send smaller packets, or raise the MTU of the way' },
  unknown_vni: {
    why: 'no switch of this host has the VNI',
    remedy: "correct the sender's forwarding entry: vpc mux fte set, or make the switch here: vpc switch create --vni=VNI",
  },
  unknown_mac: { why: 'its destination is not on this host', remedy: "correct the sender's forwarding entry: vpc mux fte set" },
  bad_tunnel: { why: "it is not for the mux's address", remedy: 'compare with vpc mux show' },
  encap_failed: {
    why: 'the kernel refused to encapsulate it, or to make an answer of it',
    remedy: 'see what keeps the mux from the underlay: vpc doctor, vpc mux show',
  },
  bad_offload: { why: 'a checksum is left open where the protocol has none, or a large segment is of another protocol' },
  host_stack: { why: "the host's own stack sent it on a device of the datapath" },
  ethertype: {
    why: 'it is neither IPv4, IPv6 nor ARP',
    remedy: 'let all pass: vpc switch port set --any-ethertype=on',
  },
  vrrp: { why: 'the port does not let VRRP pass', remedy: 'let it pass: vpc switch port set --vrrp=on' },
  multicast_query: { why: 'it is a message of multicast routers, and guests are none' },
  source_route: { why: 'it has a source route' },
  unicast_to_all: { why: 'it is for one station, in a frame for everybody' },
  port_held: { why: 'the port is held', remedy: 'release it: vpc switch port set --held=off' },
  forwarded: { why: 'another host has forwarded it already', remedy: "correct the first host's forwarding entry" },
  bad_vtep: {
    why: 'it does not come from a VTEP of its VNI, or not from that of its sender',
    remedy: 'say which host has the sender: vpc mux fte set',
  },
  broadcast_rate: { why: 'the port has no copies of broadcasts left', remedy: 'raise vpc switch port set --broadcast-rate' },
  rate_limit: { why: 'the port is at its limit of bytes or packets', remedy: 'raise the limits: vpc switch port set' },
  not_from_mux: { why: 'it is for the UDP port of a VTEP, and only muxes send there' },
  sg_denied: { why: 'no rule of the security groups allows it', remedy: 'ask which rule would allow it: vpc why' },
  sg_revoked: { why: 'the rule that had allowed its flow is gone', remedy: 'add the rule again, or begin another connection' },
  flow_unrelated: { why: 'it is an ICMP error about no flow of the port' },
  flow_invalid: { why: 'no TCP sends these flags together' },
  fragment_order: { why: 'its first fragment has not passed' },
  route_blackhole: { why: 'its route drops it silently', remedy: 'delete or change the route: vpc router route' },
  no_route: { why: 'no route leads to its destination', remedy: 'add one: vpc router route add' },
  no_host: { why: 'no station of the subnet has the address', remedy: 'say which MAC has it: vpc switch neighbour set' },
  ttl_exceeded: { why: 'it has come through as many routers as it may' },
  to_gateway: { why: "it is for the gateway's own address, which answers only pings" },
  no_public_address: {
    why: 'it goes outside, and no public address stands for its sender',
    remedy: 'give it one: vpc nat float add',
  },
  nat_exhausted: {
    why: 'source NAT has no public port left for its sender',
    remedy: 'give it more addresses: vpc nat set --shared; vpc nat port list shows who has which',
  },
  nat_no_mapping: { why: 'nobody behind that public port has sent to its sender' },
  nat_protocol: { why: 'source NAT carries TCP, UDP and pings alone', remedy: 'give the station a floating address: vpc nat float add' },
  nat_fragment: { why: 'its first fragment has not passed source NAT' },
  service_rate: { why: 'its port asks the services of the host too often' },
} as const satisfies Record<string, DropWords>

/** The name of a drop reason. */
export type DropReasonName = keyof typeof dropWords

/** The names of all drop reasons. */
export const dropReasonNames = Object.keys(dropWords) as DropReasonName[]

/** Whether packets are dropped for a reason on a healthy network, too. */
export const isHarmless = (reason: string): boolean => {
  const known: DropWords | undefined = Object.hasOwn(dropWords, reason) ? dropWords[reason as DropReasonName] : undefined
  return known?.harmless === true
}

/** Counts by reason, without those that a healthy network has. */
export const withoutHarmless = (drops: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(drops).filter(([reason]) => !isHarmless(reason)))
