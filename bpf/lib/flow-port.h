/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The outer UDP source port of a flow, RFC 7348 section 5. It is derived from the flow's hash, so it is the same by
 * every way that a packet leaves.
 */
#ifndef VPC_FLOW_PORT_H
#define VPC_FLOW_PORT_H

#include <linux/ipv6.h>
#include "kernel-skb.h"
#include "packet.h"

/* The range of source ports of the mux's device. */
#define PORT_MIN 49152u
#define PORT_MAX 65535u

static __always_inline __be16 source_port(__u32 hash)
{
	hash ^= hash << 16;
	return bpf_htons((__u16)((((__u64)hash * (PORT_MAX - PORT_MIN)) >> 32) + PORT_MIN));
}

/* The flow's hash. Computing it is a call, and most packets bring it along. */
static __always_inline __u32 flow_hash(struct __sk_buff *skb)
{
	struct sk_buff *kernel = kernel_skb(skb);

	if (BPF_CORE_READ_BITFIELD(kernel, l4_hash) || BPF_CORE_READ_BITFIELD(kernel, sw_hash))
		return skb->hash;
	return bpf_get_hash_recalc(skb);
}

/*
 * Keeps the hash through the mux's device. The device discards a hash that was not derived from ports, but keeps one
 * that this helper set. So packets that leave by the device get a source port of the same hash.
 */
static __always_inline void keep_flow_hash(struct __sk_buff *skb)
{
	__u32 hash = flow_hash(skb);

	if (hash)
		bpf_set_hash(skb, hash);
}

/*
 * The mux's device will derive the hash from the packet's ports, and so keep it: TCP or UDP right behind an IP header.
 * Two ports of 0 count as none.
 */
static __always_inline bool device_hashes_ports(struct __sk_buff *skb, const struct packet *packet)
{
	__u32 *ports = (void *)(long)skb->data + (packet->upper & 0xff);

	if (!packet->whole || (packet->proto != IPPROTO_TCP && packet->proto != IPPROTO_UDP) || packet->upper > 0xff)
		return false;
	if (packet->type == ETH_P_IPV6 && packet->upper != ETH_HLEN + sizeof(struct ipv6hdr))
		return false;
	return (void *)(ports + 1) <= (void *)(long)skb->data_end && *ports;
}

/* The same for a single packet, so that nobody computes its hash twice. */
static __always_inline void keep_own_flow_hash(struct __sk_buff *skb, const struct packet *packet)
{
	struct sk_buff *kernel = kernel_skb(skb);

	if (!BPF_CORE_READ_BITFIELD(kernel, l4_hash) && !device_hashes_ports(skb, packet))
		keep_flow_hash(skb);
}

/* The hash that was kept; 0: none. */
static __always_inline optional __u32 kept_flow_hash(struct __sk_buff *skb)
{
	struct sk_buff *kernel = kernel_skb(skb);

	return BPF_CORE_READ_BITFIELD(kernel, l4_hash) ? skb->hash : 0;
}

#endif
