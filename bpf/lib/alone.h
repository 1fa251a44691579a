/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * TCP bulk data that arrives as single packets: an interface without segmentation offloads sent it, and no interface
 * that coalesces received it. Building large segments again saves more than the direct way does. The kernel builds them
 * in two queues: that of a container's veth (src/datapath/device/coalesce.ts), and for other units that of the vxlan
 * device. While such a run lasts, all TCP of this sender and receiver takes the queue. Outside of it, small packets
 * would overtake.
 */
#ifndef VPC_ALONE_H
#define VPC_ALONE_H

#include "incoming.h"

#define ALONE_LENGTH (1200u + VXLAN_FRAME_LEN) /* of a packet that bulk is made of */
#define ALONE_RUN 8                            /* packets in a row without a large segment between them */
#define ALONE_FRESH 50000000ull                /* ns without one: the run is over, and its queue is empty */

static __always_inline bool inner_is_tcp(struct __sk_buff *skb, const struct vxlan_frame *frame)
{
	__u32 offset = VXLAN_FRAME_LEN + (frame->inner.h_proto == bpf_htons(ETH_P_IP) ? 9 : 6);
	__u8 proto;

	return !bpf_skb_load_bytes(skb, offset, &proto, sizeof(proto)) && proto == IPPROTO_TCP;
}

/* The packet should take a queue. */
static __always_inline bool is_alone(struct __sk_buff *skb, const struct vxlan_frame *frame, struct incoming *known)
{
	__u64 now;

	if (skb->gso_size) {
		known->run = 0;
		return false;
	}
	if (!known->run && skb->len < ALONE_LENGTH)
		return false;
	if (!inner_is_tcp(skb, frame))
		return false;
	now = bpf_ktime_get_coarse_ns();
	if (now - known->run_ns > ALONE_FRESH)
		known->run = 0;
	if (skb->len >= ALONE_LENGTH) {
		known->run_ns = now;
		if (known->run < ALONE_RUN)
			known->run++;
	}
	return known->run >= ALONE_RUN;
}

#endif
