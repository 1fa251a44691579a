/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* IPv4: is the header what the packet is, may the guest send from this address. */
#ifndef VPC_IPV4_H
#define VPC_IPV4_H

#include <linux/ip.h>
#include "antispoof.h"
#include "udp.h"

#define IPV4_MORE 0x2000
#define IPV4_OFFSET 0x1fff
#ifndef IPV4_MAX
#define IPV4_MAX 65535
#endif
#define ICMP_REDIRECT 5
#define ICMP_ROUTER_ADVERTISEMENT 9

/* Notes where the upper header lies. `fragment`: the flags and offset, host order. Returns a drop reason or 0. */
static __always_inline int upper_of_ipv4(struct packet *packet, __u8 proto, __u32 header, __u32 length, __u32 fragment)
{
	__u32 offset = (fragment & IPV4_OFFSET) * 8;

	packet->proto = proto;
	if (offset) {
		/* A second fragment at 8 would overwrite the TCP flags of the first, RFC 1858. */
		bool overlay = offset == 8 && proto == IPPROTO_TCP;

		packet->upper = 0;
		return overlay || offset + length > IPV4_MAX ? VPC_DROP_MALFORMED : 0;
	}
	packet->upper = ETH_HLEN + header;
	packet->upper_len = length - header;
	return length - header < upper_least(proto) ? VPC_DROP_MALFORMED : 0;
}

/* Reads and checks the fixed header; *source gets its source address. Returns a drop reason or 0. */
static __always_inline int parse_ipv4(struct __sk_buff *skb, struct packet *packet, __be32 *source, bool *whole)
{
	__u32 header, length, fragment;
	struct iphdr *ip;

	if (!linear(skb, ETH_HLEN + sizeof(*ip)))
		return VPC_DROP_MALFORMED;
	ip = (void *)(long)skb->data + ETH_HLEN;
	if ((void *)(ip + 1) > (void *)(long)skb->data_end)
		return VPC_DROP_MALFORMED;
	header = ip->ihl * 4;
	length = bpf_ntohs(ip->tot_len);
	if (!length && skb->gso_size)
		length = packet->l3_len; /* a segment beyond 64 KiB has no length of its own */
	if (ip->version != 4 || header < sizeof(*ip) || length < header || length > packet->l3_len)
		return VPC_DROP_MALFORMED;
	fragment = bpf_ntohs(ip->frag_off);
	*source = ip->saddr;
	packet->ecn = ip->tos & 3;
	*whole = !(fragment & (IPV4_MORE | IPV4_OFFSET));
	return upper_of_ipv4(packet, ip->protocol, header, length, fragment);
}

/* A guest redirects nobody and is nobody's router. Returns a drop reason or 0. */
static __always_inline int check_icmp(struct __sk_buff *skb, const struct packet *packet)
{
	__u8 type;

	if (!(packet->flags & VPC_PORT_ANTISPOOF))
		return 0;
	if (bpf_skb_load_bytes(skb, packet->upper, &type, sizeof(type)))
		return VPC_DROP_MALFORMED;
	return type == ICMP_REDIRECT || type == ICMP_ROUTER_ADVERTISEMENT ? VPC_DROP_RA_SPOOF : 0;
}

/* Checks an IPv4 packet and its source; `last`: see port_lists_again. Returns a drop reason or 0. */
static __always_inline int inspect_ipv4(struct __sk_buff *skb, struct packet *packet, struct address *last)
{
	bool whole, starting = false;
	struct udp udp;
	__be32 source;
	int reason;

	reason = parse_ipv4(skb, packet, &source, &whole);
	if (reason)
		return reason;
	if (packet->proto == IPPROTO_ICMP && packet->upper) {
		reason = check_icmp(skb, packet);
		if (reason)
			return reason;
	}
	if (packet->proto == IPPROTO_UDP && packet->upper) {
		reason = parse_udp(skb, packet, whole, &udp);
		if (!reason)
			reason = check_dhcp(packet, &udp, DHCP_CLIENT, DHCP_SERVER);
		if (reason)
			return reason;
		starting = udp.sport == bpf_htons(DHCP_CLIENT) && udp.dport == bpf_htons(DHCP_SERVER);
	}
	return check_source_ipv4(packet, source, starting, last);
}

#endif
