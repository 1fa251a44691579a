/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Connections that leave by a NAT of this host and that this CPU has seen lately: their next packets need one look at
 * their cell, and one store.
 *
 * A slot has all that the slow way (nat-leave.h) has found out, for one pair of addresses and ports. It counts in the
 * generation of the tables in which it was filled, for NAT_FRESH, and while its cell is as it was then: so the slow way
 * would change nothing but the packet. Packets that begin or end a connection, and fragments, take the slow way.
 */
#ifndef VPC_NAT_SLOT_H
#define VPC_NAT_SLOT_H

#include "fits.h"
#include "flow-slot.h"
#include "nat-leaving.h"
#include "wire-send.h"

#define NAT_UDP_WORDS 4 /* of a UDP header, up to its checksum */

static __always_inline __u32 nat_slot_of(const struct nat_slot_key *key)
{
	__u32 from = key->saddr[1] >> 32 ^ key->saddr[1], to = key->daddr[1] >> 32 ^ key->daddr[1];
	__u32 hash = (key->proto ^ from) * 0x9e3779b1u ^ to * 0x85ebca6bu ^ key->ports * 0xc2b2ae35u;

	return (hash ^ hash >> 15) * 0x9e3779b1u >> (32 - SLOT_BITS);
}

static __always_inline struct nat_slot *nat_slot_at(__u32 index)
{
	return (struct nat_slot *)bpf_map_lookup_elem(&leavings, &index);
}

static __always_inline bool nat_is_slot_of(const struct nat_slot *slot, const struct nat_slot_key *key)
{
	const struct nat_slot_key *own = &slot->key;

	return !((own->saddr[0] ^ key->saddr[0]) | (own->saddr[1] ^ key->saddr[1]) | (own->daddr[0] ^ key->daddr[0]) |
		 (own->daddr[1] ^ key->daddr[1]) | (own->ports ^ key->ports) | (own->proto ^ key->proto));
}

/* The word of a cell with its port inside, its state and its FINs. */
static __always_inline __u32 nat_state_of(const struct vpc_nat_cell *cell)
{
	return *(volatile __u32 *)&cell->port;
}

static __always_inline bool nat_cell_is_as(const struct nat_cell_state *was, const struct vpc_nat_cell *cell)
{
	return cell && !((was->turn ^ *(volatile __u32 *)&cell->turn) | (was->last_s ^ cell->last_s) | (was->state ^ nat_state_of(cell))) &&
	       (cell->peers & was->peers) == was->peers;
}

/* The slot of a packet. Null: what it holds does not count, or is another connection's. */
static __always_inline struct nat_slot *nat_slot_for(struct __sk_buff *skb, const struct packet *packet, const struct nat_slot_key *key)
{
	__u32 index = nat_slot_of(key);
	struct nat_slot *slot = nat_slot_at(index);

	if (!slot || slot->ifindex != skb->ifindex || !nat_is_slot_of(slot, key) || slot->generation != generation_now() ||
	    bpf_jiffies64() >= slot->until || !fits(skb, packet, slot->mtu))
		return 0;
	return !slot->index || nat_cell_is_as(&slot->cell, nat_cell_at(slot->number, slot->index)) ? slot : 0;
}

/* What becomes of the checksum of TCP or UDP. */
static __always_inline __u16 nat_slot_check(const struct nat_slot *slot, __u16 check, bool partial, bool is_udp)
{
	if (partial)
		return fold(check + slot->pseudo);
	if (is_udp && !check)
		return 0;
	check = changed_check(check, slot->pseudo + slot->content);
	return is_udp && !check ? 0xffff : check;
}

/* The ports and what follows up to the checksum, of `words` words. */
static __always_inline void nat_slot_upper(const struct nat_slot *slot, const __u16 *from, __u16 *to, __u32 words, bool partial)
{
	to[0] = slot->port;
#pragma unroll
	for (__u32 i = 1; i < words - 1; i++)
		to[i] = from[i];
	to[words - 1] = nat_slot_check(slot, from[words - 1], partial, words == NAT_UDP_WORDS);
}

