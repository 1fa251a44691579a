/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The cell of a packet behind source NAT, how it is found, and what a packet makes of it.
 *
 * An inside address and port has one public port, whoever it sends to: endpoint-independent mapping, RFC 4787 section
 * 4.1. Packets come back in from those alone that the inside has sent to (address- and port-dependent filtering). Each
 * is two bits of 64, whose place depends on the cell's seed too: so the cell has a fixed size. Of the packets of
 * strangers to a port that has one peer, one in a thousand matches by chance. The groups of the guest refuse it.
 */
#ifndef VPC_NAT_CELL_H
#define VPC_NAT_CELL_H

#include "nat-maps.h"
#include "nat-rewrite.h"
#include "tuple.h"

#define NAT_GUESSES 1024u

/* Works on one packet. It does not fit on the stack. */
struct cell_work {
	struct tuple tuple;
	struct vpc_nat_inside_key inside;
	struct vpc_nat_guest_key guest;
	struct vpc_nat_guest blocks; /* a copy of the guest's entry, or what becomes one */
	struct vpc_nat_frag frag;
	struct address address;     /* public, that the packet came to */
	__u32 nat;
	__u32 vpc;
	__u32 plane;
	__u32 now_s;
	__u32 index;                /* of the cell */
	__u32 was_free;             /* and was nobody's before */
	__u32 best;                 /* cell that has been idle for the longest time */
	__s32 best_idle_s;          /* 0: there is none */
	/* Where the cell of an inside end was last, by a hash of it: the cell itself says whether that is still right. */
	__u32 guess[NAT_GUESSES];
};

static __always_inline __u32 nat_hash(const void *words, __u32 count, __u32 hash)
{
	const __u32 *word = words;

#pragma unroll
	for (__u32 i = 0; i < count; i++) {
		hash = (hash ^ word[i]) * 0x9e3779b1u;
		hash ^= hash >> 15;
	}
	return hash;
}

/* The bits of the peer that the packet is of. */
static __always_inline __u64 nat_peer_bits(const struct cell_work *work, __u32 seed)
{
	__u32 hash = nat_hash(work->tuple.key.outside, 4, seed ^ work->tuple.key.outside_port);

	return 1ull << (hash & 63) | 1ull << (hash >> 6 & 63);
}

static __always_inline bool nat_is_owner(const struct vpc_nat_cell *cell, const struct cell_work *work)
{
	return cell->state && !(cell->turn & 1) && cell->port == work->inside.port && nat_inside_is(cell, work->vpc, work->inside.inside);
}

/* The cell of the inside end. Null: it has none. */
static __noinline struct vpc_nat_cell *nat_find(struct cell_work *work)
{
	__u32 place = nat_hash(&work->inside, sizeof(work->inside) / sizeof(__u32), 0) % NAT_GUESSES;
	struct vpc_nat_cell *cell;
	__u32 *index;

	work->index = work->guess[place];
	cell = (work->index >> 16) % VPC_NAT_PLANES == work->plane ? nat_cell_at(work->nat, work->index) : 0;
	if (cell && nat_is_owner(cell, work))
		return cell;
	index = bpf_map_lookup_elem(&nat_inside, &work->inside);
	if (!index)
		return 0;
	work->index = *index;
	cell = nat_cell_at(work->nat, work->index);
	if (!cell || (work->index >> 16) % VPC_NAT_PLANES != work->plane || !nat_is_owner(cell, work))
		return 0;
	if (!vpc_trace)
		work->guess[place] = work->index;
	return cell;
}

/* More than one peer was sent to: more than two bits are set. */
static __always_inline bool nat_has_peers(__u64 bits)
{
	bits &= bits - 1;
	bits &= bits - 1;
	return bits;
}

/*
 * How far the connection has ended. The outside's RST ends only a connection that it has not accepted: the station may
 * have dropped another one as too old or forged (RFC 5961).
 */
