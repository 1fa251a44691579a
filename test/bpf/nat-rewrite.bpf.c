// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Rewrites one end of a packet by bpf/lib/nat-rewrite.h, as cb asks: the new address, then its port, 1 << 16 for the
 * destination, 1 << 17 for the port as well. Returns the drop reason, or 0.
 */
#include "lib/inspect.h"
#include "lib/nat-rewrite.h"

SEC("tc")
int rewrite(struct __sk_buff *skb)
{
	struct packet packet = { .hook = HOOK_ETHLINK, .source = VPC_STATS_NONE };
	struct nat_change change = { .address.w = { skb->cb[0], skb->cb[1], skb->cb[2], skb->cb[3] },
				     .port = skb->cb[4],
				     .is_dest = skb->cb[4] >> 16 & 1,
				     .with_port = skb->cb[4] >> 17 & 1 };
	int reason = parse_ethernet(skb, &packet);

	if (!reason)
		reason = inspect(skb, &packet, 0);
	return reason ? reason : nat_rewrite(skb, &packet, &change);
}

char _license[] SEC("license") = "Dual BSD/GPL";
