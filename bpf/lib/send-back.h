/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Sends an answer back to the asker. */
#ifndef VPC_SEND_BACK_H
#define VPC_SEND_BACK_H

#include "count.h"
#include "encap.h"
#include "fdb.h"
#include "packet.h"

/*
 * The forwarding table knows the port of the sender's VTEP. For an unknown sender the program assumes the mux's port.
 */
static __always_inline bool tunnel_back(struct __sk_buff *skb, const struct packet *packet)
{
	struct vpc_dst dst;

	if (fdb_lookup(packet->segment, packet->smac, &dst) && dst.kind == VPC_DST_REMOTE && dst.ifindex == skb->ifindex)
		return encap_prepare(skb, packet->segment, &dst);
	return !encap_back(skb);
}

/*
 * The packet has become the answer. Gives it the tag or the tunnel key of the way back. Returns a drop reason or 0: the
 * program then returns send_back_action, which redirects it to the device that received it.
 */
static __noinline int send_back(struct __sk_buff *skb, const struct packet *packet)
{
	if (packet->hook == HOOK_MUX && !tunnel_back(skb, packet))
		return VPC_DROP_ENCAP_FAILED;
	if (packet->vlan && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), packet->vlan))
		return VPC_DROP_ENCAP_FAILED;
	if (packet->hook == HOOK_UNIT)
		skb->mark = VPC_MARK_UNIT;
	note(skb, VPC_VERDICT_ANSWER, skb->ifindex);
	return 0;
}

static __always_inline int send_back_action(struct __sk_buff *skb)
{
	return bpf_redirect(skb->ifindex, 0);
}

#endif
