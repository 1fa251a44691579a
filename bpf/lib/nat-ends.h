/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Who sends a packet to whom: what NAT looks at. */
#ifndef VPC_NAT_ENDS_H
#define VPC_NAT_ENDS_H

#include "ipv4.h"
#include "ipv6.h"
#include "nat.h"
#include "nat-cell.h"
#include "not-routed.h"
#include "scratch.h"

struct ends {
	struct address saddr, daddr;
	__u32 ttl;
};

/* What is being looked at, and what came of it: the stack has no room for it. */
struct nat_work {
	struct cell_work cells; /* first: see cell_work() */
	struct ends ends;
	struct unroutable why;
	struct vpc_public public;  /* what the destination of a packet from a wire is */
	struct nat_change change;  /* of such a destination, if its port tells the station */
	__u32 by;                  /* as in struct entering */
};

/* False: it is no IP packet. */
static __always_inline bool read_ends(struct __sk_buff *skb, const struct packet *packet, struct ends *ends)
{
	void *start = (void *)(long)skb->data + ETH_HLEN, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = start;
	struct ipv6 *ip6 = start;

	if (packet->type == ETH_P_IP) {
		if ((void *)(ip + 1) > end)
			return false;
		ends->saddr = address_of_ipv4(ip->saddr);
		ends->daddr = address_of_ipv4(ip->daddr);
		ends->ttl = ip->ttl;
		return true;
	}
	if (packet->type != ETH_P_IPV6 || (void *)(ip6 + 1) > end)
		return false;
	ends->saddr = ip6->saddr;
	ends->daddr = ip6->daddr;
	ends->ttl = ip6->hop_limit;
	return true;
}

static __always_inline struct nat_work *nat_work(void)
{
	return scratch_of(SCRATCH_NAT, struct nat_work);
}

/* The part of it that source NAT works on. The verifier knows no sum with a pointer that may be null. */
static __always_inline struct cell_work *cell_work(void)
{
	return (struct cell_work *)nat_work();
}

/* The ends of the packet. Null: it is no IP packet. */
static __always_inline struct nat_work *begin_nat(struct __sk_buff *skb, const struct packet *packet)
{
	struct nat_work *work = nat_work();

	if (!work)
		return 0;
	work->why = (struct unroutable){ .reason = VPC_DROP_MALFORMED };
	return read_ends(skb, packet, &work->ends) ? work : 0;
}

static __always_inline __u32 slot_of_ends(__u32 ifindex, const struct ends *ends)
{
	const struct address *a = &ends->saddr, *b = &ends->daddr;

	return slot_of(ifindex ^ a->w[0] ^ a->w[1] ^ a->w[2] ^ a->w[3], b->w[0] ^ b->w[1] ^ b->w[2] ^ b->w[3]);
}

#endif
