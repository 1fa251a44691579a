/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* IPv4: checks that the header describes the packet, and that the guest may send from its address. */
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
#define IPV4_OPTIONS_MAX 40
#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_LOOSE_SOURCE_ROUTE 131
#define OPTION_STRICT_SOURCE_ROUTE 137
#define IGMP_QUERY 0x11
#define IGMP_ROUTER_ADVERTISEMENT 0x30 /* RFC 4286, as the next */
#define IGMP_ROUTER_TERMINATION 0x32
#define ICMP_REDIRECT 5
#define ICMP_ROUTER_ADVERTISEMENT 9

/* Records where the upper header begins. `fragment`: the flags and offset, host order. Returns a drop reason or 0. */
static __always_inline int upper_of_ipv4(struct packet *packet, __u8 proto, __u32 header, __u32 length, __u32 fragment)
{
	__u32 offset = (fragment & IPV4_OFFSET) * 8;

	packet->proto = proto;
	if (unlikely(offset)) {
		/* A second fragment at 8 would overwrite the TCP flags of the first, RFC 1858. */
		bool overlay = offset == 8 && proto == IPPROTO_TCP;

		packet->upper = 0;
		return overlay || offset + length > IPV4_MAX ? VPC_DROP_MALFORMED : 0;
	}
	packet->upper = ETH_HLEN + header;
	packet->upper_len = length - header;
	return length - header < upper_least(proto) ? VPC_DROP_MALFORMED : 0;
}

/* Checks `length` bytes of options. A source route would bypass the tables. Returns a drop reason or 0. */
static __always_inline int check_options_ipv4(struct __sk_buff *skb, __u32 length)
{
	__u8 option[2];
	__u32 at = 0;

	for (int i = 0; i < IPV4_OPTIONS_MAX && at < length; i++) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(struct iphdr) + at, option, 1) || option[0] == OPTION_END)
			return 0;
		if (option[0] == OPTION_NOP) {
			at++;
			continue;
		}
		if (option[0] == OPTION_LOOSE_SOURCE_ROUTE || option[0] == OPTION_STRICT_SOURCE_ROUTE)
			return VPC_DROP_SOURCE_ROUTE;
		if (bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(struct iphdr) + at, option, 2) || option[1] < 2 || at + option[1] > length)
			return VPC_DROP_MALFORMED;
		at += option[1];
	}
	return 0;
}

/*
 * A guest's packet for one station must not be an Ethernet broadcast: other stations would process it, RFC 1122 section
 * 3.3.6. The program does not know the broadcast addresses of subnets. It takes an address that ends in ones, and that
 * no station has, for one. Returns a drop reason or 0.
 */
static __always_inline int check_multicast_ipv4(const struct packet *packet, __be32 daddr)
{
	struct address address = address_of_ipv4(daddr);
	struct mac owner;

	if (!(packet->flags & VPC_PORT_ANTISPOOF) || ipv4_is_multicast(daddr))
		return 0;
	if (!mac_is_broadcast(packet->dmac))
		return VPC_DROP_UNICAST_TO_ALL;
	if (daddr == 0xffffffff)
		return 0;
	return (daddr & bpf_htonl(3)) != bpf_htonl(3) || neighbour_of(packet->segment, &address, &owner) ? VPC_DROP_UNICAST_TO_ALL : 0;
}

/*
 * Checks what few packets have: multicast addresses and options. Leaves malformed headers to parse_ipv4. Returns a drop
 * reason or 0.
 */
standalone int check_rare_ipv4(struct __sk_buff *skb, const struct packet *packet)
{
	struct iphdr ip;
	int reason = 0;

	if (!packet || bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl * 4 < sizeof(ip))
		return 0;
	if (mac_is_multicast(packet->dmac))
		reason = check_multicast_ipv4(packet, ip.daddr);
	return reason ? reason : check_options_ipv4(skb, ip.ihl * 4 - sizeof(ip));
}

