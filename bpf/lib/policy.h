/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which rule of a policy allows a new flow: the first bit that is set both in the vector of its peer's class and in
 * that of its port. What this takes does not depend on how many rules or members there are.
 */
#ifndef VPC_POLICY_H
#define VPC_POLICY_H

#include "entry.h"
#include "mac.h"
#include "policy-maps.h"
#include "trace.h"

/* A question to a policy. */
struct asked {
	__u32 policy, vpc;
	struct address peer;
	__u16 protocol;
	__u16 service; /* the destination's port; of ICMP: type * 256 + code */
	__u32 rule;    /* the answer */
	/* Keys of the tables that are asked: here, because the stack is short. */
	struct vpc_member_key member_key;
	struct vpc_cidr_key cidr;
	struct vpc_peer_rules_key peer_key;
	struct vpc_port_cuts_key cuts_key;
	struct vpc_port_rules_key row;
	struct vpc_rule_key rule_key;
};

/* src/datapath/peer-epochs.ts does the same. */
static __always_inline __u32 peer_hash(__u32 vpc, const struct address *peer)
{
	const __u32 *word = (const void *)peer;
	__u32 hash = vpc;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		hash = (hash ^ word[i]) * 0x85ebca6bu;
		hash ^= hash >> 15;
	}
	return hash;
}

/* The peer's place in `peer_epochs`. */
static __always_inline __u32 peer_place(__u32 vpc, const struct address *peer)
{
	return 1 + peer_hash(vpc, peer) % (VPC_PEER_EPOCHS - 1);
}

/* To be read before any table of a decision about the peer. */
static __always_inline __u32 peer_epoch(__u32 vpc, const struct address *peer)
{
	__u32 all = 0, one = peer_place(vpc, peer);
	__u32 *everybody = bpf_map_lookup_elem(&peer_epochs, &all), *own = bpf_map_lookup_elem(&peer_epochs, &one);

	return (everybody ? *(volatile __u32 *)everybody : 0) + (own ? *(volatile __u32 *)own : 0);
}

/*
 * The epoch of a judgement: the peer's, and what becomes of flows without a rule. To be read before any table of the
 * judgement.
 */
static __always_inline __u32 judged_in(__u32 epoch, const struct vpc_port_policy *policy)
{
	return epoch ^ (policy->policy_flags & VPC_POLICY_DRAIN) << 31;
}

/* The class of a peer: as a member of groups, else by the networks that it is in. */
static __always_inline __u32 class_of(struct asked *asked)
{
	struct vpc_member member, *found;

	asked->member_key.vpc = asked->cidr.vpc = asked->vpc;
	*(struct address *)asked->member_key.addr = *(struct address *)asked->cidr.addr = asked->peer;
	asked->cidr.length = 160;
	if (read_entry(&members, &asked->member_key, &member))
		return member.class_id;
	found = bpf_map_lookup_elem(&cidrs, &asked->cidr);
	return found ? found->class_id : 0;
}

/*
 * How many of the bounds are not beyond the port. A function of its own: the verifier follows each way through the
 * search, and so does it once.
 */
standalone __u32 interval_of(const struct vpc_port_cuts *cuts, __u16 port)
{
	__u32 below = 0, next;

	if (!cuts)
		return 0;
	for (__u32 step = 512; step; step >>= 1) {
		next = below + step;
		if (next <= VPC_PORT_CUTS && next <= cuts->count && cuts->first[(next - 1) & 1023] <= port)
			below = next;
	}
	return below;
}

/* Protocol and interval of the row that the port's rules are in. */
static __always_inline bool find_row(struct asked *asked)
{
	struct vpc_port_rules_key *row = &asked->row;
	struct vpc_port_cuts_entry *entry;

	asked->cuts_key.policy = asked->policy;
	asked->cuts_key.protocol = asked->protocol;
	entry = bpf_map_lookup_elem(&port_cuts, &asked->cuts_key);
	row->policy = asked->policy;
	row->protocol = VPC_PROTOCOL_ANY;
	row->interval = 0;
	if (!entry)
		return true;
	row->protocol = asked->protocol;
	row->interval = interval_of(&entry->value, asked->service);
	return is_still(entry, &asked->cuts_key);
}

/* The number of the lowest bit that is set. */
static __always_inline __u32 lowest_bit(__u64 word)
{
	__u32 bit = 0;

#pragma unroll
	for (__u32 width = 32; width; width >>= 1)
		if (!(word & ((1ull << width) - 1))) {
			word >>= width;
			bit += width;
		}
	return bit;
}

/* The first bit that two vectors have both; none: as many as there are. */
standalone int first_common(const struct vpc_rule_bits *a, const struct vpc_rule_bits *b)
{
	__u64 both;

	if (!a || !b)
		return VPC_RULE_WORDS * 64;
	for (__u32 i = 0; i < VPC_RULE_WORDS; i++) {
		both = a->word[i] & b->word[i];
		if (both)
			return i * 64 + lowest_bit(both);
	}
	return VPC_RULE_WORDS * 64;
}

/* The bit of the rule that allows the packet; the number of rules: none does, or an entry went to another key. */
static __noinline __u32 find_bit_once(struct asked *asked)
{
	struct vpc_peer_rules_entry *by_peer;
	struct vpc_port_rules_entry *by_port;
	__u32 bit;

	asked->peer_key.policy = asked->policy;
	asked->peer_key.class_id = class_of(asked);
	by_peer = bpf_map_lookup_elem(&peer_rules, &asked->peer_key);
	if (!by_peer) {
		asked->peer_key.class_id = 0;
		by_peer = bpf_map_lookup_elem(&peer_rules, &asked->peer_key);
	}
	if (!by_peer || !find_row(asked))
		return VPC_RULE_WORDS * 64;
	by_port = bpf_map_lookup_elem(&port_rules, &asked->row);
	if (!by_port)
		return VPC_RULE_WORDS * 64;
	bit = first_common(&by_peer->value, &by_port->value);
	return is_still(by_peer, &asked->peer_key) && is_still(by_port, &asked->row) ? bit : VPC_RULE_WORDS * 64;
}

/* The same, of tables that nobody wrote meanwhile: see look_at. */
static __always_inline __u32 find_bit(struct asked *asked)
{
	for (int turn = 0; turn < READ_TURNS; turn++) {
		__u32 generation = generation_now(), bit = find_bit_once(asked);

		if (generation_now() == generation)
			return bit;
	}
	return VPC_RULE_WORDS * 64;
}

/* True: a rule allows it, and asked->rule is its number. */
standalone int allows(struct asked *asked)
{
	__u32 *number;

	if (!asked)
		return false;
	asked->rule_key.policy = asked->policy;
	asked->rule_key.bit = find_bit(asked);
	if (asked->rule_key.bit >= VPC_RULE_WORDS * 64)
		return false;
	number = bpf_map_lookup_elem(&rule_numbers, &asked->rule_key);
	asked->rule = number ? *number : 0;
	return true;
}

static __always_inline void count_hit(__u32 rule)
{
	__u64 one = 1, *hits = bpf_map_lookup_elem(&rule_hits, &rule);

	if (vpc_trace)
		return;
	if (hits)
		++*hits;
	else
		put_entry(&rule_hits, &rule, &one, BPF_NOEXIST);
}

#endif
