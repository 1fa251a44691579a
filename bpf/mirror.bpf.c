// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Ingress of a mirror, the device on which a sniffer watches a switch or an ethlink: lib/watch.h puts copies of frames
 * there. A sniffer sees them before this program runs. The program drops them, so that nothing else on the host gets
 * them.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int vpc_mirror(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_SHOT;
}

char _license[] SEC("license") = "Dual BSD/GPL";