/* Headers from the TTL and the hop limit on. */
struct nat_known_ipv4 {
	__u8 ttl, proto;
	__u16 check;
	__be32 source, dest;
	__u16 upper[NAT_UPPER_WORDS];
};

struct nat_known_ipv6 {
	__u16 pad;
	__u8 nexthdr, hop_limit;
	struct address source, dest;
	__u16 upper[NAT_UPPER_WORDS];
};

#define NAT_KNOWN_IPV4_START (ETH_HLEN + offsetof(struct iphdr, ttl))
#define NAT_KNOWN_IPV4_LEN offsetof(struct nat_known_ipv4, upper)
#define NAT_KNOWN_IPV6_START (ETH_HLEN + offsetof(struct ipv6, nexthdr))
#define NAT_KNOWN_IPV6_LEN (offsetof(struct nat_known_ipv6, upper) - offsetof(struct nat_known_ipv6, nexthdr))

/*
 * Makes a packet of a connection that has a slot what leaves, at one store, and gives the slot. Null: it has none, and
 * no byte has changed. `words` of the upper header change, up to its checksum: a constant tells TCP from UDP. Of what
 * else TCP may send, the slow way takes note.
 */
static __always_inline struct nat_slot *nat_leave_ipv4(struct __sk_buff *skb, const struct packet *packet, const __u32 words)
{
	const struct iphdr *ip = (void *)(long)skb->data + ETH_HLEN;
	const __u16 *upper = (const void *)(ip + 1);
	struct nat_known_ipv4 head;
	struct nat_slot_key key;
	struct nat_slot *slot;
	__u32 check;

	if (packet->upper != ETH_HLEN + sizeof(*ip) || (void *)(upper + words) > (void *)(long)skb->data_end || ip->ttl <= 1)
		return 0;
	if (words == NAT_UPPER_WORDS && (((const __u8 *)upper)[13] & TCP_STATE) != TCP_ACK)
		return 0;
	set_slot_ipv4(key.saddr, ip->saddr);
	set_slot_ipv4(key.daddr, ip->daddr);
	key.ports = *(const __u32 *)upper;
	key.proto = packet->proto;
	slot = nat_slot_for(skb, packet, &key);
	if (!slot)
		return 0;
	check = ip->check + bpf_htons(0x0100);
	head.check = changed_check(check + (check >= 0xffff), slot->pseudo);
	head.ttl = ip->ttl - 1;
	head.proto = packet->proto;
	head.source = slot->address.w[3];
	head.dest = ip->daddr;
	nat_slot_upper(slot, upper, head.upper, words, nat_is_partial(skb, packet));
	return nat_store(skb, NAT_KNOWN_IPV4_START, &head, NAT_KNOWN_IPV4_LEN + 2 * words) ? 0 : slot;
}

static __always_inline struct nat_slot *nat_leave_ipv6(struct __sk_buff *skb, const struct packet *packet, const __u32 words)
{
	const struct ipv6 *ip = (void *)(long)skb->data + ETH_HLEN;
	const __u16 *upper = (const void *)(ip + 1);
	struct nat_known_ipv6 head;
	struct nat_slot_key key;
	struct nat_slot *slot;

	if (packet->upper != ETH_HLEN + sizeof(*ip) || (void *)(upper + words) > (void *)(long)skb->data_end || ip->hop_limit <= 1)
		return 0;
	if (words == NAT_UPPER_WORDS && (((const __u8 *)upper)[13] & TCP_STATE) != TCP_ACK)
		return 0;
	set_slot_ipv6(key.saddr, (const void *)&ip->saddr);
	set_slot_ipv6(key.daddr, (const void *)&ip->daddr);
	key.ports = *(const __u32 *)upper;
	key.proto = packet->proto;
	slot = nat_slot_for(skb, packet, &key);
	if (!slot)
		return 0;
	head.nexthdr = ip->nexthdr;
	head.hop_limit = ip->hop_limit - 1;
	head.source = slot->address;
	head.dest = *(const struct address *)key.daddr;
	nat_slot_upper(slot, upper, head.upper, words, nat_is_partial(skb, packet));
	return nat_store(skb, NAT_KNOWN_IPV6_START, &head.nexthdr, NAT_KNOWN_IPV6_LEN + 2 * words) ? 0 : slot;
}

