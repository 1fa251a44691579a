/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The outer UDP ports of a tunnel packet that the mux's device made. Both are set here, before large segments are cut.
 *
 * The destination port: a VTEP may have another port than the mux. encap.h puts it into skb->mark, which survives the
 * device. The source port: kernels derive different ports from one hash (7.3 others than 6.18), but a flow must have
 * one port, with the device and without.
 */
#ifndef VPC_OUTER_PORT_H
#define VPC_OUTER_PORT_H

#include "flow-port.h"
#include "ipv6.h"
#include "kernel-skb.h"

/* Where the IP header begins: at 0 on a device without Ethernet headers (WireGuard, tun). */
static __always_inline __u32 outer_ip(struct __sk_buff *skb)
{
	struct sk_buff *kernel = kernel_skb(skb);

	return offset_in(kernel, kernel->network_header);
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

/* Writes one of the two ports. */
static __always_inline void set_outer_port(struct __sk_buff *skb, __u32 header, __u32 field, __be16 from, __be16 to)
{
	if (from == to)
		return;
	bpf_l4_csum_replace(skb, header + offsetof(struct udp, check), from, to, sizeof(to) | BPF_F_MARK_MANGLED_0);
	bpf_skb_store_bytes(skb, header + field, &to, sizeof(to), 0);
}

/* Writes both ports. `port`: the VTEP's, 0: the mux's own, which the header has. */
static __always_inline void rewrite_outer_ports(struct __sk_buff *skb, __u16 port)
{
	__u32 header = outer_udp(skb), hash = kept_flow_hash(skb);
	struct udp udp;

	if (!header || bpf_skb_load_bytes(skb, header, &udp, sizeof(udp)))
		return;
	if (port)
		set_outer_port(skb, header, offsetof(struct udp, dport), udp.dport, bpf_htons(port));
	if (hash)
		set_outer_port(skb, header, offsetof(struct udp, sport), udp.sport, source_port(hash));
}

#endif
