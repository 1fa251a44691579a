/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the datapath and user space share: layouts of map keys and values, flags, drop reasons, event kinds.
 *
 * Host byte order and C alignment, unless a field says otherwise. No implicit padding: every gap is a named pad, so
 * that keys compare byte for byte. src/datapath/layout.ts declares the same layouts, and a test compares both through
 * BTF.
 *
 * A layout may change. vpcd then builds the table anew, and meanwhile two versions of the programs run side by side.
 * vpcd detects the change by the sizes and names of the fields, so a field that changes its meaning gets another name.
 * Values in skb->mark and numbers of closed lists never change their meaning: new numbers are added at the end.
 */
#ifndef VPC_ABI_H
#define VPC_ABI_H

#include <linux/types.h>
#include "abi-guests.h"
#include "mark.h"

#define VPC_FLOOD_PAGE 64u             /* destinations in one page of the flood table */
#define VPC_FLOOD_PAGES 16u            /* pages of local ports of one segment: 1024 ports at most */
#define VPC_FLOOD_REMOTE 0x80000000u   /* page number of the one page that lists VTEPs */
#define VPC_SEGMENT_LOCAL 0x80000000u  /* segment of VNI 0: this bit and the switch's unit number */
#define VPC_EVENT_SNAP 576u            /* bytes of the packet that an event carries: enough for a DHCP message with its options */
#define VPC_STATS_NONE 0xffffffffu     /* source of a packet that belongs to no port and no mux */

/*
 * A segment is one broadcast domain. VNI 1..2^24-1: the segment is the VNI (a VNI belongs to one switch of a host).
 * VNI 0, which never leaves the host encapsulated: VPC_SEGMENT_LOCAL | unit number of the switch.
 */

/*
 * A VPC: the subnets of one switch. They share routes, and an address means the same station in all of them. 0: none.
 */
#define VPC_OF_SWITCH(unit) ((unit) + 1)

/*
 * Values of hash tables name their key. The kernel gives the memory of a replaced or deleted entry to the next entry at
 * once, even while a program reads it. The program would then follow the entry of another customer. So struct
 * vpc_..._entry has the key before and after the value (the kernel copies in either direction). A program copies first
 * and compares then (lib/entry.h). Values that nobody reads, such as that of `port_addresses`, have no key.
 */

