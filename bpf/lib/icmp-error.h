/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * ICMP errors that tell a sender why its packet was dropped, RFC 792/1191 and RFC 4443.
 *
 * The program sends no error for an ICMP error, a later fragment, a multicast, or a sender that is no single host. A
 * rate bounds the errors for each source.
 */
#ifndef VPC_ICMP_ERROR_H
#define VPC_ICMP_ERROR_H

#include "checksum.h"
#include "event.h"
#include "fits.h"
#include "ipv4.h"
#include "ipv6.h"
#include "move-quote.h"
#include "partial.h"
#include "send-back.h"

#define QUOTE_IPV4 548  /* the error then has at most 576 bytes, RFC 1812 section 4.3.2.3 */
#define QUOTE_IPV6 1232 /* it then has at most 1280 */
#define ICMP_UNREACHABLE 3
#define ICMP_NET_UNREACHABLE 0
#define ICMP_HOST_UNREACHABLE 1
#define ICMP_PORT_UNREACHABLE 3
#define ICMP_FRAG_NEEDED 4
#define ICMP_PROHIBITED 13 /* RFC 1812 section 5.2.7.1 */
#define ICMP_TIME_EXCEEDED 11
#define ICMPV6_UNREACHABLE 1
#define ICMPV6_NO_ROUTE 0
#define ICMPV6_PROHIBITED 1
#define ICMPV6_ADDRESS_UNREACHABLE 3
#define ICMPV6_PORT_UNREACHABLE 4
#define ICMPV6_TOO_BIG 2
#define ICMPV6_TIME_EXCEEDED 3
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

/* What an error says, and from whom. */
struct icmp_error {
	__u8 type, code;
	__be32 mtu;            /* of 'fragmentation needed' and 'packet too big'; else 0 */
	struct address source; /* unspecified: whom the packet was for, as if that one had sent it */
};

static __always_inline bool icmp_is_error(__u8 type)
{
	return type == ICMP_UNREACHABLE || type == 4 || type == ICMP_REDIRECT || type == ICMP_TIME_EXCEEDED || type == 12;
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
	if (is_tunnelled(skb))
		return move_quote(skb, quote, room);
	if (bpf_skb_change_tail(skb, ETH_HLEN + quote, 0))
		return false;
	settle_partial_checksum(skb, ETH_HLEN + quote);
	return !bpf_skb_adjust_room(skb, room, BPF_ADJ_ROOM_MAC, 0);
}

/* Writes the error before the quotation, whose bytes add up to `sum`. False: none may be sent. */
static __noinline bool error_ipv4(struct __sk_buff *skb, const struct packet *packet, const struct icmp_error *error, __u32 quote, __u32 sum)
{
	struct error_ipv4 frame = {
		.type = bpf_htons(ETH_P_IP),
		.ip = { .version = 4, .ihl = 5, .tos = TOS_NETWORK_CONTROL, .frag_off = bpf_htons(IPV4_DF), .ttl = 64,
			.protocol = IPPROTO_ICMP, .tot_len = bpf_htons(ROOM_IPV4 + quote) },
		.icmp = { .type = error->type, .code = error->code, .mtu = error->mtu },
	};
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, ETH_HLEN + ROOM_IPV4, &ip, sizeof(ip)) || ipv4_is_bogon(ip.saddr) || ipv4_is_bogon(ip.daddr))
		return false;
	*(struct mac *)frame.dmac = packet->smac;
	*(struct mac *)frame.smac = packet->dmac;
	frame.ip.saddr = error->source.w[3] ? error->source.w[3] : ip.daddr;
	frame.ip.daddr = ip.saddr;
	frame.ip.check = ~fold(sum_bytes(&frame.ip, sizeof(frame.ip), 0));
	frame.icmp.check = ~fold(sum_bytes(&frame.icmp, sizeof(frame.icmp), sum));
	return !bpf_skb_store_bytes(skb, 0, &frame, sizeof(frame), BPF_F_RECOMPUTE_CSUM);
}

