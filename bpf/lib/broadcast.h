/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Broadcast and multicast from a guest or the tunnel: answered, ignored, flooded or dropped. */
#ifndef VPC_BROADCAST_H
#define VPC_BROADCAST_H

#include "answer.h"
#include "flood.h"

static __always_inline int broadcast(struct __sk_buff *skb, struct packet *packet)
{
	int outcome = answer(skb, packet);

	if (outcome == OUTCOME_ANSWERED)
		return send_back_action(skb);
	if (outcome == OUTCOME_SILENCE)
		return TC_ACT_SHOT;
	if (outcome == OUTCOME_BROADCAST)
		outcome = flood_packet(skb, packet);
	return outcome ? drop(skb, packet, outcome) : TC_ACT_SHOT;
}

#endif
