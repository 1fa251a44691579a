/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How many copies of its broadcasts a port may cause: a token bucket, one token a copy, which holds the tokens of one
 * second.
 *
 * A frame passes while there is a token, and pays for all of its copies. So the bucket may be in debt afterwards, by
 * the copies of one frame, and a rate below the number of listeners still lets frames through. CPUs that flood at the
 * same time may pass together on the last token.
 *
 * The clock is the coarse one, which moves once per tick. It costs 15 ns where a copy costs 2500, and needs no
 * knowledge of the tick's length. The CPU that moves the bucket's time by compare-and-swap fills the bucket; all others
 * find it filled.
 */
#ifndef VPC_BROADCAST_RATE_H
#define VPC_BROADCAST_RATE_H

#include "event.h"
#include "maps.h"
#include "packet.h"

#define NSEC_OF_REFILL (3600 * NSEC_PER_SEC) /* upper bound: the product with the highest rate fits into 63 bits */

static __always_inline void refill(struct vpc_bucket *bucket, __u64 rate)
{
	__u64 now = bpf_ktime_get_coarse_ns(), then = bucket->time_ns, passed = now - then;
	__s64 room = (__s64)(rate * NSEC_PER_SEC) - bucket->tokens, fresh;

	/* Another CPU may have read a later tick. */
	if (now <= then || __sync_val_compare_and_swap(&bucket->time_ns, then, now) != then)
		return;
	fresh = (passed > NSEC_OF_REFILL ? NSEC_OF_REFILL : passed) * rate;
	__sync_fetch_and_add(&bucket->tokens, fresh > room ? room : fresh);
}

static __always_inline struct vpc_bucket *bucket_of(const struct packet *packet)
{
	__u32 source = packet->source;

	return packet->broadcast_rate ? bpf_map_lookup_elem(&broadcast_buckets, &source) : 0;
}

/* What a bucket will hold, for a packet that must not fill it. */
static __always_inline bool would_have_token(const struct vpc_bucket *bucket, __u64 rate)
{
	struct vpc_bucket copy = *bucket;

	refill(&copy, rate);
	return copy.tokens >= (__s64)NSEC_PER_SEC;
}

/* Whether the packet's port has a token left. A packet that no guest sent has rate 0, and always passes. */
static __always_inline bool may_flood(const struct packet *packet)
{
	struct vpc_bucket *bucket = bucket_of(packet);

	if (!bucket)
		return true;
	if (vpc_trace)
		return would_have_token(bucket, packet->broadcast_rate);
	refill(bucket, packet->broadcast_rate);
	return bucket->tokens >= (__s64)NSEC_PER_SEC;
}

/* Takes a token for each copy. */
static __always_inline void pay_copies(const struct packet *packet, __u32 copies)
{
	struct vpc_bucket *bucket = bucket_of(packet);

	if (bucket && !vpc_trace)
		__sync_fetch_and_add(&bucket->tokens, -(__s64)(copies * NSEC_PER_SEC));
}

#endif
