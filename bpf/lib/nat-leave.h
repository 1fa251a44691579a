/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets to the outside, after security groups and routing: they get the sender's public address.
 *
 *   its wire is on this host              the packet leaves by it
 *   and has the destination's address     the packet turns back to the address's station, as if from the wire (hairpin)
 *   another host has the wire             the frame goes there as it is, with one hop less, to the gateway's MAC
 *
 * That other host does the rest (vpc_mux). So NAT happens where the wire is, and policy where the unit is: hosts share
 * no state. What was decided for two addresses is remembered as routing does it (routed.h).
 */
#ifndef VPC_NAT_LEAVE_H
#define VPC_NAT_LEAVE_H

#include "forward.h"
#include "nat-ends.h"
#include "nat-rewrite.h"
#include "nat-source.h"
#include "not-routed.h"
#include "outgoing.h"
#include "route.h"
#include "routed-header.h"
#include "wire-send.h"

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

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << SLOT_BITS);
	__type(key, __u32);
	__type(value, struct leaving);
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
	struct leaving *known = bpf_map_lookup_elem(&leavings, &index);
	__u64 tick = bpf_jiffies64();

	why->reason = VPC_DROP_NO_ROUTE;
	if (!known)
		return 0;
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

/* Writes the MACs of the frame that goes on. The sender's host counts the hop. */
static __noinline bool write_link(struct __sk_buff *skb, struct packet *packet, const struct leaving *known)
{
	struct mac macs[2] = { known->dmac, known->to_where >= LEAVING_TO_STATION ? gateway_mac() : packet->smac };

	packet->segment = known->segment;
	packet->dmac = macs[0];
	packet->smac = macs[1];
	if (packet->hook != HOOK_UNIT)
		return !bpf_skb_store_bytes(skb, 0, macs, sizeof(macs), 0);
	return packet->type == ETH_P_IP ? rewrite_ipv4(skb, &macs[0], &macs[1]) : rewrite_ipv6(skb, &macs[0], &macs[1]);
}

/* Sends a packet that fits to a VTEP. It has a stack frame of its own, for the outer headers. */
static __noinline int send_remote(struct __sk_buff *skb, struct packet *packet, struct sending *to)
{
	struct way way = { .from = &to->from };
	__u32 ifindex, length = skb->len;

	if (packet->hook != HOOK_MUX)
		way = outgoing_way(skb, to, packet->flags);
	ifindex = encap(skb, packet, &to->dst, way);
	return ifindex ? send(skb, packet, &to->dst, ifindex, length) : drop(skb, packet, VPC_DROP_ENCAP_FAILED);
}

/* Delivers to a station that has its public address here; it may be the sender itself. */
static __always_inline int turn_back(struct __sk_buff *skb, struct packet *packet, struct leaving *known)
{
	const struct vpc_dst *dst = &known->to.dst;
	int reason;

	if (dst->kind == VPC_DST_REMOTE)
		return send_remote(skb, packet, &known->to);
	reason = unlikely(is_guarded(dst)) ? check_groups(skb, packet, dst->stats, VPC_IN) : 0;
	return reason ? drop(skb, packet, reason) : deliver_fitting(skb, packet, dst);
}

/*
 * Makes the frame one that goes on, all but its IP addresses. Null: it does not, and no byte of it has changed; why:
 * see nat_work.
 */
static __noinline struct leaving *begin_leaving(struct __sk_buff *skb, struct packet *packet)
{
	struct nat_work *work = begin_nat(skb, packet);
	struct leaving *known;

	if (!work)
		return 0;
	known = leaving_of(skb, packet, &work->ends, &work->why);
	if (!known)
		return 0;
	work->why.mtu = known->mtu;
	if (packet->hook == HOOK_UNIT && work->ends.ttl <= 1)
		work->why.reason = VPC_DROP_TTL_EXCEEDED;
	else if (!fits(skb, packet, known->mtu))
		work->why.reason = VPC_DROP_TOO_BIG;
	else if (known->to_where == LEAVING_TO_WIRE && is_for_vtep(skb, known->nat.wire))
		work->why.reason = VPC_DROP_NOT_FROM_MUX;
	else if (known->to_where == LEAVING_TO_PORT || write_link(skb, packet, known))
		return known;
	else
		work->why.reason = VPC_DROP_ENCAP_FAILED;
	return 0;
}

