/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the answers of a subnet's gateway to DHCP, DHCPv6 and router solicitations have in common. User space lays down
 * what is said (`dhcp_replies`, `dhcpv6_replies`, `ra_replies`); the programs fill in who asked, so guests are answered
 * while vpcd is away too.
 */
#ifndef VPC_SERVE_H
#define VPC_SERVE_H

#include "checksum.h"
#include "entry.h"
#include "gateway.h"
#include "kernel-skb.h"
#include "maps.h"
#include "packet.h"
#include "udp.h"

#define SERVED 0
#define NOT_SERVED -1

#define IPV4_UPPER (ETH_HLEN + 20u) /* where the upper header lies behind an IP header without options */
#define IPV6_UPPER (ETH_HLEN + 40u)
#define UDP_CHECK_AT 6u
#define ICMPV6_CHECK_AT 2u

/*
 * The sender left nothing in the packet for others to do but, perhaps, the checksum of its header above IP. The answer
 * has that one in the same place.
 */
static __always_inline bool is_plain_question(struct __sk_buff *skb, const struct packet *packet, __u32 upper)
{
	struct sk_buff *kernel = kernel_skb(skb);

	if (packet->upper != upper || skb->gso_size)
		return false;
	return BPF_CORE_READ_BITFIELD(kernel, ip_summed) != CHECKSUM_PARTIAL || offset_in(kernel, kernel->csum_start) == upper;
}

/*
 * Fills in the checksum of an answer, whose field is 0 yet: `sum` is that of the pseudo header. Where the question's
 * was left to be filled in, so is the answer's: the kernel then wants the pseudo header's sum there. Returns a drop
 * reason or 0.
 */
static __noinline int fill_checksum(struct __sk_buff *skb, __u32 upper, __u32 field, __u32 length, __u32 sum)
{
	struct sk_buff *kernel = kernel_skb(skb);
	__u16 check;

	if (BPF_CORE_READ_BITFIELD(kernel, ip_summed) == CHECKSUM_PARTIAL) {
		check = fold(sum);
	} else {
		check = ~fold(fold(sum) + sum_packet(skb, upper, length));
		if (!check && field == UDP_CHECK_AT)
			check = 0xffff;
	}
	return bpf_skb_store_bytes(skb, upper + field, &check, sizeof(check), BPF_F_RECOMPUTE_CSUM) ? VPC_DROP_ENCAP_FAILED : 0;
}

/* The gateway's MAC in the source of a frame, and in its DUID. */
#define GATEWAY_BYTES                                                                                                               \
	{                                                                                                                           \
		VPC_GATEWAY_MAC >> 40 & 0xff, VPC_GATEWAY_MAC >> 32 & 0xff, VPC_GATEWAY_MAC >> 24 & 0xff, VPC_GATEWAY_MAC >> 16 & 0xff,      \
			VPC_GATEWAY_MAC >> 8 & 0xff, VPC_GATEWAY_MAC & 0xff                                                         \
	}

static __always_inline int put(struct __sk_buff *skb, __u32 at, const void *from, __u32 length)
{
	return bpf_skb_store_bytes(skb, at, from, length, BPF_F_RECOMPUTE_CSUM) ? VPC_DROP_ENCAP_FAILED : 0;
}

#endif