/* Why a packet was dropped. The list is closed; names in user space are these in lower case, without the prefix. */
enum vpc_drop_reason {
	VPC_DROP_NONE = 0,
	VPC_DROP_MALFORMED,          /* a header is cut short, or its lengths or version contradict the packet */
	VPC_DROP_NOT_ETHERNET_II,    /* an 802.3 length field in place of the type */
	VPC_DROP_VLAN_MISMATCH,      /* a tag that the port is not set to, none where it is set to one, or two tags */
	VPC_DROP_LINK_CONTROL,       /* 01:80:c2:00:00:0x: bridge and link protocols end at the port */
	VPC_DROP_SOURCE_MAC,         /* not the unit's own MAC */
	VPC_DROP_SOURCE_IP,          /* not an address of the port */
	VPC_DROP_ARP_SPOOF,          /* ARP sender MAC or address of another station */
	VPC_DROP_ND_SPOOF,           /* ND target, source or link-layer option of another station */
	VPC_DROP_DHCP_SPOOF,         /* a DHCP or DHCPv6 server's message from a guest */
	VPC_DROP_RA_SPOOF,           /* a router advertisement or redirect from a guest */
	VPC_DROP_NOT_CONNECTED,      /* the unit is not connected to a port of a switch */
	VPC_DROP_SWITCH_DOWN,        /* the switch's state is down */
	VPC_DROP_UNKNOWN_UNICAST,    /* no forwarding entry and no uplink */
	VPC_DROP_NO_NEIGHBOUR,       /* ARP or ND question without an answer in the tables, not flooded */
	VPC_DROP_NO_LISTENER,        /* broadcast or multicast with nobody else in the segment */
	VPC_DROP_HAIRPIN,            /* the destination is where the packet came from */
	VPC_DROP_TOO_BIG,            /* too large for the way to its destination (answered with an ICMP error where one may be sent) */
	VPC_DROP_UNKNOWN_VNI,        /* from the underlay: no switch of this host has the VNI */
	VPC_DROP_UNKNOWN_MAC,        /* from the underlay: the destination is not on this host */
	VPC_DROP_BAD_TUNNEL,         /* from the underlay: no tunnel metadata, or not to the mux's listen address */
	VPC_DROP_ENCAP_FAILED,       /* the kernel refused to set the tunnel key, to clone or to rewrite */
	VPC_DROP_BAD_OFFLOAD,        /* a checksum left open where the protocol has none, or a large segment of another protocol */
	VPC_DROP_HOST_STACK,         /* sent by the host's own stack on a device of the datapath */
	VPC_DROP_ETHERTYPE,          /* from a guest: not IPv4, IPv6 or ARP, and the port does not let other EtherTypes pass */
	VPC_DROP_VRRP,               /* from a guest whose port does not let VRRP pass */
	VPC_DROP_MULTICAST_QUERY,    /* from a guest: an IGMP or MLD query, or another message of multicast routers */
	VPC_DROP_SOURCE_ROUTE,       /* IPv4 with a loose or strict source route, IPv6 with a routing header of type 0 */
	VPC_DROP_UNICAST_TO_ALL,     /* from a guest: an IP packet for one station in an Ethernet broadcast or multicast */
	VPC_DROP_PORT_HELD,          /* the port is held: its interface is connected but not in service */
	VPC_DROP_FORWARDED,          /* from the underlay, to be forwarded once: another host has forwarded it already */
	VPC_DROP_BAD_VTEP,           /* from the underlay: not from a VTEP of the VNI, or not from the sender's own VTEP */
	VPC_DROP_BROADCAST_RATE,     /* from a guest: its port has no copies of broadcasts left */
	VPC_DROP_RATE_LIMIT,         /* beyond the bytes or packets a second of the sender's port, or of the receiver's (its tx_limited) */
	VPC_DROP_NOT_FROM_MUX,       /* to the UDP port of a VTEP, from a guest behind an uplink or from a program of the host */
	VPC_DROP_SG_DENIED,          /* no rule of the port's security groups allows it */
	VPC_DROP_SG_REVOKED,         /* of a flow whose rule is gone */
	VPC_DROP_FLOW_UNRELATED,     /* to or from a port with security groups: an ICMP error about no flow of the port */
	VPC_DROP_FLOW_INVALID,       /* the same: flags that no TCP sends together */
	VPC_DROP_FRAGMENT_ORDER,     /* the same: a later fragment whose first one has not passed */
	VPC_DROP_ROUTE_BLACKHOLE,    /* its route says that nobody shall hear of it */
	VPC_DROP_NO_ROUTE,           /* no route leads to its destination, or one that says so (answered with an ICMP error) */
	VPC_DROP_NO_HOST,            /* no station of the subnet that it is routed to has the address (answered likewise) */
	VPC_DROP_TTL_EXCEEDED,       /* it has come through as many routers as it may (answered likewise) */
	VPC_DROP_TO_GATEWAY,         /* to a gateway's own address, and nothing that a gateway answers */
	VPC_DROP_NO_PUBLIC_ADDRESS,  /* to the outside, from an address that no public one stands for (answered likewise) */
	VPC_DROP_NAT_EXHAUSTED,      /* source NAT has no public port left for its sender */
	VPC_DROP_NAT_NO_MAPPING,     /* to a public address of source NAT: from somebody that nobody behind that port has sent to */
	VPC_DROP_NAT_PROTOCOL,       /* to or from source NAT: neither TCP, UDP, an echo, nor an error about one of these */
	VPC_DROP_NAT_FRAGMENT,       /* the same: a later fragment whose first one has not passed */
	VPC_DROP_SERVICE_RATE,       /* to a service of the host, beyond what a port may send there a second */
	VPC_DROP_REASONS             /* count, not a reason */
};

enum vpc_event_kind {
	VPC_EVENT_DROP = 1,
	VPC_EVENT_ARP_MISS,  /* ARP request for an address that the neighbour table lacks */
	VPC_EVENT_ND_MISS,   /* neighbour solicitation likewise */
	VPC_EVENT_DHCP,      /* a guest's DHCP (v4 or v6) request to all; it is also flooded as a broadcast */
};

