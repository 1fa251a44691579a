/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets to the gateway's MAC: answered, or routed to another subnet. The host of the sender does all of it: the frame
 * that leaves has the destination subnet's segment and the destination's MAC, and its host only bridges it.
 *
 * What was decided for an address is remembered (generation.h): the next packets of a unit to it need no lookup. It
 * counts for ROUTED_FRESH, because who has an address may move by an announcement, of which no generation tells.
 */
#ifndef VPC_ROUTED_H
#define VPC_ROUTED_H

#include "answer.h"
#include "echo.h"
#include "forward.h"
#include "outgoing.h"
#include "route.h"

#define ROUTED_FRESH 25 /* ticks of the kernel: 25 to 250 ms */

struct routed {
	__u32 generation;
	__u32 ifindex;       /* of the unit; 0: it is of nobody */
	struct address daddr;
	__u64 until;         /* tick */
	__u32 segment;       /* of the subnet that it is routed to */
	__u32 mtu;           /* of the subnet and the way; 0: no limit */
	struct mac dmac;
	__u16 pad;
	struct sending to;
	struct routing routing;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << SLOT_BITS);
	__type(key, __u32);
	__type(value, struct routed);
} routed SEC(".maps");

/*
 * Why a packet to the gateway's MAC goes nowhere; `mtu` of what does not fit; the route as struct vpc_event names it.
 */
struct unroutable {
	int reason;
	__u32 mtu;
	__u32 route;
};

/* Of the IP header: what routing looks at. */
struct routed_header {
	struct address daddr;
	__u8 ttl;
	bool bound; /* its source means another station on another link, RFC 4291 section 2.5.6 */
};

