/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The tables of source NAT, and how long a public port stays with its owner. */
#ifndef VPC_NAT_MAPS_H
#define VPC_NAT_MAPS_H

#include "entry.h"
#include "flow-life.h"
#include "mac.h"
#include "trace.h"

/* Cells of one NAT. vpcd makes it, of the size that its public addresses ask for. */
struct nat_cells_of_one {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct vpc_nat_cell));
};

/* By NAT. As for `flows`: another struct vpc_nat_cell needs another name. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 262144);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct nat_cells_of_one);
} nat_cells SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_nat_guest_key);
	__type(value, struct vpc_nat_guest);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} nat_guests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1048576);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_nat_inside_key);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} nat_inside SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct vpc_frag_key);
	__type(value, struct vpc_nat_frag);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} nat_frags SEC(".maps");

#define NAT_IDLE_TCP 7200     /* RFC 5382: two hours at least */
#define NAT_IDLE_ENDING 240 /* a port that more than one peer was sent to, after one connection has ended, RFC 5382 */

static __always_inline void *nat_cells_of(__u32 nat)
{
	return bpf_map_lookup_elem(&nat_cells, &nat);
}

static __always_inline struct vpc_nat_cell *nat_cell_at(__u32 nat, __u32 index)
{
	void *cells = nat_cells_of(nat);

	return cells ? bpf_map_lookup_elem(cells, &index) : 0;
}

static __always_inline struct vpc_nat_head *nat_head(__u32 nat, __u32 address)
{
	return (struct vpc_nat_head *)nat_cell_at(nat, VPC_NAT_CELL(address, VPC_NAT_TCP, VPC_NAT_HEAD));
}

/* What says whose a block is. */
static __always_inline struct vpc_nat_cell *nat_block(__u32 nat, __u32 address, __u32 block)
{
	return block < VPC_NAT_ADDRESS_BLOCKS ? nat_cell_at(nat, VPC_NAT_CELL(address, VPC_NAT_TCP, block)) : 0;
}

/* A plane as the index of an array, in a way that the verifier understands. */
static __always_inline __u32 nat_place(__u32 plane)
{
	barrier_var(plane);
	return plane & (VPC_NAT_PLANE_ROOM - 1);
}

/* How many cells of a plane a guest uses. The compiler must not know that the array has one place less. */
static __always_inline __u32 *nat_used(struct vpc_nat_guest *guest, __u32 plane)
{
	return (__u32 *)((void *)guest + offsetof(struct vpc_nat_guest, used)) + nat_place(plane);
}

#define NAT_BOTH_FINS (1 << VPC_IN | 1 << VPC_OUT)
#define NAT_OTHER_WAY(direction) (VPC_IN + VPC_OUT - (direction))

/* Seconds that a cell stays its owner's without a packet. */
static __always_inline __u32 nat_idle_of(const struct vpc_nat_cell *cell, __u32 plane)
{
	if (plane == VPC_NAT_ICMP)
		return IDLE_ICMP;
	if (plane == VPC_NAT_UDP)
		return cell->state == VPC_FLOW_ESTABLISHED ? IDLE_UDP_STREAM : IDLE_UDP;
	if (cell->state == VPC_FLOW_CLOSING)
		return IDLE_CLOSING;
	if (cell->state != VPC_FLOW_ESTABLISHED)
		return IDLE_TCP_OPENING;
	return (cell->fins & NAT_BOTH_FINS) == NAT_BOTH_FINS ? NAT_IDLE_ENDING : NAT_IDLE_TCP;
}

static __always_inline bool nat_is_idle(const struct vpc_nat_cell *cell, __u32 plane, __u32 now_s)
{
	return (__s32)(now_s - cell->last_s) > (__s32)nat_idle_of(cell, plane);
}

static __always_inline bool nat_inside_is(const struct vpc_nat_cell *cell, __u32 vpc, const __u8 *inside)
{
	return cell->vpc == vpc && address_equal((const struct address *)cell->inside, (const struct address *)inside);
}

/*
 * Begins to write a cell that nobody else writes. *turn gets what it must be given back with. False: somebody else was
 * quicker.
 */
static __always_inline bool nat_begin_write(struct vpc_nat_cell *cell, __u32 *turn)
{
	*turn = *(volatile __u32 *)&cell->turn;
	return !(*turn & 1) && __sync_val_compare_and_swap(&cell->turn, *turn, *turn + 1) == *turn;
}

/* An operation that returns the old value orders all others around it. */
static __always_inline void nat_end_write(struct vpc_nat_cell *cell)
{
	__u32 before = __sync_fetch_and_add(&cell->turn, 1);

	barrier_var(before);
}

/* Forgets who had a cell, which the caller writes. */
static __always_inline void nat_forget_inside(__u32 nat, __u32 plane, const struct vpc_nat_cell *cell, __u32 index)
{
	struct vpc_nat_inside_key key = { .nat = nat, .vpc = cell->vpc, .port = cell->port, .plane = plane };
	__u32 *found;

	__builtin_memcpy(key.inside, cell->inside, sizeof(key.inside));
	found = bpf_map_lookup_elem(&nat_inside, &key);
	if (found && *found == index)
		remove_entry(&nat_inside, &key);
}

#endif
