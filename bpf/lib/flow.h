/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Flows of ports that are in security groups: one element for both directions. It is in `young` until a reply and a
 * further packet of the initiator confirm it, and then in the port's own map. A later check uses the initiator's
 * direction, so that an answer never reopens a revoked flow.
 */
#ifndef VPC_FLOW_H
#define VPC_FLOW_H

#include "count.h"
#include "flow-life.h"
#include "flow-slot.h"
#include "policy.h"
#include "scratch.h"
#include "tuple.h"

#define FINS (1 << VPC_IN | 1 << VPC_OUT)

/* Works on one packet. It does not fit on the stack. */
struct flow_work {
	struct tuple tuple;
	struct vpc_young_key young __attribute__((aligned(8)));
	struct vpc_flow flow;
	struct vpc_port_policy policy;
	struct asked asked;
	__u32 now_s;
	__u32 length;
	__u32 is_young;
	__u32 state; /* of the packet's flow, before the packet or as revoked; 0: it has none */
	__u32 rule;  /* that lets it pass, or had let its flow */
	__u32 turn;     /* see flow-slot.h */
	__u32 has_slot; /* the packet may pass by a slot */
};

/* Follows from the key. src/datapath/flows.ts does not need it: it keeps what it read. */
static __always_inline __u32 flow_check(const struct vpc_young_key *key)
{
	const __u32 *word = (const void *)key;
	__u32 hash = 0;

#pragma unroll
	for (__u32 i = 0; i < sizeof(*key) / sizeof(__u32); i++)
		hash = (hash ^ word[i]) * 0x9e3779b1u;
	return hash;
}

/*
 * The flow that a traced packet would have begun: it may meet it again in the same run, when its port sends it to
 * itself by way of a NAT.
 */
struct begun_flow {
	__u32 generation;
	struct vpc_young_key key;
	struct vpc_flow flow;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct begun_flow);
} begun_flows SEC(".maps");

static __noinline int keep_begun(const struct flow_work *work)
{
	__u32 zero = 0;
	struct begun_flow *begun = bpf_map_lookup_elem(&begun_flows, &zero);

	if (!begun)
		return 0;
	begun->generation = generation_now();
	begun->key = work->young;
	begun->flow = work->flow;
	return 0;
}

static __noinline struct vpc_flow *begun_of(const struct flow_work *work)
{
	__u32 zero = 0;
	struct begun_flow *begun = bpf_map_lookup_elem(&begun_flows, &zero);

	if (!begun || begun->generation != generation_now() || !same_key(&begun->key, &work->young, sizeof(begun->key)))
		return 0;
	return &begun->flow;
}

/* The flow of the packet. Null: there is none. */
static __noinline struct vpc_flow *find_flow(struct flow_work *work)
{
	void *own = flows_of(work->young.port);
	struct vpc_flow *flow = own ? bpf_map_lookup_elem(own, &work->young.flow) : 0;

	work->is_young = !flow;
	if (!flow)
		flow = bpf_map_lookup_elem(&young, &work->young);
	if (flow && flow->check != flow_check(&work->young))
		flow = 0;
	if (vpc_trace && !flow)
		flow = begun_of(work);
	work->state = flow ? flow->state : 0;
	if (vpc_trace && flow) {
		work->flow = *flow;
		flow = &work->flow;
	}
	return flow;
}

static __noinline void forget_flow(struct flow_work *work)
{
	void *own = flows_of(work->young.port);

	if (own)
		remove_entry(own, &work->young.flow);
	remove_entry(&young, &work->young);
	raise_turn(&work->young);
}

static __always_inline __u32 epoch_of(const struct flow_work *work)
{
	return judged_in(peer_epoch(work->policy.vpc, (struct address *)work->young.flow.outside), &work->policy);
}

static __always_inline __u32 policy_of(const struct flow_work *work, __u32 direction)
{
	return direction == VPC_IN ? work->policy.in : work->policy.out;
}

/*
 * Whether a policy allows a flow that `initiator` begins. The packet in work may be of the other direction. A refusal
 * by tables that were being changed is asked again.
 */
