/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Reads entries of hash tables without ever using another key's value: see "Values of hash tables name their key" in
 * abi.h.
 */
#ifndef VPC_ENTRY_H
#define VPC_ENTRY_H

#include <stdbool.h>
#include "generation.h"
#include "maps.h"

/* Keys are made of 32-bit words. */
static __always_inline bool same_key(const void *a, const void *b, __u32 size)
{
	const __u32 *left = a, *right = b;
	__u32 difference = 0;

#pragma unroll
	for (__u32 i = 0; i < size / sizeof(__u32); i++)
		difference |= left[i] ^ right[i];
	return !difference;
}

/*
 * Without it the compiler keeps parts of a copy in registers, and uses them before it checks whether there is an entry.
 */
#define keep_in_memory(pointer) asm volatile("" : : "r"(pointer) : "memory")

#define READ_TURNS 3

/*
 * Runs a statement on the entry of a key, which it names: the statement takes what is wanted of it. False: the key has
 * no entry, and what was taken may be another key's.
 *
 * The keys around the value show memory that has gone to another key. They do not show memory that went there and back
 * while it was read. For that user space must have written the key twice, and between two writes of a key it begins
 * another generation (src/datapath/table.ts), so a look counts only if the generation is the same before and after it.
 * In either case the next lookup finds the successor or nothing. One lookup is quicker than one write of user space.
 */
#define look_at(table, wanted, entry, statement)                                                                                    \
	({                                                                                                                          \
		__u32 turn_ = 0, read_ = 0;                                                                                         \
		while (turn_ < READ_TURNS) {                                                                                        \
			__u32 generation_ = generation_now();                                                                       \
			typeof((table)->value) entry = bpf_map_lookup_elem(table, wanted);                                          \
			turn_ = entry ? turn_ + 1 : READ_TURNS;                                                                     \
			if (!entry)                                                                                                 \
				continue;                                                                                           \
			statement;                                                                                                  \
			read_ = is_still(entry, wanted) && generation_now() == generation_;                                         \
			if (read_)                                                                                                  \
				turn_ = READ_TURNS;                                                                                 \
		}                                                                                                                   \
		read_ != 0;                                                                                                         \
	})

/* Copies a part of what a table has for a key. */
#define read_part(table, wanted, part, to)                                                                                          \
	look_at(table, wanted, entry_, {                                                                                            \
		*(to) = entry_->part;                                                                                               \
		keep_in_memory(to);                                                                                                 \
	})

/* The same of the whole value. */
#define read_entry(table, wanted, to) read_part(table, wanted, value, to)

/* Whether an entry still is that of a key. Call it after copying the value. */
#define is_still(entry, wanted)                                                                                                     \
	({                                                                                                                          \
		barrier();                                                                                                          \
		same_key(&(entry)->key, wanted, sizeof(*(wanted))) && same_key(&(entry)->again, wanted, sizeof(*(wanted)));         \
	})

#endif