/* Sends a guest's packet of a connection that this CPU knows out of the wire. 0: the slow way must. */
static __noinline optional int leave_by_slot(struct __sk_buff *skb, const struct packet *packet)
{
	bool v4 = packet->type == ETH_P_IP, is_tcp = packet->proto == IPPROTO_TCP;
	struct nat_slot *slot;

	if (vpc_trace || !packet->whole || (!is_tcp && packet->proto != IPPROTO_UDP))
		return 0;
	if (v4)
		slot = is_tcp ? nat_leave_ipv4(skb, packet, NAT_UPPER_WORDS) : nat_leave_ipv4(skb, packet, NAT_UDP_WORDS);
	else
		slot = is_tcp ? nat_leave_ipv6(skb, packet, NAT_UPPER_WORDS) : nat_leave_ipv6(skb, packet, NAT_UDP_WORDS);
	return slot ? redirect_to_wire(skb, slot->wire, slot->has_hop ? &slot->hop : 0, slot->number) : 0;
}

/* What of a cell must stay as it is. False: a packet may change it, or it has gone to another. */
static __always_inline bool nat_keep_cell(const struct cell_work *work, struct nat_slot *slot)
{
	struct vpc_nat_cell *cell = nat_cell_at(work->nat, work->index);
	bool is_tcp = work->plane == VPC_NAT_TCP;
	__u32 turn;

	if (!cell || work->tuple.kind != TUPLE_PLAIN)
		return false;
	turn = *(volatile __u32 *)&cell->turn;
	slot->cell = (struct nat_cell_state){
		.peers = nat_peer_bits(work, cell->seed), .turn = turn, .last_s = cell->last_s, .state = nat_state_of(cell)
	};
	if (cell->state != VPC_FLOW_ESTABLISHED && (is_tcp || cell->state != VPC_FLOW_NEW))
		return false;
	barrier();
	return !(is_tcp && cell->fins) && nat_is_owner(cell, work) && *(volatile __u32 *)&cell->turn == turn;
}

/* Fills the slot of an inspected packet that has just got its public source, for those that come as it came. */
static __noinline int remember_leaving(struct __sk_buff *skb, const struct packet *packet, const struct leaving *known)
{
	const struct nat_work *work = nat_work();
	const struct address *hop;
	struct nat_slot_key key;
	struct address source;
	struct nat_slot *slot;
	struct ports ports;
	__u32 index;

	if (vpc_trace || packet->hook != HOOK_UNIT || !packet->whole || !work)
		return 0;
	if ((packet->proto != IPPROTO_TCP && packet->proto != IPPROTO_UDP) || bpf_skb_load_bytes(skb, packet->upper, &ports, sizeof(ports)))
		return 0;
	source = work->ends.saddr;
	set_slot_ipv6(key.saddr, (const void *)&work->ends.saddr);
	set_slot_ipv6(key.daddr, (const void *)&work->ends.daddr);
	key.ports = (known->by_blocks ? work->cells.tuple.key.inside_port : ports.source) | (__u32)ports.dest << 16;
	key.proto = packet->proto;
	index = nat_slot_of(&key);
	slot = nat_slot_at(index);
	if (!slot)
		return 0;
	slot->ifindex = 0; /* empty until it is written completely */
	slot->index = known->by_blocks ? work->cells.index : 0;
	if (known->by_blocks && !nat_keep_cell(&work->cells, slot))
		return 0;
	slot->key = key;
	slot->pseudo = change_ipv6(&source, &known->source);
	slot->content = fold(word_change(key.ports & 0xffff, ports.source));
	slot->address = known->source.address;
	slot->port = ports.source;
	hop = next_hop(&known->nat, packet->type == ETH_P_IP, &known->ends.daddr);
	slot->has_hop = hop != 0;
	if (hop)
		slot->hop = *hop;
	slot->number = known->number;
	slot->wire = known->nat.wire;
	slot->mtu = known->mtu;
	slot->generation = known->generation;
	slot->until = known->until;
	slot->ifindex = skb->ifindex;
	return 0;
}

#endif