struct vpc_event {
	__u64 time_ns;   /* CLOCK_MONOTONIC */
	__u32 kind;      /* enum vpc_event_kind */
	__u32 reason;    /* enum vpc_drop_reason, of a drop */
	__u32 ifindex;   /* where the packet came in */
	__u32 source;    /* index into the stats table: the port or mux that it came from, or VPC_STATS_NONE */
	__u32 segment;
	__u32 len;       /* of the whole packet, from the Ethernet header on */
	__u32 caplen;    /* of data */
	__u32 port;      /* stats index of the port whose security groups decided, or of the source NAT; these five are 0 of other reasons */
	__u32 policy;    /* and by which policy of it */
	__u32 rule;      /* that had allowed the flow */
	__u32 direction; /* enum vpc_direction */
	__u32 state;     /* enum vpc_flow_state of the packet's flow; 0: it has none */
	__u32 route;     /* of a packet that a route refuses, or that nobody has there: 1 + bits of the route's prefix; 0: no route */
	__u32 lost;      /* events of this source that were held back since the last one: beyond its rate or share, or the ring was full */
	__u8 data[VPC_EVENT_SNAP];
};

/* A tunnel end point. */
struct vpc_vtep {
	__u8 family;     /* 4 or 6; 0: none */
	__u8 pad;
	__u16 port;      /* UDP, host order; 0: the mux's own */
	__u8 addr[16];   /* network order; IPv4 in the first 4 bytes, the rest 0 */
};

enum vpc_dst_kind {
	VPC_DST_NONE = 0,
	VPC_DST_LOCAL,   /* a unit of this host */
	VPC_DST_REMOTE,  /* behind a VTEP */
	VPC_DST_UPLINK,  /* out of an ethlink, unencapsulated */
	VPC_DST_GATEWAY, /* in no table: to be routed */
	VPC_DST_NAT,     /* in no table: to the outside, by a NAT */
};

#define VPC_DST_FORWARD 2u  /* flag: frames from the underlay are forwarded to it too, each once (lib/forward-once.h) */
#define VPC_DST_LIMITED 4u  /* flag, of LOCAL: the port limits packets to the unit (lib/limit.h) */
#define VPC_DST_POLICY 16u     /* flag, of LOCAL: its port is in security groups (lib/policy.h) */
#define VPC_DST_MULTICAST 32u  /* flag, of LOCAL with POLICY: multicasts may come in */
#define VPC_DST_PEER 1u  /* flag: use bpf_redirect_peer (a veth whose other end is in another network namespace) */

/* A place to send a frame to: value of the fdb, element of a flood page, the uplink of a segment. */
struct vpc_dst {
	__u8 kind;       /* enum vpc_dst_kind */
	__u8 flags;      /* VPC_DST_* */
	__u16 vlan;      /* tag to push before delivery; 0: none */
	__u32 mtu;       /* largest layer 3 packet that fits this way; 0: no limit */
	__u32 ifindex;   /* LOCAL, UPLINK: device to redirect to; REMOTE: the mux's device */
	__u32 stats;     /* index into the stats table of the port (LOCAL, UPLINK) or mux (REMOTE) */
	struct vpc_vtep vtep; /* REMOTE; of a LOCAL one on its way from or to another host, that host (lib/sender.h) */
};

#define VPC_PORT_UP 1u          /* the switch is up */
#define VPC_PORT_ANTISPOOF 2u   /* check sources; on by default */
#define VPC_PORT_ADDRESSES 4u   /* the port has addresses: source IPs must be among them */
#define VPC_PORT_UPLINK 8u      /* an ethlink: sources are not the port's own */
#define VPC_PORT_HELD 0x100u    /* never with UP: the interface is connected, but neither sends nor receives */
#define VPC_PORT_MOVED 0x200u   /* an entry has the unit's MAC behind another host: the unit has just moved from there */
#define VPC_PORT_LIMITED 0x400u /* the port limits packets from its unit (lib/limit.h) */
#define VPC_PORT_POLICY 0x1000u /* the port is in security groups (lib/policy.h) */
#define VPC_PORT_WATCHED 0x40000000u /* a sniffer watches its switch or uplink: see lib/watch.h */
#define VPC_PORT_QUEUES 16u     /* a vmnic with more than one queue: count each */
#define VPC_PORT_ETHERTYPES 32u /* frames of all EtherTypes pass, not only IPv4, IPv6 and ARP */
#define VPC_PORT_VRRP 64u       /* VRRP passes */
#define VPC_PORT_MACS 128u      /* the fdb has further MACs behind the unit: it may send from them */

