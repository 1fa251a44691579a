/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Memory of a CPU for work on one packet that does not fit on the stack. All kinds of work share one map: a program may
 * use 64 maps.
 */
#ifndef VPC_SCRATCH_H
#define VPC_SCRATCH_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

enum scratch_kind {
	SCRATCH_REFUSAL, /* policy-maps.h */
	SCRATCH_FLOW,    /* flow.h */
	SCRATCH_QUOTE,   /* move-quote.h */
	SCRATCH_DHCPV6,  /* dhcpv6.h */
	SCRATCH_NAT,     /* nat-ends.h */
	SCRATCH_KINDS
};

#define SCRATCH_ROOM 5120

struct scratch {
	__u64 words[SCRATCH_ROOM / 8];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_KINDS);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* The work of a kind, whose type is `type`. */
#define scratch_of(kind, type)                                                                                                      \
	({                                                                                                                          \
		_Static_assert(sizeof(type) <= SCRATCH_ROOM, "SCRATCH_ROOM is too small");                                          \
		__u32 kind_ = kind;                                                                                                 \
		(type *)bpf_map_lookup_elem(&scratches, &kind_);                                                                    \
	})

#endif
