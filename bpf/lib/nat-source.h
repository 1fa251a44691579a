/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Source NAT: what becomes of a packet's source on the way out, and of its destination on the way in. TCP, UDP and echo
 * begin a mapping, ICMP errors about a mapped packet pass, and later fragments follow their first one.
 */
#ifndef VPC_NAT_SOURCE_H
#define VPC_NAT_SOURCE_H

#include "nat-claim.h"

#define ICMP_ECHO_REQUEST 8
#define ICMPV6_ECHO_REQUEST 128
#define NAT_FRAGMENT_SECONDS 30

/* The plane of the packet's ports; VPC_NAT_PLANES: NAT cannot carry it. */
static __always_inline __u32 nat_plane_of(const struct vpc_flow_key *key)
{
	switch (key->protocol) {
	case IPPROTO_TCP:
		return VPC_NAT_TCP;
	case IPPROTO_UDP:
		return VPC_NAT_UDP;
	case IPPROTO_ICMP:
		return key->icmp_type == ICMP_ECHO_REQUEST ? VPC_NAT_ICMP : VPC_NAT_PLANES;
	case IPPROTO_ICMPV6:
		return key->icmp_type == ICMPV6_ECHO_REQUEST ? VPC_NAT_ICMP : VPC_NAT_PLANES;
	default:
		return VPC_NAT_PLANES;
	}
}

/* Reads the packet. Returns a drop reason or 0. */
static __noinline int nat_read(struct __sk_buff *skb, const struct packet *packet, struct cell_work *work, __u32 direction)
{
	int reason = read_tuple(skb, packet, &work->tuple, work->nat, direction);

	work->now_s = seconds_now();
	if (reason == VPC_DROP_FLOW_UNRELATED)
		return VPC_DROP_NAT_NO_MAPPING;
	if (reason == VPC_DROP_FLOW_INVALID || work->tuple.kind == TUPLE_FREE)
		return VPC_DROP_NAT_PROTOCOL;
	if (reason || work->tuple.kind == TUPLE_LATER)
		return reason;
	work->plane = nat_plane_of(&work->tuple.key);
	return work->plane == VPC_NAT_PLANES ? VPC_DROP_NAT_PROTOCOL : 0;
}

/* The event of the drop names the NAT. */
static __always_inline void nat_refused(__u32 nat)
{
	struct refusal *refusal = refusal_of_cpu();

	if (refusal)
		refusal->nat = nat;
}

/* The address that a later fragment gets. Returns a drop reason or 0. */
static __noinline int nat_follow_fragment(struct cell_work *work, struct nat_change *change)
{
	struct vpc_nat_frag *first = bpf_map_lookup_elem(&nat_frags, &work->tuple.fragment);

	if (!first || work->now_s - *(volatile __u32 *)&first->last_s > NAT_FRAGMENT_SECONDS)
		return VPC_DROP_NAT_FRAGMENT;
	__builtin_memcpy(&change->address, first->to, sizeof(change->address));
	return 0;
}

/* Notes what becomes of a first fragment. */
static __noinline int nat_note_fragment(struct cell_work *work, const struct nat_change *change)
{
	work->frag.last_s = work->now_s;
	__builtin_memcpy(work->frag.to, &change->address, sizeof(work->frag.to));
	return put_entry(&nat_frags, &work->tuple.fragment, &work->frag, BPF_ANY);
}

/* The public end of a cell. */
static __always_inline int nat_public_end(const struct cell_work *work, struct nat_change *change)
{
	struct vpc_nat_head *head = nat_head(work->nat, (work->index >> 16) / VPC_NAT_PLANES);

	if (!head)
		return VPC_DROP_NAT_NO_MAPPING;
	__builtin_memcpy(&change->address, head->addr, sizeof(change->address));
	change->port = bpf_htons(work->index & 0xffff);
	change->with_port = true;
	return 0;
}

static __always_inline void nat_set_inside(struct cell_work *work, __u32 nat, __u32 vpc)
{
	__builtin_memset(&work->inside, 0, sizeof(work->inside));
	work->inside.nat = work->guest.nat = nat;
	work->inside.vpc = work->guest.vpc = vpc;
	work->inside.port = work->tuple.key.inside_port;
	work->inside.plane = work->plane;
	__builtin_memcpy(work->inside.inside, work->tuple.key.inside, sizeof(work->inside.inside));
	__builtin_memcpy(work->guest.inside, work->tuple.key.inside, sizeof(work->guest.inside));
}

/* The cell of a packet that goes out. Returns a drop reason or 0; the cell is work->index. */
static __noinline int nat_cell_out(struct cell_work *work)
{
	struct vpc_nat_cell *cell = nat_find(work);

	if (work->tuple.kind == TUPLE_ERROR)
		return cell ? 0 : VPC_DROP_NAT_NO_MAPPING;
	if (cell && nat_follow_out(work, cell))
		return 0;
	if (work->tuple.kind != TUPLE_PLAIN || work->tuple.tcp & TCP_RST)
		return VPC_DROP_NAT_NO_MAPPING;
	return nat_claim_one() ? 0 : VPC_DROP_NAT_EXHAUSTED;
}