/*
 * The same for IPv6. It reads the addresses of the quoted packet straight into the error: the stack has no room for
 * them twice.
 */
static __noinline bool error_ipv6(struct __sk_buff *skb, const struct packet *packet, const struct icmp_error *error, __u32 quote, __u32 sum)
{
	const __u32 quoted = ETH_HLEN + ROOM_IPV6 + offsetof(struct ipv6, saddr), length = sizeof(struct icmp) + quote;
	struct error_ipv6 frame = {
		.type = bpf_htons(ETH_P_IPV6),
		.ip = { .version_class_flow = bpf_htonl(0x60000000), .nexthdr = IPPROTO_ICMPV6, .hop_limit = 64, .payload_len = bpf_htons(length) },
		.icmp = { .type = error->type, .code = error->code, .mtu = error->mtu },
	};
	__u8 *saddr = (__u8 *)&frame + offsetof(struct error_ipv6, ip.saddr), *daddr = saddr + sizeof(struct address);
	__be32 tail[2] = { bpf_htonl(length), bpf_htonl(IPPROTO_ICMPV6) };
	struct address address;

	if (bpf_skb_load_bytes(skb, quoted, &address, sizeof(address)) || ipv6_is_bogon(&address))
		return false;
	__builtin_memcpy(daddr, &address, sizeof(address));
	if (bpf_skb_load_bytes(skb, quoted + sizeof(address), &address, sizeof(address)) || ipv6_is_bogon(&address))
		return false;
	if (!ipv6_is_unspecified(&error->source))
		address = error->source;
	__builtin_memcpy(saddr, &address, sizeof(address));
	*(struct mac *)frame.dmac = packet->smac;
	*(struct mac *)frame.smac = packet->dmac;
	sum += fold(sum_bytes(tail, sizeof(tail), sum_bytes(saddr, 2 * sizeof(address), 0)));
	frame.icmp.check = ~fold(sum_bytes(&frame.icmp, sizeof(frame.icmp), sum));
	return !bpf_skb_store_bytes(skb, 0, &frame, sizeof(frame), BPF_F_RECOMPUTE_CSUM);
}

/* Turns the packet into an ICMP error, if one may be sent. */
standalone bool make_error(struct __sk_buff *skb, const struct packet *packet, const struct icmp_error *error)
{
	__u32 most, quote, room, sum, lost;
	bool v4;

	if (!packet || !error)
		return false;
	v4 = packet->type == ETH_P_IP;
	most = v4 ? QUOTE_IPV4 : QUOTE_IPV6;
	quote = packet->l3_len < most ? packet->l3_len : most;
	room = v4 ? ROOM_IPV4 : ROOM_IPV6;
	if (!v4 && packet->type != ETH_P_IPV6)
		return false;
	if (is_tunnelled(skb))
		quote = movable_quote(skb, packet->l3_len, quote, room);
	if (!may_answer(skb, packet) || !take_token(&too_big_rate, packet->source, vpc_too_big_per_second, &lost))
		return false;
	if (!make_quote(skb, quote, room))
		return false;
	sum = sum_packet(skb, ETH_HLEN + room, quote);
	return v4 ? error_ipv4(skb, packet, error, quote, sum) : error_ipv6(skb, packet, error, quote, sum);
}

/* Drops a packet for a reason, and sends its sender an error in its place where one may be sent. */
static __always_inline int drop_with_error(struct __sk_buff *skb, const struct packet *packet, enum vpc_drop_reason reason,
					   const struct icmp_error *error)
{
	report_drop(skb, packet, reason);
	note(skb, VPC_VERDICT_DROP, reason);
	if (!make_error(skb, packet, error) || send_back(skb, packet))
		return TC_ACT_SHOT;
	count(packet->source, too_big);
	return send_back_action(skb);
}

#endif