/* Reads and checks the fixed header; *source gets its source address. Returns a drop reason or 0. */
static __always_inline int parse_ipv4(struct __sk_buff *skb, struct packet *packet, __be32 *source)
{
	__u32 header, length, fragment;
	struct iphdr *ip;
	int reason;

	if (!linear(skb, ETH_HLEN + sizeof(*ip)))
		return VPC_DROP_MALFORMED;
	ip = (void *)(long)skb->data + ETH_HLEN;
	if ((void *)(ip + 1) > (void *)(long)skb->data_end)
		return VPC_DROP_MALFORMED;
	if (unlikely(ip->ihl * 4 != sizeof(*ip) || mac_is_multicast(packet->dmac))) {
		reason = check_rare_ipv4(skb, packet);
		if (reason)
			return reason;
	}
	header = ip->ihl * 4;
	length = bpf_ntohs(ip->tot_len);
	if (!length && skb->gso_size)
		length = packet->l3_len; /* a segment beyond 64 KiB has no length of its own */
	if (ip->version != 4 || header < sizeof(*ip) || length < header || length > packet->l3_len)
		return VPC_DROP_MALFORMED;
	fragment = bpf_ntohs(ip->frag_off);
	*source = ip->saddr;
	packet->ecn = ip->tos & 3;
	packet->whole = !(fragment & (IPV4_MORE | IPV4_OFFSET));
	return upper_of_ipv4(packet, ip->protocol, header, length, fragment);
}

/*
 * A guest must not send queries: the querier receives the multicasts, and others lose them. Returns a drop reason or 0.
 */
static __always_inline int check_igmp(struct __sk_buff *skb, const struct packet *packet)
{
	__u8 type;

	if (!(packet->flags & VPC_PORT_ANTISPOOF))
		return 0;
	if (bpf_skb_load_bytes(skb, packet->upper, &type, sizeof(type)))
		return VPC_DROP_MALFORMED;
	return type == IGMP_QUERY || type == IGMP_ROUTER_ADVERTISEMENT || type == IGMP_ROUTER_TERMINATION ? VPC_DROP_MULTICAST_QUERY : 0;
}

/* A guest must not send redirects or router advertisements. Returns a drop reason or 0. */
static __always_inline int check_icmp(struct __sk_buff *skb, const struct packet *packet)
{
	__u8 type;

	if (!(packet->flags & VPC_PORT_ANTISPOOF))
		return 0;
	if (bpf_skb_load_bytes(skb, packet->upper, &type, sizeof(type)))
		return VPC_DROP_MALFORMED;
	return type == ICMP_REDIRECT || type == ICMP_ROUTER_ADVERTISEMENT ? VPC_DROP_RA_SPOOF : 0;
}

/* Checks the header above IPv4; *starting: a host sends this before it has an address. Returns a drop reason or 0. */
static __always_inline int inspect_upper_ipv4(struct __sk_buff *skb, struct packet *packet, bool *starting)
{
	struct udp udp;
	int reason;

	if (is_forbidden_vrrp(packet))
		return VPC_DROP_VRRP;
	if (!packet->upper)
		return 0;
	if (packet->proto == IPPROTO_ICMP)
		return check_icmp(skb, packet);
	if (packet->proto == IPPROTO_IGMP)
		return check_igmp(skb, packet);
	if (packet->proto != IPPROTO_UDP)
		return 0;
	reason = parse_udp(skb, packet, &udp);
	if (reason)
		return reason;
	*starting = udp.sport == bpf_htons(DHCP_CLIENT) && udp.dport == bpf_htons(DHCP_SERVER);
	return check_dhcp(packet, &udp, DHCP_CLIENT, DHCP_SERVER);
}

/* Checks an IPv4 packet and its source; `last`: see struct senders. Returns a drop reason or 0. */
static __always_inline int inspect_ipv4(struct __sk_buff *skb, struct packet *packet, struct senders *last)
{
	bool starting = false;
	__be32 source;
	int reason;

	reason = parse_ipv4(skb, packet, &source);
	if (!reason && packet->proto != IPPROTO_TCP)
		reason = inspect_upper_ipv4(skb, packet, &starting);
	return reason ? reason : check_source_ipv4(packet, source, starting, last);
}

#endif
