// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <linux/pkt_cls.h>
#include "lib/maps.h"

const volatile __u32 vpc_drop_events_per_second = 20;
const volatile __u32 vpc_miss_events_per_second = 100;

SEC("tc")
int vpc_ethlink(struct __sk_buff *skb)
{
	__u32 key = skb->ifindex + vpc_drop_events_per_second + vpc_miss_events_per_second;

	return bpf_map_lookup_elem(&ports, &key) && bpf_map_lookup_elem(&fdb, &key) && bpf_map_lookup_elem(&flood, &key) ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";

SEC("tc")
int vpc_ethlink_out(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}
