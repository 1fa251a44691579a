/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which forwarding entries and neighbours are used, so that user space can delete others when it needs room. A program
 * notes a key when it fills a slot from its entry (outgoing.h) and when it answers a question with it: never on the
 * fast path. User space clears the tables and begins a new generation, so that slots are filled again.
 */
#ifndef VPC_USED_H
#define VPC_USED_H

#include "maps.h"
#include "packet.h"
#include "trace.h"

/* The value has no meaning. Sizes are those of `fdb` and `neighbours`. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 262144);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_fdb_key);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} used_fdb SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 262144);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_neighbour_key);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} used_neighbours SEC(".maps");

static __noinline optional int note_used_mac(__u32 segment, const struct mac *mac)
{
	struct vpc_fdb_key key = { .segment = segment };
	__u32 used = 1;

	if (!mac)
		return 0;
	*(struct mac *)key.mac = *mac;
	if (!bpf_map_lookup_elem(&used_fdb, &key))
		put_entry(&used_fdb, &key, &used, BPF_ANY);
	return 0;
}

static __noinline optional int note_used_address(__u32 segment, const struct address *address)
{
	struct vpc_neighbour_key key = { .segment = segment };
	__u32 used = 1;

	if (!address)
		return 0;
	*(struct address *)key.addr = *address;
	if (!bpf_map_lookup_elem(&used_neighbours, &key))
		put_entry(&used_neighbours, &key, &used, BPF_ANY);
	return 0;
}

#endif
