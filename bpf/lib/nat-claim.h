/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A public port for an inside end that has none: one that resembles the inside port, or a random one. When the guest
 * uses all that it can get, a port of its own that it is done with. A live one is never taken.
 *
 * Then a hand goes round over the guest's cells and takes the next spare one. So ports of short connections come again
 * in the order in which they were taken, and as late as can be. The hand passes over a port whose last connection went
 * to the same peer while there are others close by: that peer may remember it (TIME-WAIT).
 */
#ifndef VPC_NAT_CLAIM_H
#define VPC_NAT_CLAIM_H

#include "nat-block.h"

#define NAT_HAND_STEPS 64u
#define NAT_HAND_CHOICE 4u

struct nat_claim {
	int found;
	__u32 owned;   /* the block that is being searched is the guest's */
	__u32 hand;
	__u32 index;   /* of the cell that the hand has found */
	__u32 steps;   /* of the hand, up to that cell */
};

static __always_inline __u32 nat_index(const struct cell_work *work, __u32 number, __u32 offset)
{
	__u32 block = work->blocks.block[number & (VPC_NAT_GUEST_BLOCKS - 1)];

	return VPC_NAT_CELL(work->blocks.address, work->plane, VPC_NAT_FIRST_PORT + block * VPC_NAT_BLOCK + offset);
}

static __always_inline bool nat_owns_number(const struct cell_work *work, __u32 number)
{
	return nat_owns(work, work->blocks.address, work->blocks.block[number & (VPC_NAT_GUEST_BLOCKS - 1)]);
}

/* The first probes look for the offset of the inside port: a guest that counts its ports up never meets its own. */
static long nat_probe(__u32 i, struct nat_claim *claim)
{
	__u32 count, offset, number = i, index;
	struct cell_work *work = cell_work();
	struct vpc_nat_cell *cell;

	if (!work)
		return 1;
	count = work->blocks.count & (2 * VPC_NAT_GUEST_BLOCKS - 1);
	offset = bpf_ntohs(work->inside.port) % VPC_NAT_BLOCK;
	if (!count)
		return 1;
	if (i >= count) {
		__u32 random = bpf_get_prandom_u32();

		number = (random >> 16) % count;
		offset = random % VPC_NAT_BLOCK;
	}
	if (!nat_owns_number(work, number))
		return 0;
	index = nat_index(work, number, offset);
	cell = nat_cell_at(work->nat, index);
	if (!cell || cell->state || !nat_take_cell(work, index))
		return 0;
	claim->found = 1;
	return 1;
}

enum nat_look {
	NAT_LOOK_TAKEN,
	NAT_LOOK_SAME_PEER, /* spare, and its last connection was with the packet's peer */
	NAT_LOOK_SPARE,
};

/* Looks at a cell of the guest. Its index is work->index then. */
standalone int nat_look_at(__u32 place)
{
	__u32 number = place / VPC_NAT_BLOCK;
	struct cell_work *work = cell_work();
	struct vpc_nat_cell *cell;
	__u64 bits;

	if (!work || !nat_owns_number(work, number))
		return NAT_LOOK_TAKEN;
	work->index = nat_index(work, number, place % VPC_NAT_BLOCK);
	cell = nat_cell_at(work->nat, work->index);
	if (!cell || (cell->state && !nat_is_spare(work, cell)))
		return NAT_LOOK_TAKEN;
	bits = nat_peer_bits(work, cell->seed);
	return cell->state && (cell->peers & bits) == bits ? NAT_LOOK_SAME_PEER : NAT_LOOK_SPARE;
}

/* Looks at the next cell from the hand on. */
static long nat_look_ahead(__u32 i, struct nat_claim *claim)
{
	struct cell_work *work = cell_work();
	int look;

	if (!work || !work->blocks.count)
		return 1;
	look = nat_look_at((claim->hand + i) % (work->blocks.count * VPC_NAT_BLOCK));
	if (look > claim->found) {
		claim->found = look;
		claim->steps = i + 1;
		claim->index = work->index;
	}
	return claim->found == NAT_LOOK_SPARE || (claim->found && i + 1 >= claim->steps + NAT_HAND_CHOICE);
}

/* Takes the next spare cell. */
static __always_inline bool nat_take_next(struct cell_work *work, struct vpc_nat_guest *guest)
{
	struct nat_claim claim = { .hand = guest->hand };

	bpf_loop(NAT_HAND_STEPS, nat_look_ahead, &claim, 0);
	if (!claim.found || !nat_take_cell(work, claim.index))
		return false;
	if (!vpc_trace)
		__sync_fetch_and_add(&guest->hand, claim.steps);
	return true;
}

