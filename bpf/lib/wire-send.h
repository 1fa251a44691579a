/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets out of a wire that has public addresses. The kernel's neighbour table has the MAC of the next hop: it asks
 * for it, keeps the packet meanwhile, and follows changes, with or without vpcd.
 */
#ifndef VPC_WIRE_SEND_H
#define VPC_WIRE_SEND_H

#include "event.h"
#include "nat.h"
#include "route.h"

#ifndef AF_INET
#define AF_INET 2
#endif
#ifndef AF_INET6
#define AF_INET6 10
#endif

/* A prefix has an address; both are of one family. */
static __always_inline bool is_on_wire(const struct address *prefix, __s32 bits, const struct address *address)
{
	__u32 difference = 0;

#pragma unroll
	for (__s32 i = 0; i < 4; i++)
		difference |= (prefix->w[i] ^ address->w[i]) & fixed_bits(bits - 32 * i);
	return !difference;
}

/* The next hop: the destination itself, if it is on the wire, or the router there. Null: as the host's routes say. */
static __always_inline const struct address *next_hop(const struct vpc_nat *nat, bool v4, const struct address *daddr)
{
	const struct address *prefix = (const struct address *)(v4 ? nat->prefix4 : nat->prefix6);
	const struct address *gateway = (const struct address *)(v4 ? nat->gateway4 : nat->gateway6);

	if (!ipv6_is_unspecified(prefix) && is_on_wire(prefix, v4 ? 96 + nat->length4 : nat->length6, daddr))
		return daddr;
	return ipv6_is_unspecified(gateway) ? 0 : gateway;
}

/* Sends the packet, which has its public source, to a hop on the wire. `number`: of the NAT. */
static __always_inline int redirect_to_wire(struct __sk_buff *skb, __u32 wire, const struct address *hop, __u32 number)
{
	bool v4 = skb->protocol == bpf_htons(ETH_P_IP);
	struct bpf_redir_neigh next = { .nh_family = v4 ? AF_INET : AF_INET6 };

	skb->mark = 0;
	count_tx(number, skb->len);
	note(skb, VPC_VERDICT_FORWARD, wire);
	skb->cb[VPC_CB_STATS] = number;
	skb->cb[VPC_CB_KIND] = VPC_DST_NAT;
	if (!hop)
		return bpf_redirect_neigh(wire, 0, 0, 0);
	if (v4)
		next.ipv4_nh = hop->w[3];
	else
		*(struct address *)next.ipv6_nh = *hop;
	return bpf_redirect_neigh(wire, &next, sizeof(next), 0);
}

static __noinline int send_to_wire(struct __sk_buff *skb, const struct vpc_nat *nat, const struct address *daddr, __u32 number)
{
	return redirect_to_wire(skb, nat->wire, next_hop(nat, skb->protocol == bpf_htons(ETH_P_IP), daddr), number);
}

#endif
