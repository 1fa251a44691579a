/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets that do not fit, and the ICMP error for their sender, RFC 792/1191 and RFC 4443.
 *
 * The program sends no error for an ICMP error, a later fragment, a multicast, or a sender that is no single host. A
 * rate bounds the errors for each source.
 */
#ifndef VPC_TOO_BIG_H
#define VPC_TOO_BIG_H

#include "checksum.h"
#include "event.h"
#include "fits.h"
#include "ipv4.h"
#include "ipv6.h"
#include "partial.h"
#include "send-back.h"

#define QUOTE_IPV4 548  /* the error then has at most 576 bytes, RFC 1812 section 4.3.2.3 */
#define QUOTE_IPV6 1232 /* it then has at most 1280 */
#define ICMP_UNREACHABLE 3
#define ICMP_FRAG_NEEDED 4
#define ICMPV6_TOO_BIG 2
#define ICMPV6_INFORMATIONAL 128
#define TOS_NETWORK_CONTROL 0xc0
#define IPV4_DF 0x4000

struct icmp {
	__u8 type, code;
	__be16 check;
	__be32 mtu; /* RFC 1191: the low 16 bits */
};

struct error_ipv4 {
	__u8 dmac[6], smac[6];
	__be16 type;
	struct iphdr ip;
	struct icmp icmp;
} __attribute__((packed, aligned(2)));

struct error_ipv6 {
	__u8 dmac[6], smac[6];
	__be16 type;
	struct ipv6 ip;
	struct icmp icmp;
} __attribute__((packed, aligned(2)));

#define ROOM_IPV4 (sizeof(struct iphdr) + sizeof(struct icmp))
#define ROOM_IPV6 (sizeof(struct ipv6) + sizeof(struct icmp))

static __always_inline bool icmp_is_error(__u8 type)
{
	return type == ICMP_UNREACHABLE || type == 4 || type == ICMP_REDIRECT || type == 11 || type == 12;
}

/* Whether an error may be sent for this unicast packet at all. */
static __always_inline bool may_answer(struct __sk_buff *skb, const struct packet *packet)
{
	__u8 type;

	if (!packet->upper)
		return false;
	if (packet->proto != (packet->type == ETH_P_IP ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return true;
	if (bpf_skb_load_bytes(skb, packet->upper, &type, 1))
		return false;
	return packet->type == ETH_P_IP ? !icmp_is_error(type) : type >= ICMPV6_INFORMATIONAL;
}

/* Cuts the packet to the quotation, and makes room before it for the error's headers. */
static __noinline bool make_quote(struct __sk_buff *skb, __u32 quote, __u32 room)
{
	if (bpf_skb_change_tail(skb, ETH_HLEN + quote, 0))
		return false;
	settle_partial_checksum(skb, ETH_HLEN + quote);
	return !bpf_skb_adjust_room(skb, room, BPF_ADJ_ROOM_MAC, 0);
}

/* Writes 'fragmentation needed' before the quotation, whose bytes add up to `sum`. Returns a drop reason or 0. */
static __noinline int error_ipv4(struct __sk_buff *skb, struct packet *packet, __u32 mtu, __u32 quote, __u32 sum)
{
	struct error_ipv4 frame = {
		.type = bpf_htons(ETH_P_IP),
		.ip = { .version = 4, .ihl = 5, .tos = TOS_NETWORK_CONTROL, .frag_off = bpf_htons(IPV4_DF), .ttl = 64,
			.protocol = IPPROTO_ICMP, .tot_len = bpf_htons(ROOM_IPV4 + quote) },
		.icmp = { .type = ICMP_UNREACHABLE, .code = ICMP_FRAG_NEEDED, .mtu = bpf_htonl(mtu & 0xffff) },
	};
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, ETH_HLEN + ROOM_IPV4, &ip, sizeof(ip)) || ipv4_is_bogon(ip.saddr) || ipv4_is_bogon(ip.daddr))
		return VPC_DROP_TOO_BIG;
	*(struct mac *)frame.dmac = packet->smac;
	*(struct mac *)frame.smac = packet->dmac;
	frame.ip.saddr = ip.daddr;
	frame.ip.daddr = ip.saddr;
	frame.ip.check = ~fold(sum_bytes(&frame.ip, sizeof(frame.ip), 0));
	frame.icmp.check = ~fold(sum_bytes(&frame.icmp, sizeof(frame.icmp), sum));
	return bpf_skb_store_bytes(skb, 0, &frame, sizeof(frame), BPF_F_RECOMPUTE_CSUM) ? VPC_DROP_TOO_BIG : 0;
}

