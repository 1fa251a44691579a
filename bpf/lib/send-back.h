/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Sends an answer to where its question came from. */
#ifndef VPC_SEND_BACK_H
#define VPC_SEND_BACK_H

#include "count.h"
#include "encap.h"
#include "fdb.h"
#include "packet.h"

/*
 * The forwarding table knows on which port the sender's VTEP listens; a sender that it does not know is taken to use
 * the mux's.
 */
static __always_inline bool tunnel_back(struct __sk_buff *skb, const struct packet *packet)
{
	struct vpc_dst dst;

	if (fdb_lookup(packet->segment, packet->smac, &dst) && dst.kind == VPC_DST_REMOTE && dst.ifindex == skb->ifindex)
		return encap_prepare(skb, packet->segment, &dst);
	return !encap_back(skb);
}

/*
 * The packet has become the answer: gives it the tag or the tunnel key that the way back needs. Returns a drop reason
 * or 0: the program then returns send_back_action, which redirects it to the device that it came in by.
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
