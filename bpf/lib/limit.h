/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Limits of a port: bytes and packets a second, from its unit and to it. Token buckets that hold the tokens of a tenth
 * of a second.
 *
 * A packet passes while its buckets have tokens, and pays for all of itself. So a bucket may be in debt afterwards, by
 * one packet, and a large segment passes at any rate. While less than a fifth of a bucket is left, packets of senders
 * that understand congestion marks (ECT, RFC 3168) get one. So these senders slow down before packets are dropped.
 *
 * A bucket is filled once per tick of the kernel: reading the clock is a call, reading the tick is not. A token is
 * 10^-9 of a byte or packet, so that no rate loses the rest of a tick. CPUs that check at the same time may pass
 * together on the last token.
 */
#ifndef VPC_LIMIT_H
#define VPC_LIMIT_H

#include "entry.h"
#include "event.h"
#include "fits.h"
#include "maps.h"

#define LIMIT_BURST 100000000ull /* ns: a bucket holds the tokens of this time */
#define LIMIT_MARKED 5           /* marks begin when this fraction of it is left */
#define ECN_CONGESTED 3

enum limit_way {
	LIMIT_OUT, /* from the unit */
	LIMIT_IN,  /* to the unit */
};

/* The cost of one packet. A large packet costs as much as its segments, each with its headers. */
struct limit_cost {
	__u64 bytes;
	__u64 packets;
};

static __always_inline struct limit_cost cost_of(struct __sk_buff *skb, const struct packet *packet)
{
	struct limit_cost cost = { .bytes = skb->len, .packets = 1 };
	__u32 size = skb->gso_size, headers;

	if (!size || size == GSO_BY_FRAGS || !packet->upper)
		return cost;
	headers = ETH_HLEN + segment_length(skb, packet) - size;
	/* A guest behind a tap gives the size of segments, but not their number. */
	if (skb->len > headers)
		cost.packets = (skb->len - headers + size - 1) / size;
	cost.bytes += (cost.packets - 1) * headers;
	return cost;
}

/* Adds the tokens since the last tick. */
static __always_inline void fill_limit(struct vpc_limit_bucket *bucket, __u64 rate)
{
	__u64 tick = bpf_jiffies64(), now, then, passed, room;

	if (bucket->tick == tick)
		return;
	bucket->tick = tick;
	now = bpf_ktime_get_coarse_ns();
	then = bucket->time_ns;
	/* Another CPU may have filled it already. */
	if (now <= then || __sync_val_compare_and_swap(&bucket->time_ns, then, now) != then)
		return;
	passed = now - then;
	room = rate * LIMIT_BURST - bucket->tokens;
	__sync_fetch_and_add(&bucket->tokens, passed > room / rate ? room : passed * rate);
}

/* Whether a bucket has tokens; `marked` is set when few are left. Rate 0: no limit. */
static __always_inline bool has_tokens(struct vpc_limit_bucket *bucket, __u64 rate, bool *marked)
{
	struct vpc_limit_bucket copy;
	__s64 left;

	if (!rate)
		return true;
	if (vpc_trace) {
		copy = *bucket;
		bucket = &copy;
	}
	fill_limit(bucket, rate);
	left = bucket->tokens;
	if (left < (__s64)(rate * (LIMIT_BURST / LIMIT_MARKED)))
		*marked = true;
	return left > 0;
}

static __always_inline void spend(struct vpc_limit_bucket *bucket, __u64 rate, __u64 cost)
{
	if (rate && !vpc_trace)
		__sync_fetch_and_add(&bucket->tokens, -(__s64)(cost * NSEC_PER_SEC));
}

/* Takes the cost of a packet from the buckets of a port. False: the packet is beyond a limit, and pays nothing. */
static __always_inline bool pay(__u32 source, enum limit_way way, const struct limit_cost *cost, bool *marked)
{
	struct vpc_limit_key key = { .stats = source };
	struct vpc_limit_buckets *buckets = bpf_map_lookup_elem(&limit_buckets, &source);
	struct vpc_limit_bucket *bytes, *packets;
	struct vpc_limits limits;
	__u64 byte_rate, packet_rate;

	if (!buckets || !read_entry(&port_limits, &key, &limits))
		return true;
	bytes = way == LIMIT_OUT ? &buckets->bytes_out : &buckets->bytes_in;
	packets = way == LIMIT_OUT ? &buckets->packets_out : &buckets->packets_in;
	byte_rate = way == LIMIT_OUT ? limits.bytes_out : limits.bytes_in;
	packet_rate = way == LIMIT_OUT ? limits.packets_out : limits.packets_in;
	if (!has_tokens(bytes, byte_rate, marked) || !has_tokens(packets, packet_rate, marked))
		return false;
	spend(bytes, byte_rate, cost->bytes);
	spend(packets, packet_rate, cost->packets);
	return true;
}

/* Whether the packet is within the limits of a port. Marks the packet when they are near. */
static __always_inline bool within_limit(struct __sk_buff *skb, struct packet *packet, __u32 source, enum limit_way way)
{
	struct limit_cost cost = cost_of(skb, packet);
	bool marked = false;

	bool paid = pay(source, way, &cost, &marked);

	trace(VPC_TRACE_LIMIT, source, way == LIMIT_IN, paid);
	if (!paid)
		return false;
	if (marked && (packet->type == ETH_P_IP || packet->type == ETH_P_IPV6) && bpf_skb_ecn_set_ce(skb) == 1)
		packet->ecn = ECN_CONGESTED;
	return true;
}

/* Checks a packet of a unit against the limits of its port. Returns a drop reason or 0. */
standalone int limit_out(struct __sk_buff *skb, struct packet *packet)
{
	if (!packet)
		return VPC_DROP_MALFORMED;
	return within_limit(skb, packet, packet->source, LIMIT_OUT) ? 0 : VPC_DROP_RATE_LIMIT;
}

/* Checks a packet for a unit against the limits of its port, `source`. Returns a drop reason or 0. */
standalone int limit_in(struct __sk_buff *skb, struct packet *packet, __u32 source)
{
	if (!packet)
		return VPC_DROP_MALFORMED;
	if (within_limit(skb, packet, source, LIMIT_IN))
		return 0;
	count(source, tx_limited);
	return VPC_DROP_RATE_LIMIT;
}

/* Whether a copy of a broadcast is within the limits of the port `source`. Marks none: all copies share one packet. */
standalone int limit_copy(struct __sk_buff *skb, __u32 source)
{
	struct limit_cost cost = { .bytes = skb->len, .packets = skb->gso_segs ? skb->gso_segs : 1 };
	bool marked = false;

	if (pay(source, LIMIT_IN, &cost, &marked))
		return true;
	count(source, tx_limited);
	return false;
}

#endif