/* Drops a packet, and tells its sender where it may. Frames of other hosts for nobody here are as those to any MAC. */
static __noinline int not_leaving(struct __sk_buff *skb, struct packet *packet)
{
	struct nat_work *work = nat_work();

	if (!work)
		return TC_ACT_SHOT;
	if (packet->hook == HOOK_MUX && work->why.reason == VPC_DROP_NO_ROUTE)
		work->why.reason = VPC_DROP_UNKNOWN_MAC;
	return not_routed(skb, packet, work->why.reason, work->why.mtu, work->why.route);
}

/* Gives the packet its public source. Returns a drop reason or 0. */
static __always_inline int leave_inside(struct __sk_buff *skb, struct packet *packet, struct leaving *known)
{
	int reason = unlikely(known->by_blocks) ? nat_source(skb, packet, &known->source, known->number, known->nat.vpc) : 0;

	return reason ? reason : nat_rewrite(skb, packet, &known->source);
}

/*
 * Finds the station of a port of a shared address, work->change. Returns a drop reason or 0. A packet that is too big
 * for it gets back the source that it had, for its sender hears of the packet that it has sent.
 */
static __noinline int find_by_shared_port(struct __sk_buff *skb, struct packet *packet, struct leaving *known)
{
	struct nat_work *work = nat_work();
	int reason = 0;

	if (!work)
		return VPC_DROP_NO_HOST;
	if (!address_equal(&work->change.address, &known->dest.address))
		reason = find_turned(known, &work->change, known->generation);
	if (reason)
		return reason;
	traced(record_destination(known->segment, &known->dmac, &known->to.dst));
	if (fits(skb, packet, known->mtu))
		return 0;
	work->why.reason = VPC_DROP_TOO_BIG;
	work->why.mtu = known->mtu;
	work->change = (struct nat_change){
		.address = known->ends.saddr, .port = work->cells.inside.port, .with_port = known->source.with_port
	};
	nat_rewrite(skb, packet, &work->change);
	return VPC_DROP_TOO_BIG;
}

/*
 * Makes the packet one for the station that has its port of a shared address, if that has sent to the packet's public
 * source: as if both were outside, RFC 4787 section 6. Returns a drop reason or 0.
 */
static __always_inline int turn_to_port(struct __sk_buff *skb, struct packet *packet, struct leaving *known)
{
	struct nat_work *work = nat_work();
	int reason;

	if (!work)
		return VPC_DROP_NO_HOST;
	reason = leave_inside(skb, packet, known);
	if (!reason)
		reason = nat_dest(skb, packet, &work->change, known->public.nat, known->public.vpc);
	if (!reason)
		reason = find_by_shared_port(skb, packet, known);
	if (!reason)
		reason = nat_rewrite(skb, packet, &work->change);
	if (!reason && !write_link(skb, packet, known))
		reason = VPC_DROP_ENCAP_FAILED;
	return reason;
}

/* Sends a packet to the outside: a guest's that has passed its groups, or one that another host sends by this one. */
static __always_inline int leave(struct __sk_buff *skb, struct packet *packet)
{
	struct leaving *known = begin_leaving(skb, packet);
	int reason;

	if (!known)
		return not_leaving(skb, packet);
	if (known->to_where == LEAVING_TO_HOST)
		return send_remote(skb, packet, &known->to);
	if (unlikely(known->to_where == LEAVING_TO_PORT))
		reason = turn_to_port(skb, packet, known);
	else
		reason = leave_inside(skb, packet, known);
	if (!reason && known->to_where == LEAVING_TO_STATION)
		reason = nat_rewrite(skb, packet, &known->dest);
	if (reason == VPC_DROP_TOO_BIG)
		return not_leaving(skb, packet);
	if (reason)
		return drop(skb, packet, reason);
	if (known->to_where >= LEAVING_TO_STATION)
		return turn_back(skb, packet, known);
	return send_to_wire(skb, &known->nat, &known->ends.daddr, known->number);
}

#endif
