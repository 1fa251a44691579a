/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Packets that do not fit where they are bridged to; the error comes as if from whom they are for. */
#ifndef VPC_TOO_BIG_H
#define VPC_TOO_BIG_H

#include "fits.h"
#include "icmp-error.h"

/* The ICMP error for a packet that does not fit into `mtu`. */
static __always_inline struct icmp_error too_big_error(const struct packet *packet, __u32 mtu)
{
	if (packet->type == ETH_P_IP)
		return (struct icmp_error){ .type = ICMP_UNREACHABLE, .code = ICMP_FRAG_NEEDED, .mtu = bpf_htonl(mtu & 0xffff) };
	return (struct icmp_error){ .type = ICMPV6_TOO_BIG, .mtu = bpf_htonl(mtu) };
}

/* Drops a packet that does not fit into `mtu`. Sends its sender an error instead, if one may be sent. */
standalone int too_big(struct __sk_buff *skb, struct packet *packet, __u32 mtu)
{
	struct icmp_error error;

	if (!packet)
		return TC_ACT_SHOT;
	error = too_big_error(packet, mtu);
	return drop_with_error(skb, packet, VPC_DROP_TOO_BIG, &error);
}

#endif