/* Table `ports`: by the ifindex on which the program runs (the switch side of a unit). */
struct vpc_port {
	__u32 segment;
	__u32 flags;     /* VPC_PORT_* */
	__u32 stats;     /* index into the stats table */
	__u16 vlan;      /* tag that the unit's frames carry; 0: untagged. Of an uplink: the ethlink's vtag */
	__u8 mac[6];     /* of the unit */
	__u32 broadcast_rate; /* copies of its broadcasts a second; 0: no limit */
	__u32 vpc;       /* VPC_OF_SWITCH of its switch */
};

struct vpc_port_entry {
	__u32 key;
	struct vpc_port value;
	__u32 again;
};

/* Table `fdb`: where a MAC of a segment is. */
struct vpc_fdb_key {
	__u32 segment;
	__u8 mac[6];
	__u8 pad[2];
};

struct vpc_fdb_entry {
	struct vpc_fdb_key key;
	struct vpc_dst value;
	struct vpc_fdb_key again;
};

/* Table `flood`: where broadcast and multicast of a segment go. */
struct vpc_flood_key {
	__u32 segment;
	__u32 page;      /* 0..VPC_FLOOD_PAGES-1: local units and the uplink; VPC_FLOOD_REMOTE: VTEPs */
};

struct vpc_flood {
	__u32 count;     /* of dst in use */
	__u32 more;      /* another local page follows */
	struct vpc_dst dst[VPC_FLOOD_PAGE];
};

struct vpc_flood_entry {
	struct vpc_flood_key key;
	struct vpc_flood value;
	struct vpc_flood_key again;
};

#define VPC_SEGMENT_OF_VPC 0xc0000000u /* in vpc_vtep_key, with a VPC: hosts that route into all of its subnets */

/* Table `vteps`: VTEPs from which packets of a VNI are accepted; value __u32 1. */
struct vpc_vtep_key {
	__u32 stats;     /* of the mux */
	__u32 segment;   /* or VPC_SEGMENT_OF_VPC | VPC: for packets whose sender is a gateway */
	__u8 addr[16];   /* as in vpc_neighbour_key */
};

/* Table `neighbours`: IP to MAC. */
struct vpc_neighbour_key {
	__u32 segment;
	__u8 addr[16];   /* network order; IPv4 as ::ffff:a.b.c.d */
};

struct vpc_neighbour {
	__u8 mac[6];
	__u8 pad[2];
};

struct vpc_neighbour_entry {
	struct vpc_neighbour_key key;
	struct vpc_neighbour value;
	struct vpc_neighbour_key again;
};

#include "abi-routing.h"
#include "abi-nat.h"

/* Table `port_addresses`: the addresses that a port may send from; value __u32 1. */
struct vpc_port_address_key {
	__u32 stats;     /* of the port */
	__u8 addr[16];   /* as in vpc_neighbour_key */
};

#define VPC_SEGMENT_UP 1u
#define VPC_SEGMENT_FLOOD_UNKNOWN 2u  /* flood ARP and ND questions that the tables do not answer */

/* Table `segments`, looked up only off the fast path. */
struct vpc_segment {
	__u32 flags;
	__u32 switch_unit;
	struct vpc_dst uplink;  /* kind NONE: there is none */
	__u32 switch_mirror;    /* ifindex of the switch's mirror while a sniffer watches it; 0: nobody does */
	__u32 uplink_mirror;    /* the same of the uplink's ethlink */
};

struct vpc_segment_entry {
	__u32 key;
	struct vpc_segment value;
	__u32 again;
};

#define VPC_MUX_DIRECT_OUT 1u  /* packets may leave without the vxlan device: no rule of the host must see each of them */
#define VPC_MUX_DIRECT_IN 2u   /* the same for received packets */
#define VPC_MUX_EXCLUSIVE 4u   /* only muxes of this host send to the ports of VTEPs: see lib/tunnel-end.h */

/* Table `muxes`: by the ifindex of the mux's device, and by that of its underlay's interface. */
struct vpc_mux {
	__u32 stats;
	__u32 flags;            /* VPC_MUX_* */
	struct vpc_vtep listen; /* outer destination that the mux accepts; its port is the default VTEP port */
};

struct vpc_mux_entry {
	__u32 key;
	struct vpc_mux value;
	__u32 again;
};

