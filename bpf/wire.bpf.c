// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * From a wire that has public addresses: ingress of a wrapped interface that a NAT uses, beside vpc_ethlink. Only
 * packets for a public address are ours. All others go on, and so do tagged frames.
 */
#include "lib/inspect.h"
#include "lib/nat-enter.h"
#include "lib/vlan.h"
#include "lib/wire-questions.h"

#define TO_THE_HOST TC_ACT_UNSPEC /* other programs on the interface run as well */

SEC("tc")
int vpc_wire(struct __sk_buff *skb)
{
	struct packet packet = { .hook = HOOK_ETHLINK, .source = VPC_STATS_NONE };
	int reason;

	if (!vlan_absent(skb) || parse_ethernet(skb, &packet))
		return TO_THE_HOST;
	if (skb->pkt_type != PACKET_HOST && !mac_is_multicast(packet.dmac))
		return TO_THE_HOST;
	if (answer_wire(skb, &packet))
		return send_back_action(skb);
	if (!linear(skb, ETH_HLEN + IPV6_HLEN) && packet.type == ETH_P_IPV6)
		return TO_THE_HOST;
	if (mac_is_multicast(packet.dmac) || !is_public(skb, &packet, &packet.source))
		return TO_THE_HOST;
	count_rx(packet.source, skb->len);
	reason = inspect(skb, &packet, 0);
	return reason ? drop(skb, &packet, reason) : enter_by_nat(skb, &packet);
}

char _license[] SEC("license") = "Dual BSD/GPL";
