/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ARP for IPv4 over Ethernet, RFC 826, and address conflict detection, RFC 5227. */
#ifndef VPC_ARP_H
#define VPC_ARP_H

#include "antispoof.h"
#include "send-back.h"

#define ARP_REQUEST 1
#define ARP_REPLY 2

struct arp {
	__be16 htype, ptype;
	__u8 hlen, plen;
	__be16 op;
	__u8 sha[6], spa[4], tha[6], tpa[4];
};

struct arp_frame {
	__u8 dmac[6], smac[6];
	__be16 type;
	struct arp arp;
} __attribute__((packed, aligned(2)));

static __always_inline __be32 ipv4_at(const __u8 *bytes)
{
	__be32 ipv4;

	__builtin_memcpy(&ipv4, bytes, sizeof(ipv4));
	return ipv4;
}

/* The sender speaks for itself: it names its own MAC, and an address that it may claim, or none when it only asks. */
static __always_inline bool is_honest_arp(const struct packet *packet, const struct arp *arp, const struct address *spa)
{
	if (packet->flags & VPC_PORT_ANTISPOOF && !mac_equal(mac_at(arp->sha), packet->own))
		return false;
	return spa->w[3] ? is_honest_claim(packet, spa) : arp->op == bpf_htons(ARP_REQUEST);
}

/* Checks an ARP packet and finds what it asks. Returns a drop reason or 0. */
standalone int inspect_arp(struct __sk_buff *skb, struct packet *packet)
{
	struct address spa;
	struct arp arp;

	if (!packet || bpf_skb_load_bytes(skb, ETH_HLEN, &arp, sizeof(arp)))
		return VPC_DROP_MALFORMED;
	if (arp.htype != bpf_htons(1) || arp.ptype != bpf_htons(ETH_P_IP) || arp.hlen != 6 || arp.plen != 4)
		return VPC_DROP_MALFORMED;
	if (arp.op != bpf_htons(ARP_REQUEST) && arp.op != bpf_htons(ARP_REPLY))
		return VPC_DROP_MALFORMED;
	spa = address_of_ipv4(ipv4_at(arp.spa));
	packet->target = address_of_ipv4(ipv4_at(arp.tpa));
	packet->announcement = arp.op == bpf_htons(ARP_REPLY) || spa.w[3] == packet->target.w[3];
	packet->foreign_lladdr = !mac_equal(mac_at(arp.sha), packet->smac);
	if (!is_honest_arp(packet, &arp, &spa))
		return VPC_DROP_ARP_SPOOF;
	if (!is_question(packet))
		return 0;
	packet->question = QUESTION_ARP;
	packet->asker = spa;
	if (packet->announcement)
		packet->target = spa;
	return 0;
}

/* Turns a request into the reply. Returns a drop reason or 0. */
static __noinline optional int reply_arp(struct __sk_buff *skb, struct packet *packet, const struct mac *owner)
{
	struct arp_frame frame = {
		.type = bpf_htons(ETH_P_ARP),
		.arp = { bpf_htons(1), bpf_htons(ETH_P_IP), 6, 4, bpf_htons(ARP_REPLY), {}, {}, {}, {} },
	};

	*(struct mac *)frame.dmac = packet->smac;
	*(struct mac *)frame.smac = *owner;
	*(struct mac *)frame.arp.sha = *owner;
	*(struct mac *)frame.arp.tha = packet->smac;
	__builtin_memcpy(frame.arp.spa, &packet->target.w[3], 4);
	__builtin_memcpy(frame.arp.tpa, &packet->asker.w[3], 4);
	return bpf_skb_store_bytes(skb, 0, &frame, sizeof(frame), BPF_F_RECOMPUTE_CSUM) ? VPC_DROP_ENCAP_FAILED : 0;
}

#endif
