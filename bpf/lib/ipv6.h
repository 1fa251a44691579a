/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * IPv6: checks that the header describes the packet, walks its extension headers, and checks that the guest may send
 * from its address.
 */
#ifndef VPC_IPV6_H
#define VPC_IPV6_H

#include "antispoof.h"
#include "nd.h"
#include "udp.h"

#define IPV6_HLEN 40
#define IPV6_EXTENSIONS 8 /* no legitimate packet has more */
#define IPV6_OFFSET 0xfff8
#define IPV6_MORE 1
#define NEXT_HOP_BY_HOP 0
#define NEXT_ROUTING 43
#define NEXT_FRAGMENT 44
#define NEXT_AUTHENTICATION 51
#define ROUTING_SOURCE_ROUTE 0 /* forbidden by RFC 5095 */
#define NEXT_NONE 59
#define NEXT_DESTINATION 60
#define NEXT_MOBILITY 135
#define NEXT_HIP 139
#define NEXT_SHIM6 140

struct ipv6 {
	__be32 version_class_flow;
	__be16 payload_len;
	__u8 nexthdr, hop_limit;
	struct address saddr, daddr;
};

static __always_inline bool is_extension(__u8 next)
{
	switch (next) {
	case NEXT_HOP_BY_HOP:
	case NEXT_ROUTING:
	case NEXT_FRAGMENT:
	case NEXT_AUTHENTICATION:
	case NEXT_DESTINATION:
	case NEXT_MOBILITY:
	case NEXT_HIP:
	case NEXT_SHIM6:
		return true;
	default:
		return false;
	}
}

/* State of the walk over extension headers. */
struct extensions {
	__u32 offset; /* of the next header, from the Ethernet header on */
	__u32 end;    /* of the packet, by its IPv6 header */
	__u8 next;
	bool fragment;
	bool later;   /* not the first fragment: what follows is not a header */
	__be32 id;    /* of the fragment */
};

/* One step of the walk. Returns a drop reason or 0. */
static __always_inline int step_extension(struct __sk_buff *skb, struct extensions *walk)
{
	__u8 raw[4];
	__u32 size;

	if (walk->offset + 8 > walk->end || bpf_skb_load_bytes(skb, walk->offset, raw, sizeof(raw)))
		return VPC_DROP_MALFORMED;
	if (walk->next == NEXT_ROUTING && raw[2] == ROUTING_SOURCE_ROUTE)
		return VPC_DROP_SOURCE_ROUTE;
	if (walk->next == NEXT_FRAGMENT) {
		__u16 where = raw[2] << 8 | raw[3];

		if (walk->fragment)
			return VPC_DROP_MALFORMED;
		size = 8;
		walk->fragment = true;
		walk->later = where & IPV6_OFFSET;
		if (bpf_skb_load_bytes(skb, walk->offset + 4, &walk->id, sizeof(walk->id)))
			return VPC_DROP_MALFORMED;
	} else {
		size = walk->next == NEXT_AUTHENTICATION ? (raw[1] + 2) * 4 : (raw[1] + 1) * 8;
	}
	walk->next = raw[0];
	walk->offset += size;
	return walk->offset > walk->end ? VPC_DROP_MALFORMED : 0;
}

/*
 * Finds the header behind the extension headers. The first fragment has all of them, RFC 7112. Returns a drop reason or
 * 0.
 */
standalone int walk_extensions(struct __sk_buff *skb, struct packet *packet, struct extensions *walk)
{
	int reason;

	if (!packet || !walk)
		return VPC_DROP_MALFORMED;
	for (int i = 0; i < IPV6_EXTENSIONS && is_extension(walk->next) && !walk->later; i++) {
		reason = step_extension(skb, walk);
		if (reason)
			return reason;
	}
	packet->proto = walk->next;
	packet->fragment_id = walk->id;
	packet->upper = 0;
	if (walk->later)
		return 0;
	packet->upper = walk->offset;
	packet->upper_len = walk->end - walk->offset;
	if (is_extension(walk->next) || packet->upper_len < upper_least(walk->next))
		return VPC_DROP_MALFORMED;
	return 0;
}

/* Reads and checks the fixed header, and finds the upper one. Returns a drop reason or 0. */
static __always_inline int parse_ipv6(struct __sk_buff *skb, struct packet *packet, struct address *source)
{
	struct extensions walk = { .offset = ETH_HLEN + IPV6_HLEN };
	struct ipv6 *ip;
	int reason;

	if (!linear(skb, ETH_HLEN + IPV6_HLEN))
		return VPC_DROP_MALFORMED;
	ip = (void *)(long)skb->data + ETH_HLEN;
	if ((void *)(ip + 1) > (void *)(long)skb->data_end)
		return VPC_DROP_MALFORMED;
	if ((ip->version_class_flow & bpf_htonl(0xf0000000)) != bpf_htonl(0x60000000))
		return VPC_DROP_MALFORMED;
	walk.next = ip->nexthdr;
	walk.end = walk.offset + bpf_ntohs(ip->payload_len);
	if (!ip->payload_len && skb->gso_size)
		walk.end = skb->len; /* a segment beyond 64 KiB has no length of its own */
	if (walk.end > skb->len)
		return VPC_DROP_MALFORMED;
	*source = ip->saddr;
	if (mac_is_multicast(packet->dmac) && packet->flags & VPC_PORT_ANTISPOOF && !ipv6_is_multicast(&ip->daddr))
		return VPC_DROP_UNICAST_TO_ALL;
	packet->ecn = bpf_ntohl(ip->version_class_flow) >> 20 & 3;
	packet->proto = walk.next;
	packet->upper = walk.offset;
	packet->upper_len = walk.end - walk.offset;
	packet->whole = true;
	if (!is_extension(walk.next))
		return packet->upper_len < upper_least(walk.next) ? VPC_DROP_MALFORMED : 0;
	reason = walk_extensions(skb, packet, &walk);
	packet->whole = !walk.fragment;
	return reason;
}

/* Checks an IPv6 packet and its source; `last`: see struct senders. Returns a drop reason or 0. */
static __always_inline int inspect_ipv6(struct __sk_buff *skb, struct packet *packet, struct senders *last)
{
	bool starting = false;
	struct address source;
	struct udp udp;
	int reason;

	reason = parse_ipv6(skb, packet, &source);
	if (reason)
		return reason;
	if (packet->proto == IPPROTO_ICMPV6 && packet->upper) {
		packet->asker = source;
		reason = inspect_icmpv6(skb, packet, &starting);
	} else if (packet->proto == IPPROTO_UDP && packet->upper) {
		reason = parse_udp(skb, packet, &udp);
		if (!reason)
			reason = check_dhcp(packet, &udp, DHCPV6_CLIENT, DHCPV6_SERVER);
		if (packet->question == QUESTION_DHCP)
			packet->asker = source;
	}
	if (!reason && is_forbidden_vrrp(packet))
		reason = VPC_DROP_VRRP;
	return reason ? reason : check_source_ipv6(packet, &source, starting, last);
}

#endif
