/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Checks whether a packet may be forwarded, and finds what it asks. All hooks do the same checks; for guests, also of
 * their source addresses.
 */
#ifndef VPC_INSPECT_H
#define VPC_INSPECT_H

#include "arp.h"
#include "ipv4.h"
#include "ipv6.h"
#include "offload.h"

static __always_inline int inspect_l3(struct __sk_buff *skb, struct packet *packet, struct senders *last)
{
	switch (packet->type) {
	case ETH_P_IP:
		return inspect_ipv4(skb, packet, last);
	case ETH_P_IPV6:
		return inspect_ipv6(skb, packet, last);
	case ETH_P_ARP:
		return inspect_arp(skb, packet);
	default:
		return packet->hook == HOOK_UNIT && !(packet->flags & VPC_PORT_ETHERTYPES) ? VPC_DROP_ETHERTYPE : 0;
	}
}

/* Checks a packet whose Ethernet header has been parsed; `last`: see struct senders. Returns a drop reason or 0. */
static __always_inline int inspect(struct __sk_buff *skb, struct packet *packet, struct senders *last)
{
	int reason = check_source_mac(skb, packet, last);

	if (!reason)
		reason = inspect_l3(skb, packet, last);
	return reason ? reason : check_offload(skb, packet);
}

#endif
