/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * ARP and ND on a wire for public addresses that this host has there: answered with the MAC of the interface, so that
 * a switch sees one MAC.
 */
#ifndef VPC_WIRE_QUESTIONS_H
#define VPC_WIRE_QUESTIONS_H

#include "arp.h"
#include "ipv6.h"
#include "nat.h"
#include "nd.h"

/* Reads a request. False: it is none, or it announces its sender's own address. */
static __always_inline bool read_arp_request(struct __sk_buff *skb, struct packet *packet)
{
	struct arp arp;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &arp, sizeof(arp)) || arp.op != bpf_htons(ARP_REQUEST) || arp.htype != bpf_htons(1) ||
	    arp.ptype != bpf_htons(ETH_P_IP) || arp.hlen != 6 || arp.plen != 4)
		return false;
	packet->question = QUESTION_ARP;
	packet->target = address_of_ipv4(ipv4_at(arp.tpa));
	packet->asker = address_of_ipv4(ipv4_at(arp.spa));
	return packet->target.w[3] != packet->asker.w[3];
}

/* The same for a solicitation: not fragmented, and straight from its sender. */
static __always_inline bool read_solicitation(struct __sk_buff *skb, struct packet *packet)
{
	struct ipv6 ip;
	struct nd nd;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) || ip.nexthdr != IPPROTO_ICMPV6 || ip.hop_limit != ND_HOP_LIMIT)
		return false;
	if (bpf_skb_load_bytes(skb, ETH_HLEN + IPV6_HLEN, &nd, sizeof(nd)) || nd.type != NEIGHBOUR_SOLICITATION || nd.code)
		return false;
	packet->question = QUESTION_ND;
	packet->target = nd.target;
	packet->asker = ip.saddr;
	return true;
}

static __always_inline bool read_question(struct __sk_buff *skb, struct packet *packet)
{
	if (packet->type == ETH_P_ARP)
		return read_arp_request(skb, packet);
	return packet->type == ETH_P_IPV6 && read_solicitation(skb, packet);
}

/* Makes the answer of a question about an address of this host. False: it is none, and the packet is as it was. */
standalone bool answer_wire(struct __sk_buff *skb, struct packet *packet)
{
	struct vpc_public_key key = { .wire = skb->ifindex };
	struct vpc_public public;
	struct vpc_nat nat;
	struct mac owner;

	if (!packet || !read_question(skb, packet))
		return false;
	*(struct address *)key.addr = packet->target;
	if (!public_of(&key, &public) || !nat_of(public.nat, &nat))
		return false;
	owner = mac_at(nat.mac);
	if (packet->question == QUESTION_ARP ? reply_arp(skb, packet, &owner) : reply_nd(skb, packet, &owner))
		return false;
	count(public.nat, answered);
	return !send_back(skb, packet);
}

#endif
