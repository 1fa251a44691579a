/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Pings of a gateway: the request becomes the reply in place, RFC 792 and RFC 4443 section 4.2. */
#ifndef VPC_ECHO_H
#define VPC_ECHO_H

#include "icmp-error.h"

#define ICMP_ECHO_REPLY 0
#define ICMP_ECHO_REQUEST 8
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY 129
#define GATEWAY_TTL 64

/* What changes of the headers: addresses and TTL. */
static __noinline bool turn_ipv4(struct __sk_buff *skb)
{
	struct iphdr ip;
	__be32 source;
	__u32 sum;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return false;
	/* The sum over the header changes by the TTL alone, RFC 1624. */
	sum = (__u16)~ip.check + (__u16)~bpf_htons(ip.ttl << 8) + bpf_htons(GATEWAY_TTL << 8);
	source = ip.saddr;
	ip.saddr = ip.daddr;
	ip.daddr = source;
	ip.ttl = GATEWAY_TTL;
	ip.check = ~fold(sum);
	return !bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0);
}

static __noinline bool turn_ipv6(struct __sk_buff *skb)
{
	struct address source;
	struct ipv6 ip;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return false;
	source = ip.saddr;
	ip.saddr = ip.daddr;
	ip.daddr = source;
	ip.hop_limit = GATEWAY_TTL;
	return !bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), BPF_F_RECOMPUTE_CSUM);
}

/* A checksum that is still to be filled in comes to have the type in it then. */
static __noinline bool turn_icmp(struct __sk_buff *skb, __u32 offset, __u8 from, __u8 to)
{
	struct {
		__u8 type, code;
		__be16 check;
	} icmp;
	bool open = BPF_CORE_READ_BITFIELD(kernel_skb(skb), ip_summed) == CHECKSUM_PARTIAL;

	if (bpf_skb_load_bytes(skb, offset, &icmp, sizeof(icmp)) || icmp.type != from || icmp.code)
		return false;
	icmp.type = to;
	if (!open)
		icmp.check = ~fold((__u16)~icmp.check + (__u16)~bpf_htons(from << 8) + bpf_htons(to << 8));
	return !bpf_skb_store_bytes(skb, offset, &icmp, sizeof(icmp), 0);
}

static __always_inline bool turn_macs(struct __sk_buff *skb, const struct packet *packet)
{
	struct mac macs[2] = { packet->smac, packet->dmac };

	return !bpf_skb_store_bytes(skb, 0, macs, sizeof(macs), 0);
}

/* One in fragments cannot be answered, nor one behind an extension header of IPv6. */
static __always_inline bool is_whole(const struct packet *packet)
{
	return packet->whole && (packet->type == ETH_P_IP || packet->upper == ETH_HLEN + IPV6_HLEN);
}

/* Makes the reply of a request, if it is a whole one. False: it is none. */
static __noinline bool make_echo_reply(struct __sk_buff *skb, const struct packet *packet)
{
	bool v4 = packet->type == ETH_P_IP;
	__u32 lost;

	if (packet->proto != (v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) || !packet->upper || !is_whole(packet))
		return false;
	if (!take_token(&too_big_rate, packet->source, vpc_too_big_per_second, &lost))
		return false;
	if (v4 ? !turn_icmp(skb, packet->upper, ICMP_ECHO_REQUEST, ICMP_ECHO_REPLY) || !turn_ipv4(skb) :
		 !turn_icmp(skb, packet->upper, ICMPV6_ECHO_REQUEST, ICMPV6_ECHO_REPLY) || !turn_ipv6(skb))
		return false;
	return turn_macs(skb, packet);
}

#endif
