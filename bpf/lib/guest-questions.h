/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the gateway of a guest's subnet says to DHCP and router solicitations: an answer, if it has what is asked for.
 * Otherwise the question is a packet like any other; of DHCP, listeners of the switch are told.
 */
#ifndef VPC_GUEST_QUESTIONS_H
#define VPC_GUEST_QUESTIONS_H

#include "answer.h"
#include "dhcp.h"
#include "dhcpv6.h"
#include "router-advert.h"

/*
 * Says what the gateway says to a guest's question. Returns OUTCOME_ANSWERED, OUTCOME_BROADCAST (it says nothing) or a
 * drop reason.
 */
standalone int answer_by_gateway(struct __sk_buff *skb, struct packet *packet)
{
	int served;

	if (!packet)
		return VPC_DROP_MALFORMED;
	if (packet->question == QUESTION_ROUTER)
		served = serve_router(skb, packet);
	else
		served = packet->type == ETH_P_IP ? serve_dhcp(skb, packet) : serve_dhcpv6(skb, packet);
	if (served == NOT_SERVED && packet->question == QUESTION_DHCP)
		report_miss(skb, packet, VPC_EVENT_DHCP);
	if (served == NOT_SERVED)
		return OUTCOME_BROADCAST;
	if (!served)
		served = send_back(skb, packet);
	if (served)
		return served;
	if (packet->flags & VPC_PORT_WATCHED)
		watch_switch(skb, packet);
	count(packet->source, answered);
	return OUTCOME_ANSWERED;
}

#endif