static __always_inline __u8 nat_fins_after(const struct cell_work *work, const struct vpc_nat_cell *cell, bool out)
{
	__u8 tcp = work->tuple.tcp, fins = cell->fins, own = 1 << work->tuple.direction;

	if (tcp & TCP_RST)
		return fins | NAT_BOTH_FINS | (out || cell->state == VPC_FLOW_NEW ? VPC_NAT_OVER : 0);
	if (tcp & TCP_FIN && !(fins & own)) {
		fins |= own;
		if ((fins & NAT_BOTH_FINS) == NAT_BOTH_FINS)
			fins |= VPC_NAT_ACK(NAT_OTHER_WAY(work->tuple.direction));
	} else if ((tcp & TCP_STATE) == TCP_ACK && fins & VPC_NAT_ACK(work->tuple.direction)) {
		fins |= VPC_NAT_OVER;
	}
	return fins;
}

static __always_inline void nat_advance_tcp(struct cell_work *work, struct vpc_nat_cell *cell, bool out)
{
	__u8 tcp = work->tuple.tcp, fins = nat_fins_after(work, cell, out);
	bool many = nat_has_peers(cell->peers);

	if (tcp & TCP_PSH && many)
		fins = 0; /* another connection lives on */
	if (fins != cell->fins)
		cell->fins = fins;
	if ((fins & NAT_BOTH_FINS) == NAT_BOTH_FINS && !many)
		cell->state = VPC_FLOW_CLOSING;
	else if (cell->state == VPC_FLOW_NEW && !out && (tcp & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		cell->state = VPC_FLOW_REPLIED;
	else if (cell->state == VPC_FLOW_REPLIED && out && (tcp & (TCP_SYN | TCP_ACK)) == TCP_ACK)
		cell->state = VPC_FLOW_ESTABLISHED;
}

/* What a packet makes of its cell. */
static __always_inline void nat_advance(struct cell_work *work, struct vpc_nat_cell *cell)
{
	bool out = work->tuple.direction == VPC_OUT;

	if (cell->last_s != work->now_s)
		cell->last_s = work->now_s;
	if (work->plane == VPC_NAT_TCP)
		nat_advance_tcp(work, cell, out);
	else if (cell->state == VPC_FLOW_NEW && !out)
		cell->state = VPC_FLOW_REPLIED;
	else if (cell->state == VPC_FLOW_REPLIED && out)
		cell->state = VPC_FLOW_ESTABLISHED;
}

/*
 * Whether the packet may have a cell that somebody has: its time is over, or its connection is and the packet begins
 * one. The owner of the block is the same station, so this is as if the station itself used a port anew (RFC 6191).
 */
static __always_inline bool nat_is_spare(const struct cell_work *work, const struct vpc_nat_cell *cell)
{
	if (nat_is_idle(cell, work->plane, work->now_s))
		return true;
	return work->plane == VPC_NAT_TCP && cell->state == VPC_FLOW_CLOSING && cell->fins & VPC_NAT_OVER &&
	       (work->tuple.tcp & TCP_STATE) == TCP_SYN;
}

/* The inside begins a connection: from a port whose last one is over, it is as if the port were new. */
static __always_inline bool nat_begins_anew(const struct cell_work *work, const struct vpc_nat_cell *cell)
{
	if (nat_is_idle(cell, work->plane, work->now_s))
		return true;
	return cell->state == VPC_FLOW_CLOSING && (work->tuple.tcp & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* A packet of the inside. False: the cell has gone to another meanwhile. */
standalone bool nat_follow_out(struct cell_work *work, struct vpc_nat_cell *cell)
{
	__u32 turn;
	__u64 bits;

	if (!work || !cell)
		return false;
	if (vpc_trace)
		return true;
	turn = *(volatile __u32 *)&cell->turn;
	bits = nat_peer_bits(work, cell->seed);
	if (nat_begins_anew(work, cell)) {
		cell->state = VPC_FLOW_NEW;
		cell->fins = 0;
		cell->peers = bits;
	} else if ((cell->peers & bits) != bits) {
		__sync_fetch_and_or(&cell->peers, bits);
	}
	nat_advance(work, cell);
	barrier();
	return *(volatile __u32 *)&cell->turn == turn && nat_is_owner(cell, work);
}

#endif
