/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The headers above IP, as far as the datapath reads them: their minimal lengths, and UDP for DHCP. */
#ifndef VPC_UDP_H
#define VPC_UDP_H

#include "gateway.h"
#include "packet.h"

#ifndef IPPROTO_ICMPV6
#define IPPROTO_ICMPV6 58
#endif
#define IPPROTO_VRRP 112
#define DHCP_SERVER 67
#define DHCP_CLIENT 68
#define DHCPV6_CLIENT 546
#define DHCPV6_SERVER 547

struct udp {
	__be16 sport, dport, len, check;
};

/* How much of the header above IP a first fragment must have. */
static __always_inline __u32 upper_least(__u8 proto)
{
	if (likely(proto == IPPROTO_TCP))
		return 20;
	if (likely(proto == IPPROTO_UDP))
		return 8;
	switch (proto) {
	case IPPROTO_UDPLITE:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
	case IPPROTO_IGMP:
	case IPPROTO_VRRP:
		return 8;
	case IPPROTO_SCTP:
		return 12;
	default:
		return 0;
	}
}

/* Reads the UDP header: directly from the packet's head if it is there, since a helper is a call. */
static __always_inline int read_udp(struct __sk_buff *skb, __u32 offset, struct udp *udp)
{
	struct udp *header = (void *)(long)skb->data + (offset & 0xff), copy;

	if (unlikely(offset > 0xff || (void *)(header + 1) > (void *)(long)skb->data_end)) {
		if (bpf_skb_load_bytes(skb, offset, &copy, sizeof(copy)))
			return -1;
		header = &copy;
	}
	udp->sport = header->sport;
	udp->dport = header->dport;
	udp->len = header->len;
	return 0;
}

/* Reads and checks the UDP header. Its length must fit unless the packet is a fragment. Returns a drop reason or 0. */
static __always_inline int parse_udp(struct __sk_buff *skb, const struct packet *packet, struct udp *udp)
{
	__u32 len;

	if (read_udp(skb, packet->upper, udp))
		return VPC_DROP_MALFORMED;
	len = bpf_ntohs(udp->len);
	if (packet->whole && !skb->gso_size && (len < sizeof(*udp) || len > packet->upper_len))
		return VPC_DROP_MALFORMED;
	return 0;
}

/* A DHCP server's message to a client that cannot be reached otherwise yet. */
static __always_inline bool is_from_dhcp_server(struct __sk_buff *skb, const struct packet *packet)
{
	bool v4 = packet->type == ETH_P_IP;
	struct udp udp;

	if (bpf_skb_load_bytes(skb, packet->upper, &udp, sizeof(udp)))
		return false;
	return udp.sport == bpf_htons(v4 ? DHCP_SERVER : DHCPV6_SERVER) && udp.dport == bpf_htons(v4 ? DHCP_CLIENT : DHCPV6_CLIENT);
}

/*
 * A guest is a DHCP client, never a server, and asks all or the gateway. The client's ports are closed as destinations
 * too, because a client does not check the source port of a message. Returns a drop reason or 0.
 */
static __always_inline int check_dhcp(struct packet *packet, const struct udp *udp, __u16 client, __u16 server)
{
	if (udp->dport == bpf_htons(server) && is_question(packet))
		packet->question = QUESTION_DHCP;
	if (!(packet->flags & VPC_PORT_ANTISPOOF))
		return 0;
	return udp->sport == bpf_htons(server) || udp->dport == bpf_htons(client) ? VPC_DROP_DHCP_SPOOF : 0;
}

#endif
