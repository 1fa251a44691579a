/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets to the outside, after security groups and routing: they get the sender's public address.
 *
 *   its wire is on this host              the packet leaves by it
 *   and has the destination's address     the packet turns back to the address's station, as if from the wire (hairpin)
 *   another host has the wire             the frame goes there as it is, with one hop less, to the gateway's MAC
 *
 * That other host does the rest (vpc_mux). So NAT happens where the wire is, and policy where the unit is: hosts share
 * no state. What was decided for two addresses is remembered (nat-leaving.h), and for two ports as well (nat-slot.h).
 */
#ifndef VPC_NAT_LEAVE_H
#define VPC_NAT_LEAVE_H

#include "forward.h"
#include "nat-leaving.h"
#include "nat-slot.h"
#include "nat-source.h"
#include "not-routed.h"
#include "routed-header.h"
#include "wire-send.h"

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
	remember_leaving(skb, packet, known);
	return send_to_wire(skb, &known->nat, &known->ends.daddr, known->number);
}

#endif
