/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Blocks of public ports, and cells in them. The first block of an inside address, and so its public address, follows
 * from the address: a hash says where the search begins. While there are few other guests it may have more blocks. The
 * programs give blocks, so that guests need no vpcd; vpcd takes them back (nat.bpf.c).
 */
#ifndef VPC_NAT_BLOCK_H
#define VPC_NAT_BLOCK_H

#include "nat-ends.h"

#define NAT_PROBES 16u
/* Further blocks are given while this many of a public address are free: guests without any shall find one. */
#define NAT_RESERVE (VPC_NAT_ADDRESS_BLOCKS / 4)

static __always_inline bool nat_same_family(const __u8 *a, const __u8 *b)
{
	return ipv4_is_mapped((const struct address *)a) == ipv4_is_mapped((const struct address *)b);
}

/* Takes a block if it is free. */
static __always_inline bool nat_take_block(struct cell_work *work, __u32 address, __u32 block)
{
	struct vpc_nat_cell *owner = nat_block(work->nat, address, block);
	struct vpc_nat_head *head;
	__u32 turn;

	if (!owner || owner->state != VPC_NAT_BLOCK_FREE)
		return false;
	if (vpc_trace)
		return true;
	if (!nat_begin_write(owner, &turn))
		return false;
	if (owner->state != VPC_NAT_BLOCK_FREE) {
		nat_end_write(owner);
		return false;
	}
	__builtin_memcpy(owner->inside, work->guest.inside, sizeof(owner->inside));
	owner->vpc = work->vpc;
	owner->last_s = work->now_s;
	owner->state = VPC_NAT_BLOCK_TAKEN;
	nat_end_write(owner);
	head = nat_head(work->nat, address);
	if (head)
		__sync_fetch_and_add(&head->taken, 1);
	return true;
}

/* Gives one back that nobody has used. */
static __noinline int nat_return_block(struct cell_work *work, __u32 address, __u32 block)
{
	struct vpc_nat_cell *owner = nat_block(work->nat, address, block);
	struct vpc_nat_head *head = nat_head(work->nat, address);
	__u32 turn;

	if (vpc_trace || !owner || !head || !nat_begin_write(owner, &turn))
		return 0;
	owner->state = VPC_NAT_BLOCK_FREE;
	nat_end_write(owner);
	__sync_fetch_and_add(&head->taken, -1);
	return 0;
}

struct nat_search {
	__u32 address;
	__u32 first;
	__u32 found; /* VPC_NAT_NO_BLOCK: none */
};

static long nat_try_block(__u32 i, struct nat_search *search)
{
	__u32 block = (search->first + i) % VPC_NAT_ADDRESS_BLOCKS;
	struct cell_work *work = cell_work();

	if (!work || !nat_take_block(work, search->address, block))
		return 0;
	search->found = block;
	return 1;
}

/* Takes a free block of a public address. Returns VPC_NAT_NO_BLOCK when there is none. */
static __noinline __u32 nat_some_block(__u32 address, __u32 first)
{
	struct nat_search search = { .address = address, .first = first, .found = VPC_NAT_NO_BLOCK };

	bpf_loop(VPC_NAT_ADDRESS_BLOCKS, nat_try_block, &search, 0);
	return search.found;
}

/* Gives a guest its first block. False: all are taken. */
static __noinline bool nat_new_guest(struct cell_work *work)
{
	__u32 hash = nat_hash(&work->guest, sizeof(work->guest) / sizeof(__u32), 0), count, block = VPC_NAT_NO_BLOCK, address = 0;
	struct vpc_nat_head *head = nat_head(work->nat, 0);

	count = head ? head->addresses : 0;
	for (__u32 i = 0; i < VPC_NAT_ADDRESSES && i < count && block == VPC_NAT_NO_BLOCK; i++) {
		address = ((hash >> 16) + i) % count;
		head = nat_head(work->nat, address);
		if (head && nat_same_family(head->addr, work->guest.inside))
			block = nat_some_block(address, hash % VPC_NAT_ADDRESS_BLOCKS);
	}
	if (block == VPC_NAT_NO_BLOCK)
		return false;
	__builtin_memset(&work->blocks, 0, sizeof(work->blocks));
	__builtin_memset(work->blocks.block, 0xff, sizeof(work->blocks.block));
	work->blocks.address = address;
	work->blocks.count = 1;
	work->blocks.last_s = work->blocks.since_s = work->now_s;
	work->blocks.block[0] = block;
	if (put_entry(&nat_guests, &work->guest, &work->blocks, BPF_NOEXIST))
		nat_return_block(work, address, block); /* another CPU was quicker, or the table is full */
	return true;
}

/* Gives a guest one more block, if there is one to spare. */
static __noinline int nat_grow(struct cell_work *work, struct vpc_nat_guest *guest)
{
	struct vpc_nat_head *head = nat_head(work->nat, guest->address);
	__u32 count = *(volatile __u32 *)&guest->count, block;

	if (vpc_trace || !head || count >= VPC_NAT_GUEST_BLOCKS || head->taken + NAT_RESERVE >= VPC_NAT_ADDRESS_BLOCKS)
		return 0;
	block = nat_some_block(guest->address, guest->block[0] + 1);
	if (block == VPC_NAT_NO_BLOCK)
		return 0;
	if (__sync_val_compare_and_swap(&guest->count, count, count + 1) == count)
		guest->block[count & (VPC_NAT_GUEST_BLOCKS - 1)] = block;
	else
		nat_return_block(work, guest->address, block);
	return 0;
}

/* Whether a block is the guest's: memory of its entry may have gone to another guest meanwhile. */
static __always_inline bool nat_owns(const struct cell_work *work, __u32 address, __u32 block)
{
	struct vpc_nat_cell *owner = nat_block(work->nat, address, block);

	if (vpc_trace) /* a first block has not been taken */
		return owner && owner->state != VPC_NAT_BLOCK_LEAVING;
	return owner && owner->state == VPC_NAT_BLOCK_TAKEN && !(owner->turn & 1) && nat_inside_is(owner, work->vpc, work->guest.inside);
}

static __always_inline void nat_write_cell(struct cell_work *work, struct vpc_nat_cell *cell)
{
	cell->seed = bpf_get_prandom_u32();
	cell->vpc = work->vpc;
	__builtin_memcpy(cell->inside, work->inside.inside, sizeof(cell->inside));
	cell->port = work->inside.port;
	cell->state = VPC_FLOW_NEW;
	cell->fins = 0;
	cell->last_s = work->now_s;
	cell->peers = nat_peer_bits(work, cell->seed);
}

/* Takes a cell for the inside end: a free one, or a spare one. False: somebody has it. */
static __noinline bool nat_take_cell(struct cell_work *work, __u32 index)
{
	struct vpc_nat_cell *cell = nat_cell_at(work->nat, index);
	__u32 turn;

	work->index = index;
	if (vpc_trace)
		return cell;
	if (!cell || !nat_begin_write(cell, &turn))
		return false;
	work->was_free = !cell->state;
	if (cell->state && !nat_is_spare(work, cell)) {
		nat_end_write(cell);
		return false;
	}
	if (cell->state)
		nat_forget_inside(work->nat, work->plane, cell, index);
	nat_write_cell(work, cell);
	nat_end_write(cell);
	return true;
}

#endif
