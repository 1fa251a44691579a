/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whether a packet fits an MTU, and how long the segments of a large packet will be. */
#ifndef VPC_FITS_H
#define VPC_FITS_H

#include "kernel-skb.h"
#include "packet.h"

#define GSO_BY_FRAGS 0xffff /* gso_size of SCTP, whose segments are whole packets that fit already */

/* The length of the header that each segment gets a copy of, by the packet's gso_type; `offset`: where it begins. */
static __always_inline __u32 segment_header(struct __sk_buff *skb, __u32 type, __u32 offset)
{
	__u8 doff;

	if (type & SKB_GSO_UDP_L4)
		return 8;
	if (!(type & (SKB_GSO_TCPV4 | SKB_GSO_TCPV6)) || bpf_skb_load_bytes(skb, offset + 12, &doff, 1))
		return 0;
	return (doff >> 4) * 4;
}

/* Where the header begins that each segment gets a copy of: in a tunnel of the sender's own, the inner packet's. */
static __always_inline __u32 segment_header_offset(struct __sk_buff *skb, const struct packet *packet, __u32 type)
{
	struct sk_buff *kernel = kernel_skb(skb);
	__u32 inner = offset_in(kernel, kernel->inner_transport_header);

	/* A packet that left our own tunnel by the direct way has the tunnel's type, but no inner header. */
	return type & SKB_GSO_OF_TUNNEL && inner > packet->upper && inner < skb->len ? inner : packet->upper;
}

/*
 * The largest layer 3 packet that a segment of this large one will be. Each segment gets all headers that precede its
 * own.
 */
static __noinline optional __u32 segment_length(struct __sk_buff *skb, const struct packet *packet)
{
	__u32 type = gso_type(kernel_skb(skb)), offset;

	if (!type)
		type = packet->proto == IPPROTO_TCP ? SKB_GSO_TCPV4 : SKB_GSO_UDP_L4;
	offset = segment_header_offset(skb, packet, type);
	return offset - ETH_HLEN + segment_header(skb, type, offset) + skb->gso_size;
}

/* Whether the packet fits into `mtu`; for a large packet, whether its segments will. */
static __always_inline bool fits(struct __sk_buff *skb, const struct packet *packet, __u32 mtu)
{
	if (likely(!mtu || packet->l3_len <= mtu))
		return true;
	if (!skb->gso_size || !packet->upper)
		return false;
	return skb->gso_size == GSO_BY_FRAGS || segment_length(skb, packet) <= mtu;
}

#endif
