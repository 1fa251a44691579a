/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Neighbour discovery, RFC 4861, and duplicate address detection, RFC 4862. */
#ifndef VPC_ND_H
#define VPC_ND_H

#include "antispoof.h"
#include "checksum.h"
#include "send-back.h"
#include "udp.h"

#define MLD_QUERY 130
#define MLD_REPORT 131
#define MLD_DONE 132
#define ROUTER_SOLICITATION 133
#define ROUTER_ADVERTISEMENT 134
#define NEIGHBOUR_SOLICITATION 135
#define NEIGHBOUR_ADVERTISEMENT 136
#define REDIRECT 137
#define MLDV2_REPORT 143
#define MULTICAST_ROUTER_ADVERTISEMENT 151 /* RFC 4286, as the next */
#define MULTICAST_ROUTER_TERMINATION 153

#define ND_OPTIONS 8 /* in one message; more of them are dropped as malformed */
#define OPTION_SOURCE_LLADDR 1
#define OPTION_TARGET_LLADDR 2
#define NA_ROUTER 0x80000000
#define NA_SOLICITED 0x40000000
#define NA_OVERRIDE 0x20000000
#define ND_HOP_LIMIT 255

struct nd {
	__u8 type, code;
	__be16 check;
	__be32 flags;
	struct address target;
};

struct nd_option {
	__u8 type, len; /* len in units of 8 bytes */
	__u8 lladdr[6];
};

struct na_frame {
	__u8 dmac[6], smac[6];
	__be16 type;
	__be32 version_class_flow;
	__be16 payload_len;
	__u8 nexthdr, hop_limit;
	struct address saddr, daddr;
	struct nd nd;
	struct nd_option option;
} __attribute__((packed, aligned(2)));

/* Every link-layer address option must be the sender's own MAC. Returns a drop reason or 0. */
static __noinline int check_options(struct __sk_buff *skb, struct packet *packet, __u32 offset, __u32 end)
{
	struct nd_option option;

	for (int i = 0; i < ND_OPTIONS && offset < end; i++) {
		if (offset + sizeof(option) > end || bpf_skb_load_bytes(skb, offset, &option, sizeof(option)) || !option.len)
			return VPC_DROP_MALFORMED;
		if (option.type == OPTION_SOURCE_LLADDR || option.type == OPTION_TARGET_LLADDR) {
			if (ipv6_is_unspecified(&packet->asker))
				return VPC_DROP_MALFORMED;
			if (packet->flags & VPC_PORT_ANTISPOOF && !mac_equal(mac_at(option.lladdr), packet->own))
				return VPC_DROP_ND_SPOOF;
			packet->foreign_lladdr |= !mac_equal(mac_at(option.lladdr), packet->smac);
		}
		offset += option.len * 8;
	}
	return offset == end ? 0 : VPC_DROP_MALFORMED;
}

/*
 * The sender speaks for itself: it advertises an address that it may claim, or asks from one, or asks before it has
 * one.
 */
static __always_inline bool is_honest_nd(const struct packet *packet, const struct address *target)
{
	if (packet->announcement)
		return is_honest_claim(packet, target);
	return ipv6_is_unspecified(&packet->asker) || is_honest_claim(packet, &packet->asker);
}

/* Checks a solicitation or advertisement, and finds what it asks or announces. Returns a drop reason or 0. */
static __noinline int inspect_nd(struct __sk_buff *skb, struct packet *packet)
{
	struct nd nd;
	int reason;

	if (packet->upper_len < sizeof(nd) || bpf_skb_load_bytes(skb, packet->upper, &nd, sizeof(nd)))
		return VPC_DROP_MALFORMED;
	if (nd.code || ipv6_is_multicast(&nd.target))
		return VPC_DROP_MALFORMED;
	reason = check_options(skb, packet, packet->upper + sizeof(nd), packet->upper + packet->upper_len);
	if (reason)
		return reason;
	packet->announcement = nd.type == NEIGHBOUR_ADVERTISEMENT;
	if (!is_honest_nd(packet, &nd.target))
		return VPC_DROP_ND_SPOOF;
	if (!is_question(packet))
		return 0;
	packet->question = QUESTION_ND;
	packet->target = nd.target;
	return 0;
}