/* Of a tunnel end. */
enum vpc_end_kind {
	VPC_END_PORT = 0,     /* a VTEP, this host's own too, listens on this port of the address */
	VPC_END_ADDRESS = 1,  /* a VTEP has the address; port 0 */
	VPC_END_OWN = 2,      /* a mux of this host has it; port 0 */
};

/* Table `tunnel_ends`: addresses and ports that only muxes may send to; value __u32 1. */
struct vpc_tunnel_end {
	__u16 port;      /* UDP, host order */
	__u16 kind;      /* enum vpc_end_kind */
	__u8 addr[16];   /* as in vpc_neighbour_key */
};

/* Table `stats`: per CPU, by the index that user space gave to a port or mux. */
struct vpc_stats {
	__u64 rx_packets;   /* from the unit, or decapsulated by the mux; dropped packets included */
	__u64 rx_bytes;
	__u64 tx_packets;   /* to the unit, or encapsulated by the mux; answers to the unit's own questions excluded */
	__u64 tx_bytes;
	__u64 answered;     /* ARP and ND questions that the datapath answered itself */
	__u64 flooded;      /* broadcast and multicast packets replicated */
	__u64 missed;       /* questions that became events */
	__u64 too_big;      /* ICMP errors sent back */
	__u64 lost_questions;    /* questions without an event: beyond the port's rate or share, or the ring was full */
	__u64 lost_drop_events;  /* drops without an event */
	__u64 tx_limited;        /* packets and copies for the unit beyond its port's limits */
	__u64 flow_overflow;     /* confirmed flows of a port in security groups that found its quota used up */
};

#define VPC_QUEUES 16  /* queue pairs that a vmnic can have */

/* Table `queues`: per CPU, what guests sent through each queue of a vmnic that has more than one. */
struct vpc_queue_key {
	__u32 ifindex;
	__u32 queue;
};

struct vpc_queue {
	__u64 rx_packets;
	__u64 rx_bytes;
};

/* Table `drops`: per CPU, value __u64. */
struct vpc_drop_key {
	__u32 stats;
	__u32 reason;
};

/*
 * Tables `drop_rate`, `miss_rate`, `dhcp_rate` and `too_big_rate`, by stats index: they bound the
 * events and ICMP errors of one source. A token bucket in one clock (GCRA), so that one compare-and-swap updates it.
 * Only the datapath reads them.
 */
struct vpc_rate {
	__u64 ready_ns;  /* when the bucket will be full again */
	__u32 lost;      /* held back since the last one that passed */
	__u32 unread;         /* questions only: how many were in the ring when the last one came */
	__u64 last_position;  /* questions only: position of the ring before that one */
};

/*
 * Table `broadcast_buckets`, by stats index of a port: see lib/broadcast-rate.h. User space empties it for a new port:
 * such a bucket is full.
 */
struct vpc_bucket {
	__u64 time_ns;   /* when it was last filled, by the coarse clock */
	__s64 tokens;    /* 10^-9 of a copy; below 0: in debt */
};

/*
 * Table `port_limits`: bytes and packets a second that a port may send and receive, and how many of its questions
 * become events. Ports without limits of their own are not in it.
 */
struct vpc_limit_key {
	__u32 stats;     /* of the port */
	__u32 pad;
};

struct vpc_limits {
	__u64 bytes_out; /* from the unit; 0: no limit, as for the next three */
	__u64 bytes_in;  /* to the unit */
	__u32 packets_out;
	__u32 packets_in;
	__u32 neighbour_questions; /* of ARP and ND, that become events */
	__u32 dhcp_questions;
};

struct vpc_limit_entry {
	struct vpc_limit_key key;
	struct vpc_limits value;
	struct vpc_limit_key again;
};

/* Table `limit_buckets`, by stats index of a port: see lib/limit.h. An empty one, as of a new port, is full. */
struct vpc_limit_bucket {
	__u64 tick;      /* tick of the kernel in which it was last filled */
	__u64 time_ns;   /* the same by the coarse clock */
	__s64 tokens;    /* 10^-9 of a byte or packet; below 0: in debt */
};

struct vpc_limit_buckets {
	struct vpc_limit_bucket bytes_out, packets_out, bytes_in, packets_in;
};

#include "abi-groups.h"
#include "abi-trace.h"

#endif
