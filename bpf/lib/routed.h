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
#include "not-routed.h"
#include "outgoing.h"
#include "route.h"
#include "routed-header.h"
#include "to-service.h"

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

static __always_inline bool is_neighbour_question(const struct packet *packet)
{
	return packet->question == QUESTION_ARP || packet->question == QUESTION_ND;
}

/* Reads the sender's subnet, and whether packets to the address leave it. Returns a drop reason or 0. */
static __noinline int judge_destination(const struct packet *packet, struct routed *known, __u32 generation)
{
	struct vpc_subnet *subnet = &known->routing.subnet;

	if (!subnet_of(after(generation, packet->segment), subnet))
		return VPC_DROP_NO_ROUTE;
	if (is_gateway_of(subnet, &known->daddr))
		return VPC_DROP_TO_GATEWAY;
	if (!(subnet->flags & VPC_SUBNET_ROUTED))
		return VPC_DROP_UNKNOWN_UNICAST;
	return is_for_one_link(packet, &known->daddr) ? VPC_DROP_NO_ROUTE : 0;
}

/* Asks the tables where the packet goes, and writes it down. Returns a drop reason or 0. */
static __noinline int find_routed(const struct packet *packet, struct routed *known, __u32 generation)
{
	struct routing *routing = &known->routing;
	struct vpc_subnet *subnet = &routing->subnet;
	int reason = judge_destination(packet, known, generation);

	routing->found.length = 0;
	if (reason)
		return reason;
	routing->wanted.length = ROUTE_TABLE_BITS + 128;
	routing->wanted.table = packet->type == ETH_P_IP ? VPC_ROUTES_IPV4(subnet->route_table) : VPC_ROUTES_IPV6(subnet->route_table);
	*(struct address *)routing->wanted.addr = known->daddr;
	reason = find_station(routing);
	traced(record_route(routing, packet->segment));
	known->to.dst.kind = VPC_DST_NAT;
	if (!reason && routing->route.kind == VPC_ROUTE_IGW)
		return 0;
	traced(record_station(routing, reason));
	if (reason)
		return reason;
	known->segment = routing->host.segment;
	known->dmac = mac_at(routing->host.mac);
	/* Stations behind an uplink have a router of their own. */
	if (!fdb_lookup(known->segment, known->dmac, &known->to.dst))
		return VPC_DROP_NO_HOST;
	traced(record_destination(known->segment, &known->dmac, &known->to.dst));
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

/*
 * Handles a packet for the gateway itself: for a service of the host, a question, a ping, or a packet that it cannot
 * use.
 */
standalone int at_gateway(struct __sk_buff *skb, struct packet *packet)
{
	int reason = VPC_DROP_TO_GATEWAY, service;

	if (!packet)
		return TC_ACT_SHOT;
	service = to_service(skb, packet);
	if (service)
		return service > 0 ? bpf_redirect_peer(service, 0) : drop(skb, packet, -service);
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
 * changed; nor has one of a packet that leaves by a NAT (nat-leave.h).
 */
static __noinline struct sending *route(struct __sk_buff *skb, struct packet *packet, struct unroutable *why)
{
	const struct mac smac = gateway_mac();
	struct routed_header header = {};
	struct routed *known;

	why->reason = VPC_DROP_TO_GATEWAY;
	if (is_neighbour_question(packet) || !read_routed(skb, packet, &header))
		return 0;
	known = routed_to(skb, packet, &header.daddr, why);
	if (!known)
		return 0;
	if (unlikely(known->to.dst.kind == VPC_DST_NAT))
		return &known->to;
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
	if (packet->type == ETH_P_IP ? !rewrite_ipv4(skb, &known->dmac, &smac) : !rewrite_ipv6(skb, &known->dmac, &smac))
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
