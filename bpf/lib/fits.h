/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whether a packet fits a way, and how long large segments really are. */
#ifndef VPC_FITS_H
#define VPC_FITS_H

#include "packet.h"

#define GSO_BY_FRAGS 0xffff /* gso_size of SCTP, whose segments are whole packets that fit already */

/* The largest layer 3 packet that a segment of this large one will be. UDP's own header is left out: it may be one to be fragmented. */
static __always_inline __u32 segment_length(struct __sk_buff *skb, const struct packet *packet)
{
	__u32 length = packet->upper - ETH_HLEN + skb->gso_size;
	__u8 doff;

	if (packet->proto != IPPROTO_TCP || bpf_skb_load_bytes(skb, packet->upper + 12, &doff, 1))
		return length;
	return length + (doff >> 4) * 4;
}

/* Whether the packet fits into `mtu`, a large segment by what it will be cut into. */
static __always_inline bool fits(struct __sk_buff *skb, const struct packet *packet, __u32 mtu)
{
	if (!mtu || packet->l3_len <= mtu)
		return true;
	if (!skb->gso_size || !packet->upper)
		return false;
	return skb->gso_size == GSO_BY_FRAGS || segment_length(skb, packet) <= mtu;
}

#endif
