/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A public port for an inside end that has none: one that resembles the inside port, or a random one; when many are
 * taken, the one that its owner has been done with for the longest time. A live one is never taken.
 */
#ifndef VPC_NAT_CLAIM_H
#define VPC_NAT_CLAIM_H

#include "nat-block.h"

struct nat_claim {
	__u32 found;
	__u32 owned; /* the block that is being searched is the guest's */
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
	idle_s = cell->state ? (__s32)(work->now_s - cell->last_s) - (__s32)nat_idle_of(cell, work->plane) : 0x7fffffff;
	if (idle_s > work->best_idle_s) {
		work->best_idle_s = idle_s;
		work->best = index;
	}
	return !cell->state;
}

static __always_inline bool nat_search(struct cell_work *work, __u32 searched_tick)
{
	struct nat_claim claim = {};

	bpf_loop(NAT_PROBES, nat_probe, &claim, 0);
	if (claim.found)
		return true;
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
static __noinline struct vpc_nat_cell *nat_claim_cell(struct cell_work *work)
{
	__u32 plane = nat_place(work->plane);
	struct vpc_nat_guest *guest = bpf_map_lookup_elem(&nat_guests, &work->guest);
	struct vpc_nat_cell *cell;

	if (!guest && nat_new_guest(work))
		guest = bpf_map_lookup_elem(&nat_guests, &work->guest);
	if (!guest)
		return vpc_trace && nat_search(work, 0) ? nat_cell_at(work->nat, work->index) : 0;
	if (guest->used[plane] * 5 >= guest->count * VPC_NAT_BLOCK * 4)
		nat_grow(work, guest);
	work->blocks = *guest;
	if (!nat_search(work, guest->full_tick[plane])) {
		if (!vpc_trace)
			guest->full_tick[plane] = bpf_jiffies64();
		return 0;
	}
	if (vpc_trace)
		return nat_cell_at(work->nat, work->index);
	cell = nat_note_inside(work);
	if (cell && work->was_free)
		__sync_fetch_and_add(&guest->used[plane], 1);
	guest->last_s = work->now_s;
	return cell;
}

#endif
