/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Established flows that this CPU has seen lately: their next packets need no lookup in a hash table.
 *
 * A slot counts while all that it follows from is as it was: the port's policies, the epoch of the peer, and the turn
 * of the slot's number, which rises after a flow of that number has ended. Programs read the turn before the flow, and
 * raise it after they have changed the flow. So what one CPU does to a flow counts on all others at once.
 *
 * A slot collects what its packets add to the flow's counters, and gives it to the flow when it is filled again, after
 * SLOT_FRESH at the latest, or when a packet ends the connection. Who reads the flow's counters adds what slots still
 * have.
 */
#ifndef VPC_FLOW_SLOT_H
#define VPC_FLOW_SLOT_H

#include "flow-life.h"
#include "policy.h"
#include "trace.h"
#include "tuple.h"

#define SLOT_FRESH 25 /* ticks of the kernel: 25 to 250 ms */
#define SLOT_IN_USE 1 /* ticks since the last packet in which no other flow gets the slot */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VPC_FLOW_SLOTS);
	__type(key, __u32);
	__type(value, struct vpc_flow_slot);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flow_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VPC_FLOW_SLOTS);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flow_turns SEC(".maps");

/* The bytes of a struct vpc_young_key in the words that a processor compares at once. */
struct slot_key {
	__u64 head; /* port and protocol */
	__u64 inside[2], outside[2];
	__u32 ports;
};

/* The number of a flow's slot. */
static __always_inline __u32 flow_slot_of(const struct slot_key *key)
{
	__u32 inside = key->inside[1] >> 32 ^ key->inside[1], outside = key->outside[1] >> 32 ^ key->outside[1];
	__u32 hash = ((__u32)key->head ^ inside) * 0x9e3779b1u ^ outside * 0x85ebca6bu ^ key->ports * 0xc2b2ae35u;

	return (hash ^ hash >> 15) * 0x9e3779b1u >> (32 - VPC_FLOW_SLOT_BITS);
}

static __always_inline bool is_same_flow(const struct slot_key *a, const struct slot_key *b)
{
	return !((a->head ^ b->head) | (a->inside[0] ^ b->inside[0]) | (a->inside[1] ^ b->inside[1]) | (a->outside[0] ^ b->outside[0]) |
		 (a->outside[1] ^ b->outside[1]) | (a->ports ^ b->ports));
}

static __always_inline const struct slot_key *slot_key(const struct vpc_young_key *key)
{
	return (const void *)key;
}

/* A flow of this number has another state now, or is gone. */
static __always_inline void raise_turn(const struct vpc_young_key *key)
{
	__u32 index = flow_slot_of(slot_key(key)), *turn = bpf_map_lookup_elem(&flow_turns, &index);

	if (turn && !vpc_trace)
		__sync_fetch_and_add(turn, 1);
}

/* To be read before the flow. */
static __always_inline __u32 turn_now(const struct vpc_young_key *key)
{
	__u32 index = flow_slot_of(slot_key(key)), *turn = bpf_map_lookup_elem(&flow_turns, &index);

	return turn ? *(volatile __u32 *)turn : 0;
}

/* IPv4 addresses as the tables have them: see address_of_ipv4. */
static __always_inline void set_slot_ipv4(__u64 *address, __be32 ipv4)
{
	address[0] = 0;
	address[1] = (__u64)ipv4 << 32 | bpf_htonl(0xffff);
}

static __always_inline void set_slot_ipv6(__u64 *address, const __u64 *from)
{
	address[0] = from[0];
	address[1] = from[1];
}

/* Addresses of a packet, as the port sees them. False: they are out of reach. */
static __always_inline bool read_slot_addresses(struct __sk_buff *skb, const struct packet *packet, bool from_inside, struct slot_key *key)
{
	void *ip = (void *)(long)skb->data + ETH_HLEN, *end = (void *)(long)skb->data_end;
	void *source, *dest;

	if (packet->type == ETH_P_IP) {
		if (ip + sizeof(struct iphdr) > end)
			return false;
		source = ip + offsetof(struct iphdr, saddr);
		dest = ip + offsetof(struct iphdr, daddr);
		set_slot_ipv4(key->inside, *(__be32 *)(from_inside ? source : dest));
		set_slot_ipv4(key->outside, *(__be32 *)(from_inside ? dest : source));
		return true;
	}
	if (ip + sizeof(struct ipv6) > end)
		return false;
	source = ip + offsetof(struct ipv6, saddr);
	dest = ip + offsetof(struct ipv6, daddr);
	set_slot_ipv6(key->inside, from_inside ? source : dest);
	set_slot_ipv6(key->outside, from_inside ? dest : source);
	return true;
}

/*
 * The key of the flow of a packet that slots are for: TCP that changes no state, or UDP, whole, its headers within
 * reach. False: it is another packet.
 */
static __always_inline bool read_slot_key(struct __sk_buff *skb, const struct packet *packet, __u32 port, __u32 direction,
					  struct slot_key *key)
{
	void *upper = (void *)(long)skb->data + (packet->upper & 0xff), *end = (void *)(long)skb->data_end;
	bool from_inside = direction == VPC_OUT, is_tcp = packet->proto == IPPROTO_TCP;

