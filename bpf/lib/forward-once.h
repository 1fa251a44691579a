/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * From the underlay back to the underlay. While a unit moves to another host, or has just moved, other hosts still send
 * its frames here. The entry of its MAC says that this host forwards them to the new host (VPC_DST_FORWARD).
 *
 * A frame is forwarded once. A forwarded frame has an outer TTL above that of every other packet, and routers only
 * decrement it. Otherwise two hosts that point at each other would send a frame back and forth for ever. No frame
 * returns to the host that it came from either.
 */
#ifndef VPC_FORWARD_ONCE_H
#define VPC_FORWARD_ONCE_H

#include "encap.h"
#include "forward.h"
#include "sender.h"

/* Another host has forwarded the packet. */
static __always_inline bool is_forwarded(const struct tunnel *tunnel)
{
	return tunnel->key.tunnel_ttl > TUNNEL_TTL;
}

/* The outer source is the VTEP. */
static __always_inline bool came_from(const struct tunnel *tunnel, const struct vpc_vtep *vtep)
{
	const __u32 *to = (const __u32 *)vtep->addr;
	const __u32 *from = tunnel->key.remote_ipv6;

	if (tunnel->flags & BPF_F_TUNINFO_IPV6)
		return vtep->family == 6 && !((to[0] ^ from[0]) | (to[1] ^ from[1]) | (to[2] ^ from[2]) | (to[3] ^ from[3]));
	return vtep->family == 4 && to[0] == bpf_htonl(tunnel->key.remote_ipv4);
}

/* Why a frame must not be forwarded; 0: it may. */
static __noinline int forward_refusal(struct __sk_buff *skb, const struct vpc_dst *dst)
{
	struct tunnel tunnel = {};

	if (!dst || !decap_read(skb, &tunnel))
		return VPC_DROP_BAD_TUNNEL;
	if (is_forwarded(&tunnel))
		return VPC_DROP_FORWARDED;
	return came_from(&tunnel, &dst->vtep) ? VPC_DROP_HAIRPIN : 0;
}

static __noinline bool encap_onward(struct __sk_buff *skb, __u32 segment, const struct vpc_dst *dst)
{
	return dst && encap_with_ttl(skb, segment, dst, FORWARDED_TTL);
}

static __always_inline int forward_once(struct __sk_buff *skb, struct packet *packet, const struct vpc_dst *dst)
{
	int reason = forward_refusal(skb, dst);

	if (!reason && !fits(skb, packet, dst->mtu))
		return too_big(skb, packet, dst->mtu);
	if (!reason && !encap_onward(skb, packet->segment, dst))
		reason = VPC_DROP_ENCAP_FAILED;
	return reason ? drop(skb, packet, reason) : send(skb, packet, dst, dst->ifindex, skb->len);
}

#endif
