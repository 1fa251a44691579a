/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Sends an answer to where its question came from. */
#ifndef VPC_SEND_BACK_H
#define VPC_SEND_BACK_H

#include "count.h"
#include "encap.h"
#include "packet.h"

/*
 * The packet has become the answer; `redirect` it to the device that it came in by, with the tag or the tunnel key that the way back
 * needs. Returns a drop reason or 0: the caller returns send_back_action then.
 */
static __noinline int send_back(struct __sk_buff *skb, const struct packet *packet)
{
	if (packet->hook == HOOK_MUX && encap_back(skb))
		return VPC_DROP_ENCAP_FAILED;
	if (packet->vlan && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), packet->vlan))
		return VPC_DROP_ENCAP_FAILED;
	note(skb, VPC_VERDICT_ANSWER, skb->ifindex);
	return 0;
}

static __always_inline int send_back_action(struct __sk_buff *skb)
{
	return bpf_redirect(skb->ifindex, 0);
}

#endif
