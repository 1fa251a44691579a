// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * From a wire that has public addresses: ingress of a wrapped interface that a NAT uses, beside vpc_ethlink. Only
 * packets for a public address are ours. All others go on, and so do tagged frames.
 */
#include "lib/vlan.h"
#include "lib/wire-questions.h"

#define TO_THE_HOST TC_ACT_UNSPEC /* other programs on the interface run as well */

SEC("tc")
int vpc_wire(struct __sk_buff *skb)
{
	struct packet packet = { .hook = HOOK_ETHLINK, .source = VPC_STATS_NONE };

	if (!vlan_absent(skb) || parse_ethernet(skb, &packet))
		return TO_THE_HOST;
	if (skb->pkt_type != PACKET_HOST && !mac_is_multicast(packet.dmac))
		return TO_THE_HOST;
	if (answer_wire(skb, &packet))
		return send_back_action(skb);
	return TO_THE_HOST;
}

char _license[] SEC("license") = "Dual BSD/GPL";