/* Writes 'packet too big' before the quotation, whose bytes add up to `sum`. Returns a drop reason or 0. */
static __noinline int error_ipv6(struct __sk_buff *skb, struct packet *packet, __u32 mtu, __u32 quote, __u32 sum)
{
	struct error_ipv6 frame = {
		.type = bpf_htons(ETH_P_IPV6),
		.ip = { .version_class_flow = bpf_htonl(0x60000000), .nexthdr = IPPROTO_ICMPV6, .hop_limit = 64 },
		.icmp = { .type = ICMPV6_TOO_BIG, .mtu = bpf_htonl(mtu) },
	};
	__u32 length = sizeof(frame.icmp) + quote;
	struct ipv6 ip;

	if (bpf_skb_load_bytes(skb, ETH_HLEN + ROOM_IPV6, &ip, sizeof(ip)) || ipv6_is_bogon(&ip.saddr) || ipv6_is_bogon(&ip.daddr))
		return VPC_DROP_TOO_BIG;
	*(struct mac *)frame.dmac = packet->smac;
	*(struct mac *)frame.smac = packet->dmac;
	frame.ip.payload_len = bpf_htons(length);
	frame.ip.saddr = ip.daddr;
	frame.ip.daddr = ip.saddr;
	sum += fold(sum_pseudo_ipv6(&ip.daddr, &ip.saddr, length, IPPROTO_ICMPV6));
	frame.icmp.check = ~fold(sum_bytes(&frame.icmp, sizeof(frame.icmp), sum));
	return bpf_skb_store_bytes(skb, 0, &frame, sizeof(frame), BPF_F_RECOMPUTE_CSUM) ? VPC_DROP_TOO_BIG : 0;
}

/* Turns the packet into an ICMP error, if one may be sent. Returns a drop reason or 0. */
static __always_inline int answer_too_big(struct __sk_buff *skb, struct packet *packet, __u32 mtu)
{
	bool v4 = packet->type == ETH_P_IP;
	__u32 most = v4 ? QUOTE_IPV4 : QUOTE_IPV6, quote = packet->l3_len < most ? packet->l3_len : most;
	__u32 room = v4 ? ROOM_IPV4 : ROOM_IPV6, sum, lost;

	if (!v4 && packet->type != ETH_P_IPV6)
		return VPC_DROP_TOO_BIG;
	if (!may_answer(skb, packet) || !take_token(&too_big_rate, packet->source, vpc_too_big_per_second, &lost))
		return VPC_DROP_TOO_BIG;
	if (!make_quote(skb, quote, room))
		return VPC_DROP_TOO_BIG;
	sum = sum_packet(skb, ETH_HLEN + room, quote);
	return v4 ? error_ipv4(skb, packet, mtu, quote, sum) : error_ipv6(skb, packet, mtu, quote, sum);
}

/* Drops a packet that does not fit into `mtu`. Sends its sender an error instead, if one may be sent. */
standalone int too_big(struct __sk_buff *skb, struct packet *packet, __u32 mtu)
{
	if (!packet)
		return TC_ACT_SHOT;
	report_drop(skb, packet, VPC_DROP_TOO_BIG);
	note(skb, VPC_VERDICT_DROP, VPC_DROP_TOO_BIG);
	if (answer_too_big(skb, packet, mtu) || send_back(skb, packet))
		return TC_ACT_SHOT;
	count(packet->source, too_big);
	return send_back_action(skb);
}

#endif
