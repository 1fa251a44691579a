// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Decapsulation at the underlay's interface: VXLAN packets that are for a unit of this host go to it at once, past the host's stack and
 * the vxlan device. The checks are vpc_mux's.
 *
 * Whatever is out of the ordinary is left as it is, to the stack and vpc_mux: IPv6 outside, fragments, options, UDP checksums that nobody has
 * verified, a congestion mark, inner packets that are not IP unicast, that have no unit here or do not fit; and all VTEPs that have not been heard lately by way
 * of the stack (see path.h). Nothing is dropped or answered here but what a unit's frame is dropped for.
 */
#include "lib/decap-direct.h"
#include "lib/forward.h"
#include "lib/receive.h"

#define TO_THE_STACK TC_ACT_UNSPEC

/* Takes the frame out of the tunnel and delivers it. */
static __always_inline int take(struct __sk_buff *skb, const struct vpc_mux *mux, const struct vxlan_frame *frame, const struct vpc_dst *dst)
{
	struct packet packet = { .hook = HOOK_MUX, .source = mux->stats, .segment = bpf_ntohl(frame->vni) >> 8 };
	int reason;

	if (!decap_direct(skb, frame))
		return TO_THE_STACK;
	count_rx(packet.source, skb->len);
	reason = receive(skb, &packet);
	return reason ? drop(skb, &packet, reason) : deliver_fitting(skb, &packet, dst);
}

SEC("tc")
int vpc_underlay(struct __sk_buff *skb)
{
	struct vxlan_frame frame;
	struct vpc_dst *dst;
	struct vpc_mux *mux;

	if (skb->pkt_type != PACKET_HOST || skb->protocol != bpf_htons(ETH_P_IP) || skb->len < VXLAN_FRAME_LEN)
		return TO_THE_STACK;
	mux = read_outer(skb, &frame);
	if (!mux)
		return TO_THE_STACK;
	dst = unit_of(skb, &frame);
	if (!dst || !is_heard(skb, mux, frame.ip.saddr))
		return TO_THE_STACK;
	return take(skb, mux, &frame, dst);
}

char _license[] SEC("license") = "Dual BSD/GPL";
