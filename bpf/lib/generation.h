/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The programs remember their last decisions, so that the next packets of the same kind need no lookups (outgoing.h,
 * incoming.h). Each CPU has one slot for all kinds with the same hash. This saves lookups only; each packet is still
 * checked completely.
 *
 * A slot has copies of what the tables said, and the generation in which they said it. User space begins another
 * generation after each write to a table that slots depend on (src/datapath/tables.ts). Slots of older generations no
 * longer count.
 */
#ifndef VPC_GENERATION_H
#define VPC_GENERATION_H

#include "maps.h"

#ifndef SLOT_BITS /* the fuzzers have few slots, so that packets of two kinds meet in one */
#define SLOT_BITS 10
#endif

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
 * Returns the value in a way that the processor can compute only after it has the generation. So it does not read the
 * entry of a key that depends on the value too early. (eBPF has no barrier between loads that all kernels know.)
 */
static __always_inline __u32 after(__u32 generation, __u32 value)
{
	asm volatile("%0 ^= %1\n\t%0 ^= %1" : "+r"(value) : "r"(generation));
	return value;
}

/*
 * The slot of two words. A guest that causes collisions slows down itself and the flows that share its slot, to the
 * speed of lookups.
 */
static __always_inline __u32 slot_of(__u32 a, __u32 b)
{
	return (a * 0x9e3779b1u ^ b * 0x85ebca6bu) >> (32 - SLOT_BITS);
}

#endif
