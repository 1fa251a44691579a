// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Source NAT alone, by bpf/lib/nat-source.h: a packet of NAT cb[0] and VPC cb[1] that goes out, and one that comes in.
 * Both return the drop reason, or 0.
 */
#include "lib/inspect.h"
#include "lib/nat-source.h"

static __always_inline int translate(struct __sk_buff *skb, bool in)
{
	struct packet packet = { .hook = HOOK_ETHLINK, .source = VPC_STATS_NONE };
	struct nat_change change = {};
	int reason = parse_ethernet(skb, &packet);

	if (!reason)
		reason = inspect(skb, &packet, 0);
	if (!reason)
		reason = in ? nat_dest(skb, &packet, &change, skb->cb[0], skb->cb[1]) : nat_source(skb, &packet, &change, skb->cb[0], skb->cb[1]);
	return reason ? reason : nat_rewrite(skb, &packet, &change);
}

SEC("tc")
int nat_out(struct __sk_buff *skb)
{
	return translate(skb, false);
}

SEC("tc")
int nat_in(struct __sk_buff *skb)
{
	return translate(skb, true);
}

char _license[] SEC("license") = "Dual BSD/GPL";