static __noinline bool may_flow(struct flow_work *work, __u32 initiator, __u32 *epoch)
{
	struct asked *asked = &work->asked;
	__u32 port = work->young.port;
	struct vpc_port_policy *now;

	for (int turn = 0; turn < 2; turn++) {
		asked->vpc = work->policy.vpc;
		asked->policy = policy_of(work, initiator);
		asked->peer = *(struct address *)work->young.flow.outside;
		asked->protocol = work->young.flow.protocol;
		asked->rule = 0;
		*epoch = epoch_of(work);
		if (!asked->policy || allows(asked))
			return true;
		now = bpf_map_lookup_elem(&port_policies, &port);
		if (!now)
			return false;
		work->policy = *now;
		if (asked->policy == policy_of(work, initiator) && *epoch == epoch_of(work))
			return false;
	}
	return false;
}

/* The service that the initiator's packets go to. */
static __always_inline __u16 service_of(const struct vpc_flow_key *key, __u32 initiator)
{
	if (key->protocol == IPPROTO_ICMP || key->protocol == IPPROTO_ICMPV6)
		return key->icmp_type << 8;
	return bpf_ntohs(initiator == VPC_IN ? key->inside_port : key->outside_port);
}

static __always_inline void refused(const struct flow_work *work, __u32 rule)
{
	struct refusal *refusal = refusal_of_cpu();

	if (!refusal)
		return;
	refusal->port = work->young.port;
	refusal->policy = work->asked.policy;
	refusal->rule = rule;
	refusal->direction = work->tuple.direction;
	refusal->state = work->state;
}

/* Checks a flow again when rules or the peer's class have changed since. */
static __noinline void judge_again(struct flow_work *work, struct vpc_flow *flow)
{
	__u32 initiator = flow->initiator, epoch;
	bool allowed;

	work->asked.service = service_of(&work->young.flow, initiator);
	allowed = may_flow(work, initiator, &epoch);
	flow->policy = work->asked.policy;
	flow->epoch = epoch;
	if (allowed) {
		flow->rule = work->asked.rule;
		if (flow->state == VPC_FLOW_DENIED)
			flow->state = VPC_FLOW_REPLIED;
	} else if (!(work->policy.policy_flags & VPC_POLICY_DRAIN)) {
		flow->state = VPC_FLOW_DENIED;
		raise_turn(&work->young);
	}
}

/* Puts a confirmed flow into the port's own map. While that is full, it stays where it is. */
static __noinline void confirm(struct flow_work *work, struct vpc_flow *flow)
{
	void *own = flows_of(work->young.port);

	work->flow = *flow;
	if (own && !put_entry(own, &work->young.flow, &work->flow, BPF_ANY))
		remove_entry(&young, &work->young);
	else
		count(work->young.port, flow_overflow);
}

/* What the packet makes of the flow's state. */
static __always_inline void advance(struct flow_work *work, struct vpc_flow *flow)
{
	bool first = work->tuple.direction == flow->initiator, is_tcp = work->young.flow.protocol == IPPROTO_TCP;
	__u8 tcp = work->tuple.tcp;
	bool is_answer = !is_tcp || (tcp & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) || flow->fins & VPC_FLOW_PICKED_UP;

	if (tcp & TCP_FIN)
		flow->fins |= 1 << work->tuple.direction;
	if (tcp & TCP_RST || (flow->fins & FINS) == FINS)
		flow->state = VPC_FLOW_CLOSING;
	if (flow->state == VPC_FLOW_NEW && !first && is_answer)
		flow->state = VPC_FLOW_REPLIED;
	else if (flow->state == VPC_FLOW_REPLIED && first && (!is_tcp || (tcp & (TCP_SYN | TCP_ACK)) == TCP_ACK))
		flow->state = VPC_FLOW_ESTABLISHED;
}

