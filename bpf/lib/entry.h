/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Reads entries of hash tables without ever using another key's value: see "Values of hash tables name their key" in
 * abi.h.
 */
#ifndef VPC_ENTRY_H
#define VPC_ENTRY_H

#include <stdbool.h>
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
 * Copies the value of a key. False: the key has none. An entry whose memory went to another key was replaced or
 * deleted, so the second lookup finds its successor or nothing.
 */
#define read_entry(table, wanted, to)                                                                                               \
	({                                                                                                                          \
		bool read_ = false;                                                                                                 \
		for (int turn_ = 0; turn_ < 2 && !read_; turn_++) {                                                                 \
			typeof((table)->value) entry_ = bpf_map_lookup_elem(table, wanted);                                         \
			if (!entry_)                                                                                                \
				break;                                                                                              \
			*(to) = entry_->value;                                                                                      \
			read_ = is_still(entry_, wanted);                                                                           \
		}                                                                                                                   \
		read_;                                                                                                              \
	})

/* Whether an entry still is that of a key. Call it after copying the value. */
#define is_still(entry, wanted)                                                                                                     \
	({                                                                                                                          \
		barrier();                                                                                                          \
		same_key(&(entry)->key, wanted, sizeof(*(wanted))) && same_key(&(entry)->again, wanted, sizeof(*(wanted)));         \
	})

#endif
