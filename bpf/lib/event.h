/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Events to user space, bounded per source, and the one function through which every packet is dropped. */
#ifndef VPC_EVENT_H
#define VPC_EVENT_H

#include "count.h"
#include "entry.h"
#include "packet.h"
#include "policy-maps.h"
#include "vlan.h"

#define NSEC_PER_SEC 1000000000ull

/* Set by the loader. 0: no events. */
const volatile __u32 vpc_drop_events_per_second = 20;
const volatile __u32 vpc_miss_events_per_second = 100;
const volatile __u32 vpc_too_big_per_second = 100;
const volatile __u32 vpc_service_per_second = 1024; /* packets of a port to services of the host; no event */

/*
 * Takes one token of a source's bucket, which holds the tokens of one second. ready_ns is the time when the bucket will
 * be full again. A token moves it by one step, and none is left when it is a second ahead. A CPU that loses the race
 * for a token gets none.
 */
static __always_inline bool take_token(void *table, __u32 source, __u32 per_second, __u32 *lost)
{
	__u64 now = bpf_ktime_get_ns(), step, old, next;
	struct vpc_rate *rate;

	*lost = 0;
	if (!per_second || vpc_trace)
		return per_second;
	step = NSEC_PER_SEC / per_second;
	rate = bpf_map_lookup_elem(table, &source);
	if (!rate) {
		struct vpc_rate fresh = { .ready_ns = now + step };

		put_entry(table, &source, &fresh, BPF_NOEXIST);
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

/* Copies the start of the packet as it was on the wire, with the tag that the kernel keeps beside the packet. */
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

/*
 * Of a packet that the security groups of a port refused: which port, by what. Of one that is not routed: which route.
 * Of one that source NAT refused: which NAT.
 */
static __always_inline void tell_refusal(struct vpc_event *event)
{
	bool by_groups = event->reason >= VPC_DROP_SG_DENIED && event->reason <= VPC_DROP_FRAGMENT_ORDER;
	bool by_route = (event->reason >= VPC_DROP_ROUTE_BLACKHOLE && event->reason <= VPC_DROP_NO_HOST) ||
			event->reason == VPC_DROP_NO_PUBLIC_ADDRESS;
	bool by_nat = event->reason >= VPC_DROP_NAT_EXHAUSTED && event->reason <= VPC_DROP_NAT_FRAGMENT;
	struct refusal *last = refusal_of_cpu(), *refusal = by_groups ? last : 0;

	event->port = refusal ? refusal->port : last && by_nat ? last->nat : 0;
	event->policy = refusal ? refusal->policy : 0;
	event->rule = refusal ? refusal->rule : 0;
	event->direction = refusal ? refusal->direction : 0;
	event->state = refusal ? refusal->state : 0;
	event->route = last && by_route ? last->route : 0;
}

static __noinline int fill_event(struct __sk_buff *skb, const struct packet *packet, struct vpc_event *event)
{
	event->time_ns = bpf_ktime_get_ns();
	event->ifindex = skb->ifindex;
	event->source = packet->source;
	event->segment = packet->segment;
	tell_refusal(event);
	__builtin_memset(event->data, 0, sizeof(event->data));
	snap(skb, event);
	return 0;
}

/* False: the ring is full. */
static __always_inline bool send_event(struct __sk_buff *skb, const struct packet *packet, void *ring, enum vpc_event_kind kind,
				       enum vpc_drop_reason reason, __u32 lost)
{
	struct vpc_event *event = bpf_ringbuf_reserve(ring, sizeof(*event), 0);

	if (!event)
		return false;
	event->kind = kind;
	event->reason = reason;
	event->lost = lost;
	fill_event(skb, packet, event);
	bpf_ringbuf_submit(event, 0);
	return true;
}

/*
 * An event that had a token but found no room. The next event of the source reports it, and the events that this one
 * would have reported.
 */
static __always_inline void keep_back(void *rates, __u32 source, __u32 lost)
{
	struct vpc_rate *rate = bpf_map_lookup_elem(rates, &source);

	if (rate)
		__sync_fetch_and_add(&rate->lost, lost + 1);
}

/* Counts and reports a drop. For a packet whose copy goes on, or that becomes an answer. */
standalone int report_drop(struct __sk_buff *skb, const struct packet *packet, enum vpc_drop_reason reason)
{
	__u32 lost;

	if (!packet)
		return 0;
	trace(VPC_TRACE_DROP, reason, packet->source, packet->segment);
	if (vpc_trace)
		return 0;
	count_drop(packet->source, reason);
	if (!vpc_drop_events_per_second)
		return 0;
	if (take_token(&drop_rate, packet->source, vpc_drop_events_per_second, &lost)) {
		if (send_event(skb, packet, &drop_events, VPC_EVENT_DROP, reason, lost))
			return 0;
		keep_back(&drop_rate, packet->source, lost);
	}
	count(packet->source, lost_drop_events);
	return 0;
}

/* Drops the packet. All drops go through this function. */
static __always_inline int drop(struct __sk_buff *skb, const struct packet *packet, enum vpc_drop_reason reason)
{
	report_drop(skb, packet, reason);
	note(skb, VPC_VERDICT_DROP, reason);
	return TC_ACT_SHOT;
}

#define QUESTION_ROOM ((sizeof(struct vpc_event) + BPF_RINGBUF_HDR_SZ + 7) & ~7ull)

/*
 * Whether a port may put one more question into the ring. Unread questions take room from all ports, so a port may have
 * a 16th of the free room, and at least one question. The more ports ask, the less each gets, and a port that has not
 * asked yet finds room. ARP and ND may fill half of the ring; the other half is for DHCP. A port has no unread
 * questions once user space has read its last one. CPUs that ask for one port at the same time may exceed the share by
 * one question each.
 */
static __always_inline bool finds_room(struct vpc_rate *rate, enum vpc_event_kind kind)
{
	__u64 last = *(volatile __u64 *)&rate->last_position;
	__u64 room = bpf_ringbuf_query(&questions, BPF_RB_RING_SIZE), unread = bpf_ringbuf_query(&questions, BPF_RB_AVAIL_DATA);
	__u64 produced = bpf_ringbuf_query(&questions, BPF_RB_PROD_POS);

	if (kind != VPC_EVENT_DHCP)
		room /= 2;
	/* A ring with a lower position is a new one, which a start has made. */
	if (bpf_ringbuf_query(&questions, BPF_RB_CONS_POS) > last || produced < last)
		rate->unread = 0;
	if (unread + QUESTION_ROOM > room || rate->unread * QUESTION_ROOM * 16 > room - unread)
		return false;
	rate->last_position = produced;
	__sync_fetch_and_add(&rate->unread, 1);
	return true;
}

/* How many events a second the questions of a source may cause: the port's limit, or the host's. */
static __always_inline __u32 questions_per_second(__u32 source, enum vpc_event_kind kind)
{
	struct vpc_limit_key key = { .stats = source };
	struct vpc_limits limits;

	if (!vpc_miss_events_per_second || !read_entry(&port_limits, &key, &limits))
		return vpc_miss_events_per_second;
	return kind == VPC_EVENT_DHCP ? limits.dhcp_questions : limits.neighbour_questions;
}

static __always_inline int ask(struct __sk_buff *skb, const struct packet *packet, void *rates, enum vpc_event_kind kind)
{
	__u32 source = packet->source, per_second = questions_per_second(source, kind), lost;
	struct vpc_rate *rate;

	if (!vpc_miss_events_per_second)
		return 0;
	if (take_token(rates, source, per_second, &lost)) {
		rate = bpf_map_lookup_elem(rates, &source);
		if (rate && finds_room(rate, kind) && send_event(skb, packet, &questions, kind, VPC_DROP_NONE, lost)) {
			count(source, missed);
			return 0;
		}
		keep_back(rates, source, lost);
	}
	count(source, lost_questions);
	return 0;
}

/* Reports a question that the tables do not answer to listeners on the switch. DHCP has a rate of its own. */
standalone int report_miss(struct __sk_buff *skb, const struct packet *packet, enum vpc_event_kind kind)
{
	if (!packet)
		return 0;
	trace(VPC_TRACE_QUESTION, kind);
	if (vpc_trace)
		return 0;
	return kind == VPC_EVENT_DHCP ? ask(skb, packet, &dhcp_rate, kind) : ask(skb, packet, &miss_rate, kind);
}

#endif