/* Looks at all cells of the guest, for a free one or the one that its owner has been done with the longest. */
static long nat_find_oldest(__u32 i, struct nat_claim *claim)
{
	__u32 number = i / VPC_NAT_BLOCK, index;
	struct cell_work *work = cell_work();
	struct vpc_nat_cell *cell;
	__s32 idle_s;

	if (!work)
		return 1;
	if (i % VPC_NAT_BLOCK == 0)
		claim->owned = nat_owns_number(work, number);
	if (!claim->owned)
		return 0;
	index = nat_index(work, number, i % VPC_NAT_BLOCK);
	cell = nat_cell_at(work->nat, index);
	if (!cell)
		return 1;
	if (!cell->state)
		idle_s = 0x7fffffff;
	else if (nat_is_spare(work, cell))
		idle_s = 1 + (__s32)(work->now_s - cell->last_s);
	else
		return 0;
	if (idle_s > work->best_idle_s) {
		work->best_idle_s = idle_s;
		work->best = index;
	}
	return !cell->state;
}

static __always_inline bool nat_search(struct cell_work *work, struct vpc_nat_guest *guest, __u32 searched_tick)
{
	struct nat_claim claim = {};

	if (guest && *nat_used(guest, work->plane) >= work->blocks.count * VPC_NAT_BLOCK) {
		if (nat_take_next(work, guest))
			return true;
	} else {
		bpf_loop(NAT_PROBES, nat_probe, &claim, 0);
		if (claim.found)
			return true;
	}
	if (searched_tick == (__u32)bpf_jiffies64())
		return false; /* a guest that has no port left does not have all be looked at for each packet */
	work->best_idle_s = 0;
	bpf_loop(VPC_NAT_BLOCK * VPC_NAT_GUEST_BLOCKS, nat_find_oldest, &claim, 0);
	return work->best_idle_s > 0 && nat_take_cell(work, work->best);
}

/* Gives back a cell that the inside end does not need: another CPU has found one for it at the same time. */
static __noinline int nat_return_cell(struct cell_work *work)
{
	struct vpc_nat_cell *cell = nat_cell_at(work->nat, work->index);
	__u32 turn;

	if (vpc_trace || !cell || !nat_begin_write(cell, &turn))
		return 0;
	cell->state = 0;
	nat_end_write(cell);
	return 0;
}

/* Notes whose the cell is. Returns the cell that the inside end has now; null: the table is full. */
static __noinline struct vpc_nat_cell *nat_note_inside(struct cell_work *work)
{
	__u32 index = work->index;
	struct vpc_nat_cell *other;

	if (!put_entry(&nat_inside, &work->inside, &index, BPF_NOEXIST))
		return nat_cell_at(work->nat, index);
	other = nat_find(work);
	if (other) {
		__u32 theirs = work->index;

		work->index = index;
		if (theirs != index)
			nat_return_cell(work);
		work->index = theirs;
		work->was_free = false;
		return other;
	}
	work->index = index;
	if (!put_entry(&nat_inside, &work->inside, &index, BPF_ANY))
		return nat_cell_at(work->nat, index);
	nat_return_cell(work);
	return 0;
}

/* Finds a cell for an inside end that has none. Null: all are in use. */
static __always_inline struct vpc_nat_cell *nat_claim_cell(struct cell_work *work)
{
	__u32 plane = nat_place(work->plane);
	struct vpc_nat_guest *guest = bpf_map_lookup_elem(&nat_guests, &work->guest);
	struct vpc_nat_cell *cell;

	if (!guest && nat_new_guest(work))
		guest = bpf_map_lookup_elem(&nat_guests, &work->guest);
	if (!guest)
		return vpc_trace && nat_search(work, 0, 0) ? nat_cell_at(work->nat, work->index) : 0;
	if (*nat_used(guest, plane) * 5 >= guest->count * VPC_NAT_BLOCK * 4)
		nat_grow(work, guest);
	work->blocks = *guest;
	if (!nat_search(work, guest, guest->full_tick[plane])) {
		if (!vpc_trace)
			guest->full_tick[plane] = bpf_jiffies64();
		return 0;
	}
	if (vpc_trace)
		return nat_cell_at(work->nat, work->index);
	cell = nat_note_inside(work);
	if (cell && work->was_free)
		__sync_fetch_and_add(nat_used(guest, plane), 1);
	guest->last_s = work->now_s;
	return cell;
}

/* The same for the packet that this CPU works on. False: all are in use. */
standalone bool nat_claim_one(void)
{
	struct cell_work *work = cell_work();

	return work && nat_claim_cell(work);
}

#endif
