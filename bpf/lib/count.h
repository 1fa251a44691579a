/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counters. A source's rx counts all packets from it, dropped ones included: rx = forwarded + answered + dropped. */
#ifndef VPC_COUNT_H
#define VPC_COUNT_H

#include "maps.h"
#include "packet.h"
#include "trace.h"

#define count(source, field)                                                                                                        \
	do {                                                                                                                        \
		__u32 key_ = (source);                                                                                              \
		struct vpc_stats *stats_ = bpf_map_lookup_elem(&stats, &key_);                                                      \
		if (stats_)                                                                                                         \
			stats_->field++;                                                                                            \
	} while (0)

static __always_inline void count_rx(__u32 source, __u32 bytes)
{
	struct vpc_stats *entry = bpf_map_lookup_elem(&stats, &source);

	if (!entry)
		return;
	entry->rx_packets++;
	entry->rx_bytes += bytes;
}

static __always_inline void count_tx(__u32 destination, __u32 bytes)
{
	struct vpc_stats *entry = bpf_map_lookup_elem(&stats, &destination);

	if (!entry)
		return;
	entry->tx_packets++;
	entry->tx_bytes += bytes;
}

/* The first drop of a source for a reason makes the entry; another CPU may make it first. */
static __always_inline void count_drop(__u32 source, __u32 reason)
{
	struct vpc_drop_key key = { .stats = source, .reason = reason };
	__u64 zero = 0, *value = bpf_map_lookup_elem(&drops, &key);

	if (!value) {
		put_entry(&drops, &key, &zero, BPF_NOEXIST);
		value = bpf_map_lookup_elem(&drops, &key);
	}
	if (value)
		++*value;
}

/* The kernel records the queue that a packet came from, counted from 1, if it records any. */
static __noinline optional int count_queue(__u32 ifindex, struct __sk_buff *skb)
{
	__u32 mapping = skb->queue_mapping;
	struct vpc_queue_key key = { .ifindex = ifindex, .queue = mapping ? mapping - 1 : 0 };
	struct vpc_queue none = {}, *value = bpf_map_lookup_elem(&queues, &key);

	if (!value && key.queue < VPC_QUEUES) {
		put_entry(&queues, &key, &none, BPF_NOEXIST);
		value = bpf_map_lookup_elem(&queues, &key);
	}
	if (!value)
		return 0;
	value->rx_packets++;
	value->rx_bytes += skb->len;
	return 0;
}

/* Leaves the decision where a test run can read it. */
static __always_inline void note(struct __sk_buff *skb, enum vpc_verdict verdict, __u32 detail)
{
	skb->cb[VPC_CB_VERDICT] = verdict;
	skb->cb[VPC_CB_DETAIL] = detail;
}

#endif
