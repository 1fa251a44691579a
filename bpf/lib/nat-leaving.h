/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where packets between two addresses leave to, and which public address their sender has: asked of the tables once,
 * and remembered as routing does it (routed.h).
 */
#ifndef VPC_NAT_LEAVING_H
#define VPC_NAT_LEAVING_H

#include "nat-ends.h"
#include "nat-rewrite.h"
#include "outgoing.h"
#include "route.h"
#include "routed-header.h"

#define NAT_FRESH 25 /* ticks of the kernel: as ROUTED_FRESH */

enum leaving_to {
	LEAVING_TO_WIRE,
	LEAVING_TO_HOST,
	LEAVING_TO_STATION,
	LEAVING_TO_PORT,     /* of a shared address: each packet finds its station */
};

struct leaving {
	__u32 generation;
	__u32 ifindex;       /* where such packets come in; 0: it is of nobody */
	__u32 from;          /* segment of the sender */
	__u32 to_where;      /* enum leaving_to */
	struct ends ends;    /* without TTL */
	__u32 number;        /* of the NAT */
	__u32 by_blocks;     /* each packet finds its public port */
	__u32 pad2;
	__u64 until;         /* tick */
	__u32 segment;       /* of the frame that goes on */
	__u32 mtu;           /* 0: no limit */
	struct mac dmac;     /* of the same frame */
	__u16 pad;
	struct nat_change source, dest;
	struct vpc_nat nat;
	struct sending to;
	struct routing routing;
	struct vpc_float floating;
	struct vpc_public public;
	struct vpc_public_key key;
};

/* In words that a processor compares at once. */
struct nat_slot_key {
	__u64 saddr[2], daddr[2];
	__u32 ports;     /* as in the packet */
	__u32 proto;
};

/* What of a cell must be as it was. */
struct nat_cell_state {
	__u64 peers;     /* bits that are the connection's own */
	__u32 turn;
	__u32 last_s;
	__u32 state;     /* the port inside, the state and the FINs: a word of the cell */
};

/* See nat-slot.h. */
struct nat_slot {
	struct nat_slot_key key;
	__u32 generation;
	__u32 ifindex;   /* of the unit; 0: the slot is empty */
	__u64 until;     /* tick */
	struct nat_cell_state cell;
	__u32 index;     /* of the cell; 0: the sender has an address of its own */
	__u32 number;    /* of the NAT */
	__u32 wire;
	__u32 mtu;       /* 0: no limit */
	__u16 pseudo;    /* how much the sum of the addresses changes */
	__u16 content;   /* and of the ports */
	__be16 port;     /* public */
	__u16 has_hop;
	struct address address; /* public */
	struct address hop;
};

/* Two kinds of slots have one map: a program may use 64. Each has a hash of its own. */
struct leaving_slots {
	struct nat_slot connection;
	struct leaving pair;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << SLOT_BITS);
	__type(key, __u32);
	__type(value, struct leaving_slots);
} leavings SEC(".maps");

/* The route of an address in the sender's subnet. False: it does not lead outside. */
static __noinline bool leads_outside(struct routing *routing, const struct address *address, bool v4)
{
	__u32 table = routing->subnet.route_table;

	routing->wanted.length = ROUTE_TABLE_BITS + 128;
	routing->wanted.table = v4 ? VPC_ROUTES_IPV4(table) : VPC_ROUTES_IPV6(table);
	*(struct address *)routing->wanted.addr = *address;
	find_route(routing);
	return routing->route.kind == VPC_ROUTE_IGW;
}

/* Finds the station of an address in a VPC, and the way to it. Returns a drop reason or 0. */
static __noinline int find_inside(struct routing *routing, __u32 vpc, const struct address *address, struct sending *to, __u32 generation)
{
	struct vpc_host_key *key = &routing->key;
	struct mac mac;

	key->vpc = vpc;
	*(struct address *)key->addr = *address;
	if (!read_host(routing))
		return VPC_DROP_NO_HOST;
	follow_move(&routing->host, (struct address *)key->addr);
	mac = mac_at(routing->host.mac);
	if (!fdb_lookup(routing->host.segment, mac, &to->dst) || to->dst.kind == VPC_DST_UPLINK)
		return VPC_DROP_NO_HOST;
	to->path.learned_ns = to->tick = 0;
	if (to->dst.kind == VPC_DST_REMOTE) {
		note_used_mac(routing->host.segment, &mac);
		find_outgoing_mux(to, generation);
	}
	note_used_address(routing->host.segment, (struct address *)key->addr);
	return 0;
}

/* To the host that has the wire. Another host's packets are not passed on a second time. */
static __always_inline int find_gateway_host(const struct packet *packet, struct leaving *known, __u32 generation)
{
	if (packet->hook == HOOK_MUX)
		return VPC_DROP_FORWARDED;
	if (known->nat.host.kind != VPC_DST_REMOTE)
		return VPC_DROP_NO_ROUTE;
	known->to_where = LEAVING_TO_HOST;
	known->to.dst = known->nat.host;
	known->to.path.learned_ns = known->to.tick = 0;
	known->mtu = known->to.dst.mtu;
	find_outgoing_mux(&known->to, generation);
	return 0;
}

