// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Takes public ports back whose owners are done with them, and blocks whose owners have used none for a while. vpcd
 * runs it for each source NAT, every ten seconds. Nobody needs it in time: a guest that has no port left takes such a
 * port by itself.
 */
#include "lib/nat-maps.h"

#define NAT_GUEST_IDLE 600  /* seconds without a port in use, after which a guest's blocks go to others */
#define NAT_BLOCK_IDLE 10   /* seconds between two steps of a block: no packet of its owner is on its way any more */

struct sweep {
	__u32 nat;
	__u32 now_s;
	__u32 address;
	__u32 block;
	__u32 cells;
	__u32 blocks;
	__u32 in_use;
};

struct bpf_map;

/* The guest's entry, if it has this block. */
static __noinline struct vpc_nat_guest *guest_of(__u32 nat, const struct vpc_nat_cell *of, __u32 address, __u32 block)
{
	struct vpc_nat_guest_key key = { .nat = nat, .vpc = of->vpc };
	struct vpc_nat_guest *guest;

	__builtin_memcpy(key.inside, of->inside, sizeof(key.inside));
	guest = bpf_map_lookup_elem(&nat_guests, &key);
	if (!guest || guest->address != address)
		return 0;
	for (__u32 i = 0; i < VPC_NAT_GUEST_BLOCKS; i++)
		if (i < guest->count && guest->block[i] == block)
			return guest;
	return 0;
}

static long expire_cell(struct bpf_map *map, __u32 *key, struct vpc_nat_cell *cell, struct sweep *sweep)
{
	__u32 index = *key, port = index & 0xffff, plane = (index >> 16) % VPC_NAT_PLANES, turn;
	struct vpc_nat_guest *guest;

	(void)map;
	if (port < VPC_NAT_FIRST_PORT || !cell->state || !nat_is_idle(cell, plane, sweep->now_s) || !nat_begin_write(cell, &turn))
		return 0;
	if (cell->state && nat_is_idle(cell, plane, sweep->now_s)) {
		nat_forget_inside(sweep->nat, plane, cell, index);
		guest = guest_of(sweep->nat, cell, (index >> 16) / VPC_NAT_PLANES, (port - VPC_NAT_FIRST_PORT) / VPC_NAT_BLOCK);
		cell->state = 0;
		if (guest && *nat_used(guest, plane))
			__sync_fetch_and_add(nat_used(guest, plane), -1);
		sweep->cells++;
	}
	nat_end_write(cell);
	return 0;
}

static long look_for_use(__u32 i, struct sweep *sweep)
{
	__u32 plane = i / VPC_NAT_BLOCK, port = VPC_NAT_FIRST_PORT + sweep->block * VPC_NAT_BLOCK + i % VPC_NAT_BLOCK;
	struct vpc_nat_cell *cell = nat_cell_at(sweep->nat, VPC_NAT_CELL(sweep->address, plane, port));

	sweep->in_use = cell && cell->state;
	return sweep->in_use;
}

/* A block that is nobody's any more, once none of its ports is in use. */
static __noinline int free_block(struct sweep *sweep, struct vpc_nat_cell *owner)
{
	struct vpc_nat_head *head = nat_head(sweep->nat, sweep->address);
	__u32 turn;

	sweep->in_use = 0;
	bpf_loop(VPC_NAT_PLANES * VPC_NAT_BLOCK, look_for_use, sweep, 0);
	if (sweep->in_use || !head || !nat_begin_write(owner, &turn))
		return 0;
	owner->state = VPC_NAT_BLOCK_FREE;
	nat_end_write(owner);
	__sync_fetch_and_add(&head->taken, -1);
	sweep->blocks++;
	return 0;
}

static __always_inline bool has_left(const struct vpc_nat_guest *guest, __u32 now_s)
{
	return !(guest->used[0] | guest->used[1] | guest->used[2]) && (__s32)(now_s - guest->last_s) > NAT_GUEST_IDLE;
}

/* Forgets a guest that has used no port for a while; then its blocks leave, and later they are free. */
static long expire_block(__u32 block, struct sweep *sweep)
{
	struct vpc_nat_cell *owner = nat_block(sweep->nat, sweep->address, block);
	struct vpc_nat_guest_key key = { .nat = sweep->nat };
	struct vpc_nat_guest *guest;

	if (!owner || owner->state == VPC_NAT_BLOCK_FREE || owner->turn & 1)
		return 0;
	sweep->block = block;
	guest = guest_of(sweep->nat, owner, sweep->address, block);
	if (guest && has_left(guest, sweep->now_s)) {
		key.vpc = owner->vpc;
		__builtin_memcpy(key.inside, owner->inside, sizeof(key.inside));
		bpf_map_delete_elem(&nat_guests, &key);
		guest = 0;
	}
	/* A block that has just been taken is not in its owner's entry yet. */
	if (guest || (__s32)(sweep->now_s - owner->last_s) < NAT_BLOCK_IDLE)
		return 0;
	if (owner->state == VPC_NAT_BLOCK_LEAVING)
		return free_block(sweep, owner);
	owner->last_s = sweep->now_s;
	owner->state = VPC_NAT_BLOCK_LEAVING;
	return 0;
}

/* Of one NAT: args->nat. The other fields say what became free. */
SEC("syscall")
int vpc_nat_expire(struct vpc_nat_expire *args)
{
	struct sweep sweep = { .nat = args->nat, .now_s = bpf_ktime_get_ns() / 1000000000ull };
	void *cells = nat_cells_of(sweep.nat);

	if (!cells)
		return 0;
	bpf_for_each_map_elem(cells, expire_cell, &sweep, 0);
	for (sweep.address = 0; sweep.address < VPC_NAT_ADDRESSES; sweep.address++)
		if (nat_head(sweep.nat, sweep.address))
			bpf_loop(VPC_NAT_ADDRESS_BLOCKS, expire_block, &sweep, 0);
	args->cells = sweep.cells;
	args->blocks = sweep.blocks;
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