static __always_inline void note_packet(struct flow_work *work, struct vpc_flow *flow)
{
	__u32 tick = bpf_jiffies64(), place = work->tuple.direction == VPC_OUT;
	bool is_news = flow->tick != tick;

	if (is_news) {
		flow->tick = tick;
		flow->last_s = work->now_s;
	}
	__sync_fetch_and_add(&flow->packets[place], 1);
	__sync_fetch_and_add(&flow->bytes[place], work->length);
	if (work->is_young && flow->state == VPC_FLOW_ESTABLISHED && (is_news || !flow->confirmed)) {
		flow->confirmed = 1;
		confirm(work, flow);
	}
}

/* A connection that is over, or was revoked, is no hindrance to another one. */
static __always_inline bool begins_anew(const struct flow_work *work, const struct vpc_flow *flow)
{
	return (work->tuple.tcp & (TCP_SYN | TCP_ACK)) == TCP_SYN && (flow->state == VPC_FLOW_CLOSING || flow->state == VPC_FLOW_DENIED);
}

/* Has the flow be judged by what holds now. */
static __always_inline void keep_judged(struct flow_work *work, struct vpc_flow *flow)
{
	if (flow->policy != policy_of(work, flow->initiator) || flow->epoch != epoch_of(work))
		judge_again(work, flow);
}

/* Handles a packet of an existing flow. Returns a drop reason or 0. */
static __noinline int follow_flow(struct flow_work *work, struct vpc_flow *flow)
{
	work->rule = flow->rule;
	if (flow->state == VPC_FLOW_DENIED) {
		flow->last_s = work->now_s;
		work->asked.policy = flow->policy;
		work->state = VPC_FLOW_DENIED;
		refused(work, flow->rule);
		return VPC_DROP_SG_REVOKED;
	}
	advance(work, flow);
	if (work->tuple.tcp & (TCP_FIN | TCP_RST))
		settle_ending(&work->young, flow);
	if (work->has_slot && flow->state == VPC_FLOW_ESTABLISHED && flow->policy == policy_of(work, flow->initiator))
		fill_slot(&work->young, flow, &work->policy, work->turn);
	note_packet(work, flow);
	return 0;
}

/* What a packet that may pass begins: VPC_FLOW_PICKED_UP for a TCP connection that is under way; -1: no flow. */
static __noinline int beginning_of(const struct flow_work *work)
{
	__u8 tcp = work->tuple.tcp & TCP_STATE;
	__u32 port = work->young.port, *until;

	if (work->tuple.kind == TUPLE_ONCE)
		return -1;
	if (work->tuple.key.protocol != IPPROTO_TCP || tcp == TCP_SYN)
		return 0;
	until = bpf_map_lookup_elem(&pickups, &port);
	return tcp == TCP_ACK && until && work->now_s < *until ? VPC_FLOW_PICKED_UP : -1;
}

/* Checks whether the packet may pass, and begins a flow for it. Returns a drop reason or 0. */
static __noinline int begin_flow(struct flow_work *work)
{
	struct tuple *tuple = &work->tuple;
	struct vpc_flow *flow = &work->flow;
	__u32 epoch;
	int beginning;

	work->asked.service = tuple->service;
	if (!may_flow(work, tuple->direction, &epoch)) {
		refused(work, 0);
		return VPC_DROP_SG_DENIED;
	}
	work->rule = work->asked.rule;
	beginning = beginning_of(work);
	if (beginning < 0)
		return 0;
	__builtin_memset(flow, 0, sizeof(*flow));
	flow->check = flow_check(&work->young);
	flow->rule = work->asked.rule;
	flow->policy = work->asked.policy;
	flow->epoch = epoch;
	flow->last_s = flow->created_s = work->now_s;
	flow->tick = bpf_jiffies64();
	flow->birth = bpf_get_prandom_u32();
	flow->tcp_idle_s = work->policy.tcp_idle_s;
	flow->state = VPC_FLOW_NEW;
	flow->initiator = tuple->direction;
	flow->fins = beginning;
	flow->packets[tuple->direction == VPC_OUT] = 1;
	flow->bytes[tuple->direction == VPC_OUT] = work->length;
	put_entry(&young, &work->young, flow, BPF_ANY);
	traced(keep_begun(work));
	if (flow->rule)
		count_hit(flow->rule);
	return 0;
}

#endif
