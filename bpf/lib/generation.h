/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What was decided for the last packets is remembered, so that the next ones of their kind need no lookups (outgoing.h,
 * incoming.h): a slot per CPU for all kinds that one hash leads to. Only lookups are spared; each packet is still
 * checked whole.
 *
 * A slot has copies of what the tables said, and the generation in which they said it. User space makes another
 * generation after each write to a table that is remembered (src/datapath/tables.ts), and nothing of an earlier one
 * counts.
 */
#ifndef VPC_GENERATION_H
#define VPC_GENERATION_H

#include "maps.h"

#define SLOT_BITS 10

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} generation SEC(".maps");

/* To be read before any table. */
static __always_inline __u32 generation_now(void)
{
	__u32 zero = 0, *now = bpf_map_lookup_elem(&generation, &zero);

	return now ? *(volatile __u32 *)now : 0;
}

/*
 * The value, which the processor cannot have before the generation: so it does not read the entry of a key that is made
 * of it too early. (There is no barrier between loads in eBPF that all kernels know.)
 */
static __always_inline __u32 after(__u32 generation, __u32 value)
{
	asm volatile("%0 ^= %1\n\t%0 ^= %1" : "+r"(value) : "r"(generation));
	return value;
}

/* The slot of two words. Who makes collisions slows himself down and whoever shares the slot, to what lookups take. */
static __always_inline __u32 slot_of(__u32 a, __u32 b)
{
	return (a * 0x9e3779b1u ^ b * 0x85ebca6bu) >> (32 - SLOT_BITS);
}

#endif