static __always_inline struct cell_work *cell_work_of(__u32 nat, __u32 vpc)
{
	struct cell_work *work = cell_work();

	if (!work)
		return 0;
	work->nat = nat;
	work->vpc = vpc;
	return work;
}

static __noinline optional int record_source(__u32 nat, const struct nat_change *change, int reason)
{
	record_stage(VPC_TRACE_NAT_SOURCE, change->address.w, 0, nat, bpf_ntohs(change->port), change->with_port, reason);
	return 0;
}

/* What the source of an inspected packet of `vpc` becomes that leaves by `nat`. Returns a drop reason or 0. */
standalone int nat_source(struct __sk_buff *skb, const struct packet *packet, struct nat_change *change, __u32 nat, __u32 vpc)
{
	struct cell_work *work = cell_work_of(nat, vpc);
	int reason;

	if (!work || !packet || !change)
		return VPC_DROP_NAT_NO_MAPPING;
	nat_refused(nat);
	change->is_dest = change->with_port = false;
	reason = nat_read(skb, packet, work, VPC_OUT);
	if (reason)
		return reason;
	if (work->tuple.kind == TUPLE_LATER)
		return nat_follow_fragment(work, change);
	nat_set_inside(work, nat, vpc);
	reason = nat_cell_out(work);
	if (!reason)
		reason = nat_public_end(work, change);
	if (!reason && work->tuple.is_fragment)
		nat_note_fragment(work, change);
	traced(record_source(nat, change, reason));
	return reason;
}

/* The number of the public address that the packet came to; VPC_NAT_ADDRESSES: it is none of the NAT's. */
static __noinline __u32 nat_address_number(const struct cell_work *work)
{
	for (__u32 i = 0; i < VPC_NAT_ADDRESSES; i++) {
		struct vpc_nat_head *head = nat_head(work->nat, i);

		if (!head)
			break;
		if (address_equal((const struct address *)head->addr, (const struct address *)work->tuple.key.inside))
			return i;
	}
	return VPC_NAT_ADDRESSES;
}

/* The inside end of a cell, if the packet's sender is one of its peers. Returns a drop reason or 0. */
static __noinline int nat_inside_end(struct cell_work *work, struct vpc_nat_cell *cell, struct nat_change *change)
{
	__u32 turn = *(volatile __u32 *)&cell->turn, index = work->index;
	__u64 bits = nat_peer_bits(work, cell->seed);
	struct vpc_nat_cell *again;

	__builtin_memcpy(&change->address, cell->inside, sizeof(change->address));
	change->port = cell->port;
	change->with_port = true;
	if (!cell->state || turn & 1 || cell->vpc != work->vpc || (cell->peers & bits) != bits || nat_is_idle(cell, work->plane, work->now_s))
		return VPC_DROP_NAT_NO_MAPPING;
	/* What was read is one owner's: the cell is looked at once more, after that. */
	again = nat_cell_at(work->nat, after(change->address.w[3] ^ change->port, index));
	if (!again || *(volatile __u32 *)&again->turn != turn)
		return VPC_DROP_NAT_NO_MAPPING;
	if (work->tuple.kind != TUPLE_ERROR && !vpc_trace)
		nat_advance(work, cell);
	return 0;
}

/* What the destination of a packet becomes that has come to a public address of `nat`. Returns a drop reason or 0. */
standalone int nat_dest(struct __sk_buff *skb, const struct packet *packet, struct nat_change *change, __u32 nat, __u32 vpc)
{
	struct cell_work *work = cell_work_of(nat, vpc);
	__u32 address, port;
	struct vpc_nat_cell *cell;
	int reason;

	if (!work || !packet || !change)
		return VPC_DROP_NAT_NO_MAPPING;
	nat_refused(nat);
	change->is_dest = true;
	change->with_port = false;
	reason = nat_read(skb, packet, work, VPC_IN);
	if (reason)
		return reason;
	if (work->tuple.kind == TUPLE_LATER)
		return nat_follow_fragment(work, change);
	address = nat_address_number(work);
	port = bpf_ntohs(work->tuple.key.inside_port);
	/* Nobody asks from outside: an echo request has no mapping. */
	if (address == VPC_NAT_ADDRESSES || port < VPC_NAT_FIRST_PORT || (work->plane == VPC_NAT_ICMP && work->tuple.kind == TUPLE_PLAIN))
		return VPC_DROP_NAT_NO_MAPPING;
	work->index = VPC_NAT_CELL(address, work->plane, port);
	cell = nat_cell_at(nat, work->index);
	reason = cell ? nat_inside_end(work, cell, change) : VPC_DROP_NAT_NO_MAPPING;
	if (!reason && work->tuple.is_fragment)
		nat_note_fragment(work, change);
	return reason;
}

#endif
