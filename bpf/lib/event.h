/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Events to user space, bounded per source, and the one function through which every packet is dropped. */
#ifndef VPC_EVENT_H
#define VPC_EVENT_H

#include "count.h"
#include "packet.h"
#include "vlan.h"

#define NSEC_PER_SEC 1000000000ull

/* Set by the loader. 0: no events. */
const volatile __u32 vpc_drop_events_per_second = 20;
const volatile __u32 vpc_miss_events_per_second = 100;
const volatile __u32 vpc_too_big_per_second = 100;

/*
 * One token of a source's bucket, which holds one second's worth. ready_ns is when the bucket will be full again; a token moves it
 * by one step, and there is none left when it is a second ahead. Who loses the race for a token goes without.
 */
static __always_inline bool take_token(void *table, __u32 source, __u32 per_second, __u32 *lost)
{
	__u64 now = bpf_ktime_get_ns(), step, old, next;
	struct vpc_rate *rate;

	*lost = 0;
	if (!per_second)
		return false;
	step = NSEC_PER_SEC / per_second;
	rate = bpf_map_lookup_elem(table, &source);
	if (!rate) {
		struct vpc_rate fresh = { .ready_ns = now + step };

		bpf_map_update_elem(table, &source, &fresh, BPF_NOEXIST);
		return true;
	}
	old = rate->ready_ns;
	next = (old > now ? old : now) + step;
	if (next - now > NSEC_PER_SEC || __sync_val_compare_and_swap(&rate->ready_ns, old, next) != old) {
		__sync_fetch_and_add(&rate->lost, 1);
		return false;
	}
	*lost = __sync_lock_test_and_set(&rate->lost, 0);
	return true;
}

/* The start of the packet as it was on the wire: a tag that the kernel keeps beside the packet is put back. */
static __always_inline void snap(struct __sk_buff *skb, struct vpc_event *event)
{
	const __u32 macs = offsetof(struct ethhdr, h_proto);
	__u32 shift = skb->vlan_present ? 4 : 0, length = skb->len;

	event->len = length + shift;
	event->caplen = 0;
	if (length > VPC_EVENT_SNAP - 4)
		length = VPC_EVENT_SNAP - 4;
	if (length < ETH_HLEN)
		return;
	if (shift) {
		__be16 tag[2] = { bpf_htons(skb->vlan_proto == bpf_htons(ETH_P_8021AD) ? ETH_P_8021AD : ETH_P_8021Q),
				  bpf_htons(skb->vlan_tci) };

		if (bpf_skb_load_bytes(skb, 0, event->data, macs) ||
		    bpf_skb_load_bytes(skb, macs, event->data + macs + 4, length - macs))
			return;
		__builtin_memcpy(event->data + macs, tag, sizeof(tag));
	} else if (bpf_skb_load_bytes(skb, 0, event->data, length)) {
		return;
	}
	event->caplen = length + shift;
}

static __noinline int send_event(struct __sk_buff *skb, const struct packet *packet, enum vpc_event_kind kind,
				 enum vpc_drop_reason reason, __u32 lost)
{
	struct vpc_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return -1;
	event->time_ns = bpf_ktime_get_ns();
	event->kind = kind;
	event->reason = reason;
	event->ifindex = skb->ifindex;
	event->source = packet->source;
	event->segment = packet->segment;
	event->lost = lost;
	__builtin_memset(event->data, 0, sizeof(event->data));
	snap(skb, event);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* Counts a drop and tells of it; for a packet of which a copy goes on, or that becomes an answer. */
standalone int report_drop(struct __sk_buff *skb, const struct packet *packet, enum vpc_drop_reason reason)
{
	__u32 lost;

	if (!packet)
		return 0;
	count_drop(packet->source, reason);
	if (take_token(&drop_rate, packet->source, vpc_drop_events_per_second, &lost))
		send_event(skb, packet, VPC_EVENT_DROP, reason, lost);
	return 0;
}

/* Drops the packet: the one way out for all that is not passed on. */
static __always_inline int drop(struct __sk_buff *skb, const struct packet *packet, enum vpc_drop_reason reason)
{
	report_drop(skb, packet, reason);
	note(skb, VPC_VERDICT_DROP, reason);
	return TC_ACT_SHOT;
}

/* Tells whoever listens on the switch of a question that the tables do not answer. */
standalone int report_miss(struct __sk_buff *skb, const struct packet *packet, enum vpc_event_kind kind)
{
	__u32 lost;

	if (!packet || !take_token(&miss_rate, packet->source, vpc_miss_events_per_second, &lost))
		return 0;
	if (send_event(skb, packet, kind, VPC_DROP_NONE, lost))
		return 0;
	count(packet->source, missed);
	return 0;
}

#endif