	if (!packet->whole || packet->upper > 0xff || (!is_tcp && packet->proto != IPPROTO_UDP) || upper + 8 > end)
		return false;
	if (is_tcp && (upper + 14 > end || (((__u8 *)upper)[13] & TCP_STATE) != TCP_ACK))
		return false;
	key->head = (__u64)packet->proto << 32 | port;
	key->ports = *(__u32 *)upper;
	if (!from_inside)
		key->ports = key->ports << 16 | key->ports >> 16;
	return read_slot_addresses(skb, packet, from_inside, key);
}

/* Whether the slot is of this flow, and everything is as it was when it was filled. */
static __always_inline bool slot_counts(const struct vpc_flow_slot *slot, const struct slot_key *key,
					const struct vpc_port_policy *policy, __u32 turn, __u32 tick)
{
	__u32 all = 0, peer = slot->peer, *everybody, *own;

	if ((slot->vpc ^ policy->vpc) | (slot->in ^ policy->in) | (slot->out ^ policy->out) | (slot->policy_flags ^ policy->policy_flags) |
	    (slot->turn ^ turn))
		return false;
	if (tick - slot->filled > SLOT_FRESH || !is_same_flow(slot_key(&slot->key), key))
		return false;
	everybody = bpf_map_lookup_elem(&peer_epochs, &all);
	own = bpf_map_lookup_elem(&peer_epochs, &peer);
	return everybody && own && slot->epoch == judged_in(*(volatile __u32 *)everybody + *(volatile __u32 *)own, policy);
}

/* Passes a packet of a flow that this CPU knows, and counts it. False: the flow must be looked up. */
static __always_inline bool pass_by_slot(struct __sk_buff *skb, const struct slot_key *key, const struct vpc_port_policy *policy,
					 __u32 direction)
{
	__u32 index = flow_slot_of(key), place = direction == VPC_OUT, tick = bpf_jiffies64();
	struct vpc_flow_slot *slot = bpf_map_lookup_elem(&flow_slots, &index);
	__u32 *turn = bpf_map_lookup_elem(&flow_turns, &index);

	if (!slot || !turn || !slot_counts(slot, key, policy, *(volatile __u32 *)turn, tick))
		return false;
	slot->tick = tick;
	slot->packets[place]++;
	slot->bytes[place] += skb->len;
	return true;
}

/* Gives a flow what a slot of it has counted. */
static __always_inline void add_counts(struct vpc_flow *flow, struct vpc_flow_slot *slot)
{
	__sync_fetch_and_add(&flow->packets[0], slot->packets[0]);
	__sync_fetch_and_add(&flow->packets[1], slot->packets[1]);
	__sync_fetch_and_add(&flow->bytes[0], slot->bytes[0]);
	__sync_fetch_and_add(&flow->bytes[1], slot->bytes[1]);
	slot->packets[0] = slot->packets[1] = 0;
	slot->bytes[0] = slot->bytes[1] = 0;
}

/* The same for the flow that a slot is of, which must be looked up. */
static __noinline int settle_slot(struct vpc_flow_slot *slot)
{
	void *own = flows_of(slot->key.port);
	struct vpc_flow *flow = own ? bpf_map_lookup_elem(own, &slot->key.flow) : 0;

	if (!flow)
		flow = bpf_map_lookup_elem(&young, &slot->key);
	if (flow && flow->birth == slot->birth) {
		add_counts(flow, slot);
		return 0;
	}
	slot->packets[0] = slot->packets[1] = 0;
	slot->bytes[0] = slot->bytes[1] = 0;
	return 0;
}

/*
 * Settles this CPU's slot of a flow that ends. Otherwise the next flow in the slot would have to look the old one up,
 * which no cache holds any more.
 */
static __noinline int settle_ending(const struct vpc_young_key *key, struct vpc_flow *flow)
{
	__u32 index = flow_slot_of(slot_key(key));
	struct vpc_flow_slot *slot = bpf_map_lookup_elem(&flow_slots, &index);

	if (!vpc_trace && slot && slot->birth == flow->birth && slot->packets[0] | slot->packets[1] && is_same_flow(slot_key(&slot->key), slot_key(key)))
		add_counts(flow, slot);
	return 0;
}

/* Fills the slot of a flow that has just been judged and found. A slot that another flow uses stays its. */
static __noinline int fill_slot(const struct vpc_young_key *key, const struct vpc_flow *flow, const struct vpc_port_policy *policy, __u32 turn)
{
	__u32 index = flow_slot_of(slot_key(key)), tick = bpf_jiffies64();
	struct vpc_flow_slot *slot = bpf_map_lookup_elem(&flow_slots, &index);

	if (!slot || (slot->vpc && tick - slot->tick <= SLOT_IN_USE && !is_same_flow(slot_key(&slot->key), slot_key(key))))
		return 0;
	if (slot->packets[0] | slot->packets[1])
		settle_slot(slot);
	slot->key = *key;
	slot->turn = turn;
	slot->vpc = policy->vpc;
	slot->in = policy->in;
	slot->out = policy->out;
	slot->policy_flags = policy->policy_flags;
	slot->epoch = flow->epoch;
	slot->peer = peer_place(policy->vpc, (const struct address *)key->flow.outside);
	slot->birth = flow->birth;
	slot->filled = slot->tick = tick;
	return 0;
}

#endif
