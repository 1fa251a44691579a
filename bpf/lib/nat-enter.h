/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets from the wire for a public address: they go to the station that it stands for, on this host or another. The
 * groups of the station's port are asked where its unit is.
 *
 * A sender must be outside: the station's subnet has a route to it that leads there. So nobody on the wire can pose as
 * a station. The packet loses no hop here: its own host has done that, or the wire's router.
 */
#ifndef VPC_NAT_ENTER_H
#define VPC_NAT_ENTER_H

#include "nat-leave.h"

struct entering {
	__u32 generation;
	__u32 ifindex;       /* of the wire; 0: it is of nobody */
	struct ends ends;    /* without TTL */
	__u32 mtu;           /* 0: no limit */
	__u32 by;            /* 1 + the NAT whose ports tell the station: ends.daddr is its address then; else 0 */
	__u32 vpc;           /* of that station */
	__u64 until;         /* tick */
	__u32 segment;       /* of the station */
	struct mac dmac;
	__u16 pad;
	struct nat_change dest;
	struct sending to;
	struct routing routing;
	struct vpc_public public;
	struct vpc_public_key key;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << SLOT_BITS);
	__type(key, __u32);
	__type(value, struct entering);
} enterings SEC(".maps");

/* The public address that a packet from a wire is for; *number: its NAT. False: it is the host's. */
standalone bool is_public(struct __sk_buff *skb, const struct packet *packet, __u32 *number)
{
	struct vpc_public_key key = { .wire = skb->ifindex };
	struct nat_work *work = nat_work();
	struct ends ends;

	if (!packet || !number || !work || !read_ends(skb, packet, &ends))
		return false;
	*(struct address *)key.addr = ends.daddr;
	if (!public_of(&key, &work->public))
		return false;
	*number = work->public.nat;
	return true;
}

/* Asks the tables for the station. Returns a drop reason or 0. */
static __noinline int find_entering(const struct packet *packet, struct entering *known, __u32 wire, __u32 generation)
{
	struct routing *routing = &known->routing;
	int reason;

	known->key.wire = after(generation, wire);
	*(struct address *)known->key.addr = known->ends.saddr;
	if (is_for_one_link(packet, &known->ends.saddr) || public_of(&known->key, &known->public))
		return VPC_DROP_SOURCE_IP;
	*(struct address *)known->key.addr = known->ends.daddr;
	if (known->by) {
		known->public.vpc = known->vpc;
		*(struct address *)known->public.inside = known->ends.daddr;
	} else if (!public_of(&known->key, &known->public) || known->public.kind != VPC_PUBLIC_FLOAT) {
		return VPC_DROP_NO_HOST;
	}
	reason = find_inside(routing, known->public.vpc, (struct address *)known->public.inside, &known->to, generation);
	if (reason)
		return reason;
	known->segment = routing->host.segment;
	known->dmac = mac_at(routing->host.mac);
	known->dest = (struct nat_change){ .address = *(struct address *)known->public.inside, .is_dest = 1 };
	if (!subnet_of(known->segment, &routing->subnet))
		return VPC_DROP_NO_HOST;
	known->mtu = lesser_mtu(routing->subnet.mtu, known->to.dst.mtu);
	return leads_outside(routing, &known->ends.saddr, packet->type == ETH_P_IP) ? 0 : VPC_DROP_SOURCE_IP;
}

/* What is known of packets between these ends. *reason: why they go nowhere. */
static __always_inline struct entering *entering_of(struct __sk_buff *skb, const struct packet *packet, const struct nat_work *work, int *reason)
{
	const struct ends *ends = &work->ends;
	__u32 generation = generation_now(), ifindex = skb->ifindex, index = slot_of_ends(ifindex ^ work->by, ends);
	struct entering *known = bpf_map_lookup_elem(&enterings, &index);
	__u64 tick = bpf_jiffies64();

	*reason = VPC_DROP_NO_HOST;
	if (!known)
		return 0;
	if (known->generation == generation && known->ifindex == ifindex && known->by == work->by && tick < known->until &&
	    address_equal(&known->ends.daddr, &ends->daddr) && address_equal(&known->ends.saddr, &ends->saddr))
		return known;
	known->ifindex = 0;
	known->ends = *ends;
	known->by = work->by;
	known->vpc = work->public.vpc;
	*reason = find_entering(packet, known, ifindex, generation);
	if (*reason)
		return 0;
	known->generation = generation;
	known->ifindex = ifindex;
	known->until = tick + NAT_FRESH;
	return known;
}

/* The port of a shared public address tells the station, which work->ends gets. Returns a drop reason or 0. */
static __noinline int find_by_port(struct __sk_buff *skb, const struct packet *packet, struct nat_work *work)
{
	int reason;

	work->by = 0;
	if (work->public.kind != VPC_PUBLIC_BLOCKS)
		return 0;
	reason = nat_dest(skb, packet, &work->change, work->public.nat, work->public.vpc);
	work->by = 1 + work->public.nat;
	work->ends.daddr = work->change.address;
	return reason;
}

/* `reason`: why it goes nowhere, or 0. */
static __noinline optional int record_entering(const struct nat_work *work, const struct entering *known, int reason)
{
	record_stage(VPC_TRACE_NAT_DEST, reason ? 0 : known->dest.address.w, 0, work->public.nat, work->by != 0, reason);
	if (!reason)
		record_destination(known->segment, &known->dmac, &known->to.dst);
	return 0;
}

/* Passes an inspected packet for a public address on to its station. */
standalone int enter_by_nat(struct __sk_buff *skb, struct packet *packet)
{
	struct mac macs[2] = { {}, gateway_mac() };
	struct entering *known;
	struct nat_work *work;
	int reason;

	work = packet ? begin_nat(skb, packet) : 0;
	if (!packet || !work)
		return TC_ACT_SHOT;
	reason = find_by_port(skb, packet, work);
	known = reason ? 0 : entering_of(skb, packet, work, &reason);
	traced(record_entering(work, known, known ? 0 : reason));
	if (!known)
		return drop(skb, packet, reason);
	if (!fits(skb, packet, known->mtu))
		return too_big(skb, packet, known->mtu);
	reason = nat_rewrite(skb, packet, work->by ? &work->change : &known->dest);
	macs[0] = known->dmac;
	if (!reason && bpf_skb_store_bytes(skb, 0, macs, sizeof(macs), 0))
		reason = VPC_DROP_ENCAP_FAILED;
	if (reason)
		return drop(skb, packet, reason);
	packet->segment = known->segment;
	packet->dmac = macs[0];
	packet->smac = macs[1];
	if (known->to.dst.kind == VPC_DST_REMOTE)
		return send_remote(skb, packet, &known->to);
	return deliver_here(skb, packet, &known->to.dst);
}

#endif
