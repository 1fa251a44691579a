// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Decapsulation at the underlay's interface: VXLAN packets for units of this host go to them at once, past the host's
 * stack and the vxlan device. The checks are those of vpc_mux.
 *
 * The program leaves unusual packets to the stack and vpc_mux: outer IPv6, fragments, options, UDP checksums that
 * nobody has verified, a congestion mark, inner packets that are not unicast IP, that have no unit here or do not fit;
 * and all packets of VTEPs whose packets have not passed the stack lately (see path.h). It drops only frames for units
 * of this host.
 */
#include "lib/alone.h"
#include "lib/decap-direct.h"
#include "lib/forward.h"
#include "lib/inspect.h"
#include "lib/watch.h"

#define TO_THE_STACK TC_ACT_UNSPEC

/* Decapsulates the frame and delivers it; `alone`: see alone.h. */
static __always_inline int take(struct __sk_buff *skb, const struct vxlan_frame *frame, const struct incoming *known, bool alone)
{
	struct packet packet = { .hook = HOOK_MUX, .source = known->stats, .segment = bpf_ntohl(frame->vni) >> 8 };
	int reason;

	if (!decap_direct(skb, frame))
		return TO_THE_STACK;
	count_rx(packet.source, skb->len);
	reason = parse_ethernet(skb, &packet);
	if (!reason)
		reason = inspect(skb, &packet, 0);
	if (unlikely(!reason && is_guarded(&known->dst)))
		reason = check_groups(skb, &packet, known->dst.stats, VPC_IN);
	if (reason)
		return drop(skb, &packet, reason);
	if (known->watched)
		watch(skb, &packet);
	return alone ? deliver_queued(skb, &packet, &known->dst) : deliver_fitting(skb, &packet, &known->dst);
}

SEC("tc")
int vpc_underlay(struct __sk_buff *skb)
{
	struct vxlan_frame frame;
	struct incoming *known;
	bool alone;

	if (skb->pkt_type != PACKET_HOST || skb->protocol != bpf_htons(ETH_P_IP) || skb->len < VXLAN_FRAME_LEN)
		return TO_THE_STACK;
	if ((skb->mark & VPC_MARK_MASK) == VPC_MARK_HEARD || !read_frame(skb, &frame))
		return TO_THE_STACK;
	known = incoming_of(skb, &frame);
	if (!known || !can_have(skb, &frame, &known->dst))
		return TO_THE_STACK;
	alone = is_alone(skb, &frame, known);
	if (alone && !(known->dst.flags & VPC_DST_PEER))
		return TO_THE_STACK;
	return take(skb, &frame, known, alone);
}

char _license[] SEC("license") = "Dual BSD/GPL";
