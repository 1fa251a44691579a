/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a packet is to a port that is in security groups: of which flow, and of what kind. */
#ifndef VPC_TUPLE_H
#define VPC_TUPLE_H

#include <linux/ip.h>
#include "ipv4.h"
#include "ipv6.h"
#include "udp.h"

#define TCP_FIN 1
#define TCP_SYN 2
#define TCP_RST 4
#define TCP_PSH 8
#define TCP_ACK 16
#define TCP_STATE (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK)
#define ND_FIRST 133 /* router solicitation */
#define IPV6_SADDR (ETH_HLEN + offsetof(struct ipv6, saddr))
#define IPV6_DADDR (ETH_HLEN + offsetof(struct ipv6, daddr))
#define ND_LAST 137  /* redirect */
#ifndef ICMP_ECHOREPLY
#define ICMP_ECHOREPLY 0
#endif

enum tuple_kind {
	TUPLE_PLAIN,
	TUPLE_LATER,    /* a later fragment: it has no ports */
	TUPLE_ERROR,    /* an ICMP error; the key is that of the packet that it is about */
	TUPLE_ONCE,     /* a packet that begins no flow: an answer of ICMP, a multicast */
	TUPLE_FREE,     /* nobody asks for a rule: neighbour discovery, DHCP */
};

/* The kernel's own layouts of what lies at the start of upper headers. */
struct ports {
	__be16 source, dest;
};

struct icmp_start {
	__u8 type, code;
	__be16 check;
	__be16 id, sequence;
};

struct tuple {
	struct vpc_flow_key key;
	struct vpc_frag_key fragment;
	__u32 direction;
	__u32 kind;         /* enum tuple_kind */
	__u16 service;      /* that the packet goes to: see struct asked */
	__u8 tcp;           /* flags */
	__u8 is_fragment;
	/* What is being read: here, because the stack is short. */
	union {
		struct iphdr ip;
		struct icmp_start icmp;
		struct ports ports;
	} raw;
};

/* Request that an ICMP message is or answers; -1: it is neither. */
static __always_inline int icmp_request(__u32 type, bool v4, bool *is_answer)
{
	*is_answer = false;
	if (!v4) {
		*is_answer = type == 129;
		return type == 128 || type == 129 ? 128 : -1;
	}
	switch (type) {
	case 0:
		*is_answer = true;
		return 8;
	case 8:
		return 8;
	case 13:
	case 15:
	case 17:
		return type;
	case 14:
	case 16:
	case 18:
		*is_answer = true;
		return type - 1;
	default:
		return -1;
	}
}

/* Puts addresses into the key, as the port sees them; `from_inside`: the unit has sent the packet. */
static __always_inline void set_addresses(struct vpc_flow_key *key, struct address from, struct address to, bool from_inside)
{
	*(struct address *)key->inside = from_inside ? from : to;
	*(struct address *)key->outside = from_inside ? to : from;
}

static __always_inline void set_ports(struct vpc_flow_key *key, struct ports ports, bool from_inside)
{
	key->inside_port = from_inside ? ports.source : ports.dest;
	key->outside_port = from_inside ? ports.dest : ports.source;
}

static __always_inline bool has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_DCCP;
}

static __always_inline bool is_dhcp(struct ports ports, bool from_inside, __u16 client, __u16 server)
{
	__u16 source = bpf_ntohs(ports.source), dest = bpf_ntohs(ports.dest);

	return from_inside ? source == client && dest == server : source == server && dest == client;
}

