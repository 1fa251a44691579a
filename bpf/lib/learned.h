/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Owners of addresses that override the neighbour table: an address that moved because its new owner announced it, and
 * a link-local address that a guest has chosen itself. User space neither reads nor writes these tables. An entry
 * records what the neighbour table said when it was made, and counts only while the table still says so. So an
 * operator's change overrides it.
 */
#ifndef VPC_LEARNED_H
#define VPC_LEARNED_H

#include "fdb.h"
#include "maps.h"
#include "packet.h"
#include "trace.h"

#define MAX_LEARNED 16384
#define LINK_LOCALS 4                 /* addresses of its own choice that a port may have at a time, besides the one of its MAC */
#define LINK_LOCAL_AGE 10000000000ull /* ns before another one may replace the oldest */

struct learned {
	struct vpc_neighbour now; /* who has the address */
	struct mac was;           /* owner by the neighbour table; zero: none */
	__u16 pad;
};

struct learned_entry {
	struct vpc_neighbour_key key;
	struct learned value;
	struct vpc_neighbour_key again;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_LEARNED);
	__type(key, struct vpc_neighbour_key);
	__type(value, struct learned_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} learned SEC(".maps");

/* Of one port. */
struct link_locals {
	struct address address[LINK_LOCALS];
	__u64 chosen_ns[LINK_LOCALS]; /* 0: there is none */
};

/* Too large for the stack. */
const struct link_locals no_link_locals = {};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, VPC_MAX_SOURCES);
	__type(key, __u32); /* stats of the port */
	__type(value, struct link_locals);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} link_locals SEC(".maps");

static __always_inline struct vpc_neighbour_key neighbour_key(__u32 segment, const struct address *address)
{
	struct vpc_neighbour_key key = { .segment = segment };

	*(struct address *)key.addr = *address;
	return key;
}

/* The owner of an address by the neighbour table. False: the table does not have it. */
standalone bool neighbour_in_table(const struct vpc_neighbour_key *key, struct mac *mac)
{
	struct vpc_neighbour neighbour;

	if (!key || !mac || !read_entry(&neighbours, key, &neighbour))
		return false;
	*mac = mac_at(neighbour.mac);
	return true;
}

standalone bool read_learned(const struct vpc_neighbour_key *key, struct learned *to)
{
	return key && to && read_entry(&learned, key, to);
}

/* The owner of an address by all tables. False: none is known. */
standalone bool neighbour_of(__u32 segment, const struct address *address, struct mac *mac)
{
	struct vpc_neighbour_key key;
	struct learned other;
	bool known;

	if (!address || !mac)
		return false;
	key = neighbour_key(segment, address);
	known = neighbour_in_table(&key, mac);
	if (!read_learned(&key, &other))
		return known;
	if (known ? mac_equal(other.was, *mac) : mac_is_zero(other.was) && fdb_is_local(segment, mac_at(other.now.mac))) {
		*mac = mac_at(other.now.mac);
		return true;
	}
	return known;
}

/* The address has moved to this MAC. */
standalone int learn_move(__u32 segment, const struct address *address, const struct mac *mac)
{
	struct learned_entry moved = {};
	struct mac table;

	if (!address || !mac)
		return 0;
	moved.key = neighbour_key(segment, address);
	if (!neighbour_in_table(&moved.key, &table))
		return 0;
	if (mac_equal(table, *mac))
		return remove_entry(&learned, &moved.key);
	moved.again = moved.key;
	*(struct mac *)moved.value.now.mac = *mac;
	moved.value.was = table;
	return put_entry(&learned, &moved.key, &moved, BPF_ANY);
}

/*
 * A place for another address of the port. The oldest address gives way if it is old enough. Negative: there is none.
 */
static __always_inline int link_local_place(const struct link_locals *known, const struct address *address, __u64 now)
{
	int oldest = 0;

#pragma unroll
	for (int i = 0; i < LINK_LOCALS; i++) {
		if (known->chosen_ns[i] && address_equal(&known->address[i], address))
			return i;
		if (known->chosen_ns[i] < known->chosen_ns[oldest])
			oldest = i;
	}
	return !known->chosen_ns[oldest] || now - known->chosen_ns[oldest] > LINK_LOCAL_AGE ? oldest : -1;
}

/* Records that a port has chosen a link-local address that nobody has. False: it has too many. */
standalone bool choose_link_local(__u32 segment, __u32 port, const struct mac *mac, const struct address *address)
{
	struct link_locals *known = bpf_map_lookup_elem(&link_locals, &port);
	__u64 now = bpf_ktime_get_coarse_ns();
	struct learned_entry chosen = {};
	int place;

	if (!mac || !address)
		return false;
	chosen.key = neighbour_key(segment, address);
	if (vpc_trace)
		return !known || link_local_place(known, address, now) >= 0;
	if (!known) {
		put_entry(&link_locals, &port, &no_link_locals, BPF_NOEXIST);
		known = bpf_map_lookup_elem(&link_locals, &port);
	}
	if (!known)
		return false;
	place = link_local_place(known, address, now);
	if (place < 0)
		return false;
	place &= LINK_LOCALS - 1;
	chosen.again = chosen.key;
	*(struct mac *)chosen.value.now.mac = *mac;
	put_entry(&learned, &chosen.key, &chosen, BPF_ANY);
	if (known->chosen_ns[place] && !address_equal(&known->address[place], address)) {
		*(struct address *)chosen.key.addr = known->address[place];
		remove_entry(&learned, &chosen.key);
	}
	known->address[place] = *address;
	known->chosen_ns[place] = now;
	return true;
}

#endif