/* The station that a public address of this host stands for. Returns a drop reason or 0. */
static __noinline int find_turned(struct leaving *known, const struct nat_change *dest, __u32 generation)
{
	struct routing *routing = &known->routing;
	int reason = find_inside(routing, known->public.vpc, &dest->address, &known->to, generation);

	if (reason)
		return reason;
	known->dest = *dest;
	known->segment = routing->host.segment;
	known->dmac = mac_at(routing->host.mac);
	known->mtu = known->to.dst.mtu;
	if (subnet_of(known->segment, &routing->subnet))
		known->mtu = lesser_mtu(routing->subnet.mtu, known->mtu);
	return 0;
}

/* The destination is a public address of this host. */
static __always_inline int find_hairpin(struct leaving *known, __u32 generation)
{
	struct nat_change dest = { .address = *(struct address *)known->public.inside, .is_dest = 1 };

	if (known->public.kind == VPC_PUBLIC_BLOCKS) {
		known->to_where = LEAVING_TO_PORT;
		known->dest = (struct nat_change){};
		known->mtu = 0;
		return 0;
	}
	known->to_where = LEAVING_TO_STATION;
	return known->public.kind == VPC_PUBLIC_FLOAT ? find_turned(known, &dest, generation) : VPC_DROP_NO_HOST;
}

/* The public address of the sender, or the NAT of those that have none of their own. */
static __always_inline bool find_public(struct leaving *known)
{
	struct vpc_host_key *key = &known->routing.key;
	struct address *inside = (struct address *)key->addr, nobody = address_of_ipv4(0);

	key->vpc = known->routing.subnet.vpc;
	*inside = known->ends.saddr;
	/* The entries of these two are of everybody: see below. */
	if (ipv6_is_unspecified(inside) || address_equal(inside, &nobody))
		return false;
	known->by_blocks = !float_of(key, &known->floating);
	if (known->by_blocks) {
		/* Else a guest that may choose its sources would use up the ports of all. */
		if (!read_host(&known->routing))
			return false;
		*inside = ipv4_is_mapped(&known->ends.saddr) ? address_of_ipv4(0) : (struct address){};
		if (!float_of(key, &known->floating))
			return false;
	}
	return nat_of(known->floating.nat, &known->nat);
}

/* Asks the tables which public address the sender has, and where it is. Returns a drop reason or 0. */
static __noinline int find_leaving(const struct packet *packet, struct leaving *known, __u32 generation)
{
	struct routing *routing = &known->routing;

	if (!subnet_of(after(generation, packet->segment), &routing->subnet) || !(routing->subnet.flags & VPC_SUBNET_ROUTED))
		return VPC_DROP_NO_ROUTE;
	if (is_for_one_link(packet, &known->ends.daddr) || !leads_outside(routing, &known->ends.daddr, packet->type == ETH_P_IP))
		return VPC_DROP_NO_ROUTE;
	if (!find_public(known))
		return VPC_DROP_NO_PUBLIC_ADDRESS;
	known->number = known->floating.nat;
	known->source = (struct nat_change){ .address = *(struct address *)known->floating.addr };
	known->segment = packet->segment;
	known->dmac = gateway_mac();
	if (!known->nat.wire)
		return find_gateway_host(packet, known, generation);
	known->key.wire = known->nat.wire;
	*(struct address *)known->key.addr = known->ends.daddr;
	if (public_of(&known->key, &known->public))
		return find_hairpin(known, generation);
	known->to_where = LEAVING_TO_WIRE;
	known->mtu = known->nat.mtu;
	return 0;
}

/* `reason`: why they go nowhere, or 0. */
static __noinline optional int record_leaving(const struct leaving *known, int reason)
{
	record_stage(VPC_TRACE_NAT, known->source.address.w, known->dest.address.w, known->number, known->to_where, reason);
	if (!reason && (known->to_where == LEAVING_TO_HOST || known->to_where == LEAVING_TO_STATION))
		record_destination(known->segment, &known->dmac, &known->to.dst);
	return 0;
}

/* What is known of packets between these ends; `why`: why they go nowhere. */
static __always_inline struct leaving *leaving_of(struct __sk_buff *skb, const struct packet *packet, const struct ends *ends,
						  struct unroutable *why)
{
	__u32 generation = generation_now(), ifindex = skb->ifindex, index = slot_of_ends(ifindex ^ packet->segment, ends);
	struct leaving_slots *slots = bpf_map_lookup_elem(&leavings, &index);
	__u64 tick = bpf_jiffies64();
	struct leaving *known;

	why->reason = VPC_DROP_NO_ROUTE;
	if (!slots)
		return 0;
	known = &slots->pair;
	if (known->generation == generation && known->ifindex == ifindex && known->from == packet->segment && tick < known->until &&
	    address_equal(&known->ends.daddr, &ends->daddr) && address_equal(&known->ends.saddr, &ends->saddr))
		return known;
	known->ifindex = 0;
	known->ends = *ends;
	why->reason = find_leaving(packet, known, generation);
	traced(record_leaving(known, why->reason));
	if (why->reason) {
		why->route = route_number(&known->routing);
		return 0;
	}
	known->generation = generation;
	known->from = packet->segment;
	known->ifindex = ifindex;
	known->until = tick + NAT_FRESH;
	return known;
}

#endif
