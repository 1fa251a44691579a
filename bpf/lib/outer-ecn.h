/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Congestion marks of tunnel packets, RFC 6040 section 4.1: an ingress copies the inner field to the outer header. The
 * kernel's device turns CE into ECT(0), as RFC 3168 said, so vpc_ethlink_out corrects its packets as they leave. The
 * direct way copies the field (encap-direct.h).
 */
#ifndef VPC_OUTER_ECN_H
#define VPC_OUTER_ECN_H

#include "outer-port.h"
#include "vxlan.h"

#define ECN_IN_VXLAN (8 + 8 + 12) /* from the outer UDP header to the inner EtherType, which the IP header follows */

/* The field in the first two bytes of an IP header; `type`: its EtherType, network order. */
static __always_inline __u8 ecn_of(__be16 type, const __u8 *ip)
{
	return (type == bpf_htons(ETH_P_IP) ? ip[1] : ip[1] >> 4) & ECN_MASK;
}

/* Sets CE in the outer header; `ip`: its first two bytes. */
static __always_inline void set_outer_ce(struct __sk_buff *skb, __u32 at, const __u8 *ip)
{
	bool v4 = skb->protocol == bpf_htons(ETH_P_IP);
	__u8 marked[2] __attribute__((aligned(2))) = { ip[0], ip[1] | (v4 ? ECN_CE : ECN_CE << 4) };

	if (v4)
		bpf_l3_csum_replace(skb, at + offsetof(struct iphdr, check), *(const __u16 *)ip, *(const __u16 *)marked, 2);
	bpf_skb_store_bytes(skb, at + 1, &marked[1], 1, 0);
}

/* Copies a congestion mark from the inner header to the outer one. */
static __always_inline void carry_congestion(struct __sk_buff *skb)
{
	__u32 at = outer_ip(skb), udp = outer_udp(skb);
	__u8 outer[2] __attribute__((aligned(2)));
	struct {
		__be16 type;
		__u8 ip[2];
	} inner;

	if (!udp || bpf_skb_load_bytes(skb, at, outer, sizeof(outer)) || ecn_of(skb->protocol, outer) != ECN_ECT_0)
		return;
	if (bpf_skb_load_bytes(skb, udp + ECN_IN_VXLAN, &inner, sizeof(inner)))
		return;
	if (inner.type != bpf_htons(ETH_P_IP) && inner.type != bpf_htons(ETH_P_IPV6))
		return;
	if (ecn_of(inner.type, inner.ip) == ECN_CE)
		set_outer_ce(skb, at, outer);
}

#endif