static __always_inline bool read_routed(struct __sk_buff *skb, const struct packet *packet, struct routed_header *header)
{
	void *start = (void *)(long)skb->data + ETH_HLEN, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = start;
	struct ipv6 *ip6 = start;

	if (packet->type == ETH_P_IP) {
		if ((void *)(ip + 1) > end)
			return false;
		header->daddr = address_of_ipv4(ip->daddr);
		header->ttl = ip->ttl;
		return true;
	}
	if (packet->type != ETH_P_IPV6 || (void *)(ip6 + 1) > end)
		return false;
	header->daddr = ip6->daddr;
	header->ttl = ip6->hop_limit;
	header->bound = (ip6->saddr.w[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
	return true;
}

/* Packets with these destinations stay in their subnet. */
static __always_inline bool is_for_one_link(const struct packet *packet, const struct address *daddr)
{
	if (packet->type == ETH_P_IP)
		return ipv4_is_bogon(daddr->w[3]) || (daddr->w[3] & bpf_htonl(0xffff0000)) == bpf_htonl(0xa9fe0000);
	return ipv6_is_bogon(daddr) || ipv6_is_link_local(daddr);
}

static __always_inline bool is_neighbour_question(const struct packet *packet)
{
	return packet->question == QUESTION_ARP || packet->question == QUESTION_ND;
}

static __always_inline __u32 lesser_mtu(__u32 a, __u32 b)
{
	return !a || (b && b < a) ? b : a;
}

/* Asks the tables where the packet goes, and writes it down. Returns a drop reason or 0. */
static __noinline int find_routed(const struct packet *packet, struct routed *known, __u32 generation)
{
	struct routing *routing = &known->routing;
	struct vpc_subnet *subnet = &routing->subnet;
	int reason;

	routing->found.length = 0;
	if (!subnet_of(after(generation, packet->segment), subnet))
		return VPC_DROP_NO_ROUTE;
	if (is_gateway_of(subnet, &known->daddr))
		return VPC_DROP_TO_GATEWAY;
	if (is_for_one_link(packet, &known->daddr))
		return VPC_DROP_NO_ROUTE;
	routing->wanted.length = ROUTE_TABLE_BITS + 128;
	routing->wanted.table = packet->type == ETH_P_IP ? VPC_ROUTES_IPV4(subnet->route_table) : VPC_ROUTES_IPV6(subnet->route_table);
	*(struct address *)routing->wanted.addr = known->daddr;
	reason = find_station(routing);
	trace_addresses(VPC_TRACE_ROUTE, routing->found.addr, routing->route.addr, routing->route.kind,
			route_number(routing), routing->found.table, routing->route.vpc, packet->segment);
	trace_station(routing, reason);
	if (reason)
		return reason;
	known->segment = routing->host.segment;
	known->dmac = mac_at(routing->host.mac);
	/* Stations behind an uplink have a router of their own. */
	if (!fdb_lookup(known->segment, known->dmac, &known->to.dst))
		return VPC_DROP_NO_HOST;
	trace_destination(known->segment, known->dmac, &known->to.dst);
	known->mtu = known->to.dst.mtu;
	if (subnet_of(known->segment, subnet))
		known->mtu = lesser_mtu(subnet->mtu, known->mtu);
	known->to.path.learned_ns = known->to.tick = 0;
	if (known->to.dst.kind == VPC_DST_REMOTE) {
		note_used_mac(known->segment, &known->dmac);
		find_outgoing_mux(&known->to, generation);
	}
	note_used_address(known->segment, (struct address *)routing->key.addr);
	return 0;
}

/* What is known of the way to the packet's destination; `why`: why there is none. */
static __always_inline struct routed *routed_to(struct __sk_buff *skb, const struct packet *packet, const struct address *daddr,
						struct unroutable *why)
{
	__u32 generation = generation_now(), ifindex = skb->ifindex;
	__u32 index = slot_of(ifindex ^ daddr->w[0] ^ daddr->w[1], daddr->w[3] ^ daddr->w[2]);
	struct routed *known = bpf_map_lookup_elem(&routed, &index);
	__u64 tick = bpf_jiffies64();

	why->reason = VPC_DROP_NO_ROUTE;
	if (!known)
		return 0;
	if (known->generation == generation && known->ifindex == ifindex && tick < known->until && address_equal(&known->daddr, daddr))
		return known;
	known->ifindex = 0;
	known->daddr = *daddr;
	why->reason = find_routed(packet, known, generation);
	if (why->reason) {
		why->route = route_number(&known->routing);
		return 0;
	}
	known->generation = generation;
	known->ifindex = ifindex;
	known->until = tick + ROUTED_FRESH;
	return known;
}

/* The gateway's own address in the sender's subnet, for its own packets. False: it has none of the family. */
static __noinline bool gateway_address(const struct packet *packet, struct address *address)
{
	struct vpc_subnet subnet;

	if (!subnet_of(packet->segment, &subnet))
		return false;
	*address = *(const struct address *)(packet->type == ETH_P_IP ? subnet.gateway4 : subnet.gateway6);
	return !ipv6_is_unspecified(address);
}

/* The ICMP error of the gateway for a packet that it does not forward; type 0: none. */
static __always_inline struct icmp_error routing_error(const struct packet *packet, int reason, __u32 mtu)
{
	bool v4 = packet->type == ETH_P_IP;

	switch (reason) {
	case VPC_DROP_NO_ROUTE:
		return v4 ? (struct icmp_error){ .type = ICMP_UNREACHABLE, .code = ICMP_NET_UNREACHABLE } :
			    (struct icmp_error){ .type = ICMPV6_UNREACHABLE, .code = ICMPV6_NO_ROUTE };
	case VPC_DROP_NO_HOST:
		return v4 ? (struct icmp_error){ .type = ICMP_UNREACHABLE, .code = ICMP_HOST_UNREACHABLE } :
			    (struct icmp_error){ .type = ICMPV6_UNREACHABLE, .code = ICMPV6_ADDRESS_UNREACHABLE };
	case VPC_DROP_NO_PUBLIC_ADDRESS:
		return v4 ? (struct icmp_error){ .type = ICMP_UNREACHABLE, .code = ICMP_PROHIBITED } :
			    (struct icmp_error){ .type = ICMPV6_UNREACHABLE, .code = ICMPV6_PROHIBITED };
	case VPC_DROP_TTL_EXCEEDED:
		return (struct icmp_error){ .type = v4 ? ICMP_TIME_EXCEEDED : ICMPV6_TIME_EXCEEDED };
	case VPC_DROP_TOO_BIG:
		return too_big_error(packet, mtu);
	case VPC_DROP_TO_GATEWAY:
		return v4 ? (struct icmp_error){ .type = ICMP_UNREACHABLE, .code = ICMP_PORT_UNREACHABLE } :
			    (struct icmp_error){ .type = ICMPV6_UNREACHABLE, .code = ICMPV6_PORT_UNREACHABLE };
	default:
		return (struct icmp_error){};
	}
}

/* Drops a packet that is not passed on, and has the gateway tell its sender where it may. */
standalone int not_routed(struct __sk_buff *skb, struct packet *packet, __u32 reason, __u32 mtu, __u32 route)
{
	struct refusal *refusal = refusal_of_cpu();
	struct icmp_error error;

	if (!packet)
		return TC_ACT_SHOT;
	if (refusal)
		refusal->route = route;
	error = routing_error(packet, reason, mtu);
	if (!error.type || !gateway_address(packet, &error.source))
		return drop(skb, packet, reason);
	return drop_with_error(skb, packet, reason, &error);
}

/* Writes new MACs and a decremented TTL at once. The checksum of IPv4 follows by RFC 1141. */
static __always_inline bool rewrite_ipv4(struct __sk_buff *skb, const struct routed *known)
{
	struct {
		struct mac dmac, smac;
		__be16 type;
		__u16 begin[4];
		__u8 ttl, protocol;
		__u16 check;
	} head = { .dmac = known->dmac, .smac = gateway_mac(), .type = bpf_htons(ETH_P_IP) };
	__u16 *ip = (void *)(long)skb->data + ETH_HLEN;
	__u32 check;

	if ((void *)(ip + 6) > (void *)(long)skb->data_end)
		return false;
#pragma unroll
	for (int i = 0; i < 4; i++)
		head.begin[i] = ip[i];
	head.ttl = ((__u8 *)ip)[8] - 1;
	head.protocol = ((__u8 *)ip)[9];
	check = ip[5] + bpf_htons(0x0100);
	head.check = check + (check >= 0xffff);
	return !bpf_skb_store_bytes(skb, 0, &head, sizeof(head), 0);
}

static __always_inline bool rewrite_ipv6(struct __sk_buff *skb, const struct routed *known)
{
	struct {
		struct mac dmac, smac;
		__be16 type;
		__u16 begin[3];
		__u8 nexthdr, hop_limit;
	} head = { .dmac = known->dmac, .smac = gateway_mac(), .type = bpf_htons(ETH_P_IPV6) };
	__u16 *ip = (void *)(long)skb->data + ETH_HLEN;

	if ((void *)(ip + 4) > (void *)(long)skb->data_end)
		return false;
#pragma unroll
	for (int i = 0; i < 3; i++)
		head.begin[i] = ip[i];
	head.nexthdr = ((__u8 *)ip)[6];
	head.hop_limit = ((__u8 *)ip)[7] - 1;
	if (bpf_skb_store_bytes(skb, 0, &head, sizeof(head), 0))
		return false;
	/* Corrects the sum of a device that has summed up the whole packet, for the new hop limit. */
	bpf_csum_update(skb, ~(__u32)bpf_htons(1));
	return true;
}

/* Handles a packet for the gateway itself: a question, a ping, or a packet that it cannot use. */
standalone int at_gateway(struct __sk_buff *skb, struct packet *packet)
{
	int reason = VPC_DROP_TO_GATEWAY;

	if (!packet)
		return TC_ACT_SHOT;
	if (is_neighbour_question(packet)) {
		if (!packet->announcement && is_gateway_address(packet->segment, &packet->target))
			reason = answer_neighbour(skb, packet);
	} else if (make_echo_reply(skb, packet)) {
		reason = send_back(skb, packet);
		count(packet->source, answered);
	}
	return reason == OUTCOME_ANSWERED ? send_back_action(skb) : not_routed(skb, packet, VPC_DROP_TO_GATEWAY, 0, 0);
}

/*
 * Makes the packet one that its destination's subnet has, and gives where it goes. Null: nowhere, and no byte of it has
 * changed.
 */
static __noinline struct sending *route(struct __sk_buff *skb, struct packet *packet, struct unroutable *why)
{
	struct routed_header header = {};
	struct routed *known;

	why->reason = VPC_DROP_TO_GATEWAY;
	if (is_neighbour_question(packet) || !read_routed(skb, packet, &header))
		return 0;
	known = routed_to(skb, packet, &header.daddr, why);
	if (!known)
		return 0;
	why->reason = VPC_DROP_NO_ROUTE;
	if (unlikely(header.bound))
		return 0;
	why->reason = VPC_DROP_TTL_EXCEEDED;
	if (unlikely(header.ttl <= 1))
		return 0;
	why->reason = VPC_DROP_TOO_BIG;
	why->mtu = known->mtu;
	if (!fits(skb, packet, known->mtu))
		return 0;
	why->reason = VPC_DROP_ENCAP_FAILED;
	if (packet->type == ETH_P_IP ? !rewrite_ipv4(skb, known) : !rewrite_ipv6(skb, known))
		return 0;
	packet->segment = known->segment;
	packet->smac = gateway_mac();
	packet->dmac = known->dmac;
	return &known->to;
}

static __always_inline int refuse_to_route(struct __sk_buff *skb, struct packet *packet, const struct unroutable *why)
{
	return why->reason == VPC_DROP_TO_GATEWAY ? at_gateway(skb, packet) : not_routed(skb, packet, why->reason, why->mtu, why->route);
}

#endif