/* Addresses, protocol and ports of the packet that an ICMP error quotes, turned round: the unit is inside again. */
static __noinline bool read_quote(struct __sk_buff *skb, struct tuple *tuple, __u32 at, bool v4)
{
	bool from_inside = tuple->direction == VPC_IN, is_answer;
	struct vpc_flow_key *key = &tuple->key;
	struct icmp_start *icmp = &tuple->raw.icmp;
	struct iphdr *ip = &tuple->raw.ip;
	int request;

	if (v4) {
		if (bpf_skb_load_bytes(skb, at, ip, sizeof(*ip)) || ip->version != 4 || ip->frag_off & bpf_htons(IPV4_OFFSET))
			return false;
		set_addresses(key, address_of_ipv4(ip->saddr), address_of_ipv4(ip->daddr), from_inside);
		key->protocol = ip->protocol;
		at += ip->ihl * 4;
	} else {
		if (bpf_skb_load_bytes(skb, at + offsetof(struct ipv6, saddr), from_inside ? key->inside : key->outside, 16) ||
		    bpf_skb_load_bytes(skb, at + offsetof(struct ipv6, daddr), from_inside ? key->outside : key->inside, 16) ||
		    bpf_skb_load_bytes(skb, at + offsetof(struct ipv6, nexthdr), &key->protocol, 1))
			return false;
		at += IPV6_HLEN;
		if (key->protocol == NEXT_FRAGMENT) {
			if (bpf_skb_load_bytes(skb, at, icmp, sizeof(*icmp)) || icmp->check & bpf_htons(IPV6_OFFSET))
				return false;
			key->protocol = icmp->type;
			at += sizeof(*icmp);
		}
	}
	if (has_ports(key->protocol)) {
		if (bpf_skb_load_bytes(skb, at, icmp, sizeof(struct ports)))
			return false;
		set_ports(key, tuple->raw.ports, from_inside);
		return true;
	}
	if (key->protocol != (v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return true;
	if (bpf_skb_load_bytes(skb, at, icmp, sizeof(*icmp)))
		return false;
	request = icmp_request(icmp->type, v4, &is_answer);
	key->icmp_type = request;
	key->inside_port = icmp->id;
	return request >= 0;
}

/* Reads ICMP of either version. Returns a drop reason or 0. */
static __always_inline int read_icmp(struct __sk_buff *skb, const struct packet *packet, struct tuple *tuple)
{
	bool v4 = packet->type == ETH_P_IP, is_answer;
	struct icmp_start *icmp = &tuple->raw.icmp;
	int request;

	if (bpf_skb_load_bytes(skb, packet->upper, icmp, packet->upper_len < sizeof(*icmp) ? 4 : sizeof(*icmp)))
		return VPC_DROP_MALFORMED;
	tuple->service = icmp->type << 8 | icmp->code;
	if (!v4 && icmp->type >= ND_FIRST && icmp->type <= ND_LAST) {
		tuple->kind = TUPLE_FREE;
		return 0;
	}
	if (v4 ? icmp->type == 3 || icmp->type == 4 || icmp->type == 11 || icmp->type == 12 : icmp->type < 128) {
		tuple->kind = TUPLE_ERROR;
		return read_quote(skb, tuple, packet->upper + sizeof(*icmp), v4) ? 0 : VPC_DROP_FLOW_UNRELATED;
	}
	request = icmp_request(icmp->type, v4, &is_answer);
	if (request < 0 || is_answer)
		tuple->kind = TUPLE_ONCE;
	tuple->key.icmp_type = request < 0 ? icmp->type : request;
	tuple->key.inside_port = icmp->id;
	return 0;
}

/* Reads the header above IP. Returns a drop reason or 0. */
static __always_inline int read_upper(struct __sk_buff *skb, const struct packet *packet, struct tuple *tuple)
{
	bool from_inside = tuple->direction == VPC_OUT, v4 = packet->type == ETH_P_IP;
	struct ports *ports = &tuple->raw.ports;

	if (packet->proto == (v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return read_icmp(skb, packet, tuple);
	if (!has_ports(packet->proto))
		return 0;
	if (bpf_skb_load_bytes(skb, packet->upper, ports, sizeof(*ports)))
		return VPC_DROP_MALFORMED;
	set_ports(&tuple->key, *ports, from_inside);
	tuple->service = bpf_ntohs(ports->dest);
	if (packet->proto == IPPROTO_UDP &&
	    is_dhcp(*ports, from_inside, v4 ? DHCP_CLIENT : DHCPV6_CLIENT, v4 ? DHCP_SERVER : DHCPV6_SERVER))
		tuple->kind = TUPLE_FREE;
	if (packet->proto != IPPROTO_TCP)
		return 0;
	if (bpf_skb_load_bytes(skb, packet->upper + 13, &tuple->tcp, 1))
		return VPC_DROP_MALFORMED;
	switch (tuple->tcp & TCP_STATE) {
	case TCP_SYN:
	case TCP_SYN | TCP_ACK:
	case TCP_ACK:
	case TCP_RST:
	case TCP_RST | TCP_ACK:
	case TCP_FIN | TCP_ACK:
		return 0;
	default:
		return VPC_DROP_FLOW_INVALID;
	}
}

/* Reads the addresses; whether the packet is a fragment, and of which. */
static __always_inline bool read_network(struct __sk_buff *skb, const struct packet *packet, struct tuple *tuple)
{
	bool from_inside = tuple->direction == VPC_OUT;
	struct vpc_flow_key *key = &tuple->key;
	struct iphdr *ip = &tuple->raw.ip;

	if (packet->type == ETH_P_IP) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN, ip, sizeof(*ip)))
			return false;
		set_addresses(&tuple->key, address_of_ipv4(ip->saddr), address_of_ipv4(ip->daddr), from_inside);
		tuple->fragment.id = ip->id;
		tuple->fragment.protocol = packet->proto;
		return true;
	}
	if (bpf_skb_load_bytes(skb, IPV6_SADDR, from_inside ? key->inside : key->outside, 16) ||
	    bpf_skb_load_bytes(skb, IPV6_DADDR, from_inside ? key->outside : key->inside, 16))
		return false;
	tuple->fragment.id = packet->fragment_id;
	tuple->fragment.protocol = 0;
	return true;
}

/* Of an IP packet that has been inspected. Returns a drop reason or 0. */
standalone int read_tuple(struct __sk_buff *skb, const struct packet *packet, struct tuple *tuple, __u32 port, __u32 direction)
{
	if (!packet || !tuple)
		return VPC_DROP_MALFORMED;
	__builtin_memset(tuple, 0, sizeof(*tuple));
	tuple->direction = direction;
	tuple->key.protocol = packet->proto;
	if (!read_network(skb, packet, tuple))
		return VPC_DROP_MALFORMED;
	tuple->is_fragment = !packet->whole;
	if (tuple->is_fragment) {
		tuple->fragment.port = port | direction << 30;
		__builtin_memcpy(tuple->fragment.inside, tuple->key.inside, 32);
	}
	if (!packet->upper) {
		tuple->kind = TUPLE_LATER;
		return 0;
	}
	if (mac_is_multicast(packet->dmac))
		tuple->kind = TUPLE_ONCE;
	return read_upper(skb, packet, tuple);
}

#endif
