/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Unicast: finds the destination of a frame and sends it there. */
#ifndef VPC_FORWARD_H
#define VPC_FORWARD_H

#include "encap.h"
#include "event.h"
#include "fdb.h"
#include "limit.h"
#include "groups.h"
#include "too-big.h"
#include "tunnel-end.h"

/*
 * Redirects straight into the namespace of a veth's other end, past its queue. The sender's side has marked the frame
 * as for another host, because its destination is not the MAC of the device that received it. Kernels before 6.16 leave
 * that mark.
 */
static __always_inline int redirect_peer(struct __sk_buff *skb, __u32 ifindex)
{
	if (skb->pkt_type != PACKET_HOST)
		bpf_skb_change_type(skb, PACKET_HOST);
	return bpf_redirect_peer(ifindex, 0);
}

static __always_inline void note_sent(struct __sk_buff *skb, const struct vpc_dst *dst, __u32 ifindex)
{
	note(skb, VPC_VERDICT_FORWARD, ifindex);
	skb->cb[VPC_CB_STATS] = dst->stats;
	skb->cb[VPC_CB_KIND] = dst->kind;
}

/* Sends a finished packet to a device, for a destination; `length`: of the frame, without a tunnel. */
static __always_inline int send(struct __sk_buff *skb, const struct packet *packet, const struct vpc_dst *dst, __u32 ifindex, __u32 length)
{
	if (unlikely(dst->vlan) && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), dst->vlan))
		return drop(skb, packet, VPC_DROP_ENCAP_FAILED);
	count_tx(dst->stats, length);
	note_sent(skb, dst, ifindex);
	return dst->flags & VPC_DST_PEER ? redirect_peer(skb, ifindex) : bpf_redirect(ifindex, 0);
}

/* What a destination is, from its kind to its tag, in one word. */
static __always_inline __u32 head_of(const struct vpc_dst *dst)
{
	__u32 head;

	__builtin_memcpy(&head, dst, sizeof(head));
	return head;
}

/* A unit for which there is nothing more to do: no limit, no groups, no tag. Most are. */
static __always_inline bool is_plain_unit(const struct vpc_dst *dst)
{
	const struct vpc_dst plain = { .kind = VPC_DST_LOCAL }, peer = { .flags = VPC_DST_PEER };

	return likely((head_of(dst) & ~head_of(&peer)) == head_of(&plain));
}

/* Sends the packet to such a unit. The mark belongs to the namespace that it leaves; the unit's device expects ours. */
static __always_inline int deliver_plain(struct __sk_buff *skb, const struct vpc_dst *dst)
{
	count_tx(dst->stats, skb->len);
	note_sent(skb, dst, dst->ifindex);
	if (likely(dst->flags & VPC_DST_PEER)) {
		skb->mark = 0;
		return redirect_peer(skb, dst->ifindex);
	}
	skb->mark = VPC_MARK_UNIT;
	return bpf_redirect(dst->ifindex, 0);
}

/* Sends the packet to a unit that it fits. */
static __always_inline int deliver_fitting(struct __sk_buff *skb, struct packet *packet, const struct vpc_dst *dst)
{
	int reason;

	if (is_plain_unit(dst))
		return deliver_plain(skb, dst);
	reason = unlikely(dst->flags & VPC_DST_LIMITED) ? limit_in(skb, packet, dst->stats) : 0;
	if (reason)
		return drop(skb, packet, reason);
	skb->mark = dst->kind == VPC_DST_LOCAL && !(dst->flags & VPC_DST_PEER) ? VPC_MARK_UNIT : 0;
	return send(skb, packet, dst, dst->ifindex, skb->len);
}

/* The same, through the queue of the unit's veth, where the kernel builds large segments of small ones. */
static __always_inline int deliver_queued(struct __sk_buff *skb, struct packet *packet, const struct vpc_dst *dst)
{
	struct vpc_dst queued = *dst;

	queued.flags &= ~VPC_DST_PEER;
	return deliver_fitting(skb, packet, &queued);
}

/* The unit's port is in security groups. */
static __always_inline bool is_guarded(const struct vpc_dst *dst)
{
	return dst->flags & VPC_DST_POLICY && dst->kind == VPC_DST_LOCAL;
}

/* Sends the packet to a unit or the uplink, or drops it. */
static __always_inline int deliver_here(struct __sk_buff *skb, struct packet *packet, const struct vpc_dst *dst)
{
	int reason;

	if (unlikely(dst->ifindex == skb->ifindex))
		return drop(skb, packet, VPC_DROP_HAIRPIN);
	if (is_plain_unit(dst) && fits(skb, packet, dst->mtu))
		return deliver_plain(skb, dst);
	if (unlikely(dst->kind == VPC_DST_UPLINK) && is_for_vtep(skb, dst->ifindex))
		return drop(skb, packet, VPC_DROP_NOT_FROM_MUX);
	if (!fits(skb, packet, dst->mtu))
		return too_big(skb, packet, dst->mtu);
	reason = unlikely(is_guarded(dst)) ? check_groups(skb, packet, dst->stats, VPC_IN) : 0;
	return reason ? drop(skb, packet, reason) : deliver_fitting(skb, packet, dst);
}

/* Sends the packet to a VTEP, or drops it. */
static __always_inline int deliver_remote(struct __sk_buff *skb, struct packet *packet, const struct vpc_dst *dst, struct way way)
{
	__u32 ifindex, length = skb->len;

	if (!fits(skb, packet, dst->mtu))
		return too_big(skb, packet, dst->mtu);
	ifindex = encap(skb, packet, dst, way);
	return ifindex ? send(skb, packet, dst, ifindex, length) : drop(skb, packet, VPC_DROP_ENCAP_FAILED);
}

#endif
