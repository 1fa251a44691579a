/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The outer UDP destination port of a tunnel packet that leaves for a VTEP on another port than the mux's own. encap.h puts the port
 * into skb->mark, which lives through the vxlan device; here, before large segments are cut, the header is set right.
 */
#ifndef VPC_OUTER_PORT_H
#define VPC_OUTER_PORT_H

#include "ipv6.h"
#include "kernel-skb.h"

/* Where the IP header is: a device without Ethernet headers (WireGuard, tun) has it first. */
static __always_inline __u32 outer_ip(struct __sk_buff *skb)
{
	struct sk_buff *kernel = kernel_skb(skb);

	return BPF_CORE_READ(kernel, network_header) - (BPF_CORE_READ(kernel, data) - BPF_CORE_READ(kernel, head));
}

/* Offset of the UDP header, 0 if there is none (another protocol, a later fragment). */
static __always_inline __u32 outer_udp(struct __sk_buff *skb)
{
	__u32 at = outer_ip(skb);
	struct iphdr ip;
	struct ipv6 ip6;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)) || ip.protocol != IPPROTO_UDP)
			return 0;
		return ip.frag_off & bpf_htons(IPV4_OFFSET) ? 0 : at + ip.ihl * 4;
	}
	if (skb->protocol != bpf_htons(ETH_P_IPV6) || bpf_skb_load_bytes(skb, at, &ip6, sizeof(ip6)))
		return 0;
	return ip6.nexthdr == IPPROTO_UDP ? at + IPV6_HLEN : 0;
}

static __always_inline void rewrite_outer_port(struct __sk_buff *skb, __u16 port)
{
	__be16 wanted = bpf_htons(port);
	__u32 offset = outer_udp(skb);
	struct udp udp;

	if (!offset || bpf_skb_load_bytes(skb, offset, &udp, sizeof(udp)) || udp.dport == wanted)
		return;
	bpf_l4_csum_replace(skb, offset + offsetof(struct udp, check), udp.dport, wanted, sizeof(wanted) | BPF_F_MARK_MANGLED_0);
	bpf_skb_store_bytes(skb, offset + offsetof(struct udp, dport), &wanted, sizeof(wanted), 0);
}

#endif