/*
 * Checks ICMPv6. *starting: a host sends this before it has an address. A neighbour discovery message is not fragmented
 * (RFC 6980) and comes straight from its sender. Returns a drop reason or 0.
 */
standalone int inspect_icmpv6(struct __sk_buff *skb, struct packet *packet, bool *starting)
{
	const __u32 hop_limit_at = ETH_HLEN + 7;
	__u8 type, hop_limit;

	if (!packet || !starting || bpf_skb_load_bytes(skb, packet->upper, &type, 1) || bpf_skb_load_bytes(skb, hop_limit_at, &hop_limit, 1))
		return VPC_DROP_MALFORMED;
	*starting = type == MLD_REPORT || type == MLD_DONE || type == MLDV2_REPORT || type == ROUTER_SOLICITATION ||
		    type == NEIGHBOUR_SOLICITATION;
	if (type == MLD_QUERY || type == MULTICAST_ROUTER_ADVERTISEMENT || type == MULTICAST_ROUTER_TERMINATION)
		return packet->flags & VPC_PORT_ANTISPOOF ? VPC_DROP_MULTICAST_QUERY : 0;
	if (type < ROUTER_SOLICITATION || type > REDIRECT)
		return 0;
	if (type == ROUTER_ADVERTISEMENT || type == REDIRECT)
		return packet->flags & VPC_PORT_ANTISPOOF ? VPC_DROP_RA_SPOOF : 0;
	if (!packet->whole || hop_limit != ND_HOP_LIMIT)
		return VPC_DROP_MALFORMED;
	if (type == ROUTER_SOLICITATION) {
		if (is_question(packet))
			packet->question = QUESTION_ROUTER;
		return check_options(skb, packet, packet->upper + 8, packet->upper + packet->upper_len);
	}
	return inspect_nd(skb, packet);
}

/* A host that clears the router flag of an address stops sending by it. */
static __always_inline __u32 na_flags(bool probe, const struct mac *owner)
{
	return NA_OVERRIDE | (probe ? 0 : NA_SOLICITED) | (is_gateway_mac(*owner) ? NA_ROUTER : 0);
}

/* Turns a solicitation into the advertisement. Returns a drop reason or 0. */
static __noinline optional int reply_nd(struct __sk_buff *skb, struct packet *packet, const struct mac *owner)
{
	const __u32 length = sizeof(struct nd) + sizeof(struct nd_option);
	bool probe = ipv6_is_unspecified(&packet->asker);
	struct na_frame frame = {
		.type = bpf_htons(ETH_P_IPV6),
		.version_class_flow = bpf_htonl(0x60000000),
		.payload_len = bpf_htons(length),
		.nexthdr = IPPROTO_ICMPV6,
		.hop_limit = ND_HOP_LIMIT,
		.nd = { .type = NEIGHBOUR_ADVERTISEMENT, .flags = bpf_htonl(na_flags(probe, owner)) },
		.option = { .type = OPTION_TARGET_LLADDR, .len = 1 },
	};
	struct address all_nodes = { { bpf_htonl(0xff020000), 0, 0, bpf_htonl(1) } };
	struct mac all_nodes_mac = { { bpf_htons(0x3333), 0, bpf_htons(1) } };
	struct address daddr = probe ? all_nodes : packet->asker;
	__u32 sum;

	if (bpf_skb_change_tail(skb, sizeof(frame), 0))
		return VPC_DROP_ENCAP_FAILED;
	*(struct mac *)frame.dmac = probe ? all_nodes_mac : packet->smac;
	*(struct mac *)frame.smac = *owner;
	*(struct mac *)frame.option.lladdr = *owner;
	frame.saddr = packet->target;
	frame.daddr = daddr;
	frame.nd.target = packet->target;
	sum = sum_pseudo_ipv6(&packet->target, &daddr, length, IPPROTO_ICMPV6);
	frame.nd.check = ~fold(sum_bytes(&frame.nd, length, sum));
	return bpf_skb_store_bytes(skb, 0, &frame, sizeof(frame), BPF_F_RECOMPUTE_CSUM) ? VPC_DROP_ENCAP_FAILED : 0;
}

#endif
