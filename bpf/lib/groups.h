/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Whether the security groups of a port let a packet pass, to its unit or from it. Only ports in a group ask
 * (VPC_PORT_POLICY, VPC_DST_POLICY). ARP, frames that are not IP, neighbour discovery, DHCP, pings of the gateway and
 * packets to services of the host always pass.
 */
#ifndef VPC_GROUPS_H
#define VPC_GROUPS_H

#include "event.h"
#include "flow.h"
#include "gateway.h"

#define FRAGMENT_SECONDS 30
#define RELATED_PER_SECOND 100 /* ICMP errors about flows of one port */

static __noinline bool takes_error(__u32 port)
{
	__u32 lost;

	return take_token(&too_big_rate, port | RATE_OF_RELATED, RELATED_PER_SECOND, &lost);
}

/*
 * An ICMP error passes when it is about a flow of the port. It neither begins nor refreshes one. A guest acts on each
 * of them, so they have a rate of their own.
 */
static __always_inline int relate(struct flow_work *work)
{
	struct vpc_flow *flow = find_flow(work);

	if (flow && flow->state != VPC_FLOW_DENIED && !is_over(flow, work->young.flow.protocol, work->now_s))
		return takes_error(work->young.port) ? 0 : VPC_DROP_RATE_LIMIT;
	refused(work, 0);
	return VPC_DROP_FLOW_UNRELATED;
}

/* A guest asks its gateway, which is this host, whether it is there. Nobody else sees the packet. */
static __noinline bool is_gateway_ping(const struct packet *packet, const struct tuple *tuple)
{
	const struct vpc_flow_key *key = &tuple->key;

	if (tuple->direction != VPC_OUT || !is_gateway_mac(packet->dmac) || tuple->kind != TUPLE_PLAIN)
		return false;
	if (key->protocol != (packet->type == ETH_P_IP ? IPPROTO_ICMP : IPPROTO_ICMPV6) || key->icmp_type != tuple->service >> 8)
		return false;
	return is_gateway_address(packet->segment, (const struct address *)key->outside);
}

/* A guest asks a service of this host. Nobody else sees the packet, and no rule is asked about the answer either. */
static __noinline bool is_for_service(const struct packet *packet, const struct tuple *tuple)
{
	__u32 service = service_at((const struct address *)tuple->key.outside);

	return service && tuple->direction == VPC_OUT && is_gateway_mac(packet->dmac) && subnet_has(packet->segment, service);
}

/* A later fragment passes when its first one has. */
static __always_inline int follow_fragment(struct flow_work *work)
{
	__u32 *passed = bpf_map_lookup_elem(&frags, &work->tuple.fragment);

	if (passed && work->now_s - *(volatile __u32 *)passed <= FRAGMENT_SECONDS)
		return 0;
	refused(work, 0);
	return VPC_DROP_FRAGMENT_ORDER;
}

static __always_inline int follow_packet(struct flow_work *work)
{
	struct vpc_flow *flow = find_flow(work);

	if (!flow)
		return begin_flow(work);
	if (!is_over(flow, work->young.flow.protocol, work->now_s)) {
		keep_judged(work, flow);
		if (!begins_anew(work, flow))
			return follow_flow(work, flow);
	}
	forget_flow(work);
	return begin_flow(work);
}

/*
 * Of a port that tracks no flows, since it may see one direction alone: the rules of the packet's direction decide.
 * Returns a drop reason or 0.
 */
static __noinline int judge_alone(struct flow_work *work)
{
	__u32 epoch;

	if (work->tuple.kind == TUPLE_ERROR)
		return takes_error(work->young.port) ? 0 : VPC_DROP_RATE_LIMIT;
	work->asked.service = work->tuple.service;
	if (!may_flow(work, work->tuple.direction, &epoch)) {
		refused(work, 0);
		return VPC_DROP_SG_DENIED;
	}
	work->rule = work->asked.rule;
	return 0;
}

/* Judges a packet whose tuple has been read. Returns a drop reason or 0. */
static __always_inline int judge_packet(struct flow_work *work)
{
	int reason;

	if (work->tuple.kind == TUPLE_LATER)
		return follow_fragment(work);
	if (work->policy.policy_flags & VPC_POLICY_STATELESS) {
		reason = judge_alone(work);
	} else if (work->tuple.kind == TUPLE_ERROR) {
		return relate(work);
	} else {
		reason = follow_packet(work);
	}
	if (!reason && work->tuple.is_fragment)
		put_entry(&frags, &work->tuple.fragment, &work->now_s, BPF_ANY);
	return reason;
}

static __noinline int record_groups(const struct flow_work *work, int reason)
{
	const struct vpc_flow_key *key = &work->young.flow;

	record_stage(VPC_TRACE_GROUPS, key->inside, key->outside, work->young.port, work->tuple.direction, reason, work->asked.policy,
		     work->rule, work->state, work->tuple.kind);
	return 0;
}

/* Whether a packet may pass by a slot: see read_slot_key. */
static __noinline bool may_have_slot(struct __sk_buff *skb, const struct packet *packet, __u32 port, __u32 direction)
{
	struct slot_key key;

	return !vpc_trace && read_slot_key(skb, packet, port, direction, &key);
}

/* Passes a packet of an established flow that this CPU knows. False: any other one. */
standalone bool is_known_flow(struct __sk_buff *skb, const struct packet *packet, __u32 port, __u32 direction)
{
	struct vpc_port_policy *policy = bpf_map_lookup_elem(&port_policies, &port);
	struct slot_key key;

	return packet && !vpc_trace && policy && read_slot_key(skb, packet, port, direction, &key) &&
	       pass_by_slot(skb, &key, policy, direction);
}

/* Asks the groups of a port about any other packet. Returns a drop reason or 0. */
standalone int ask_groups(struct __sk_buff *skb, struct packet *packet, __u32 port, __u32 direction)
{
	struct vpc_port_policy *policy = bpf_map_lookup_elem(&port_policies, &port);
	struct flow_work *work = scratch_of(SCRATCH_FLOW, struct flow_work);
	int reason;

	if (!packet || !policy || !work || !policy->vpc || (packet->type != ETH_P_IP && packet->type != ETH_P_IPV6))
		return 0;
	work->has_slot = !(policy->policy_flags & VPC_POLICY_STATELESS) && may_have_slot(skb, packet, port, direction);
	work->policy = *policy;
	reason = read_tuple(skb, packet, &work->tuple, port, direction);
	if (!reason && (work->tuple.kind == TUPLE_FREE || is_gateway_ping(packet, &work->tuple) || is_for_service(packet, &work->tuple)))
		return 0;
	work->young.flow = work->tuple.key;
	work->turn = turn_now(&work->young);
	work->young.port = after(work->turn, port);
	work->now_s = seconds_now();
	work->length = skb->len;
	work->asked.policy = policy_of(work, direction);
	work->rule = 0;
	work->state = 0;
	if (reason) {
		find_flow(work);
		refused(work, 0);
	} else {
		reason = judge_packet(work);
	}
	traced(record_groups(work, reason));
	return reason;
}

/* Asks the groups of a port. `direction`: enum vpc_direction. Returns a drop reason or 0. */
static __always_inline int check_groups(struct __sk_buff *skb, struct packet *packet, __u32 port, __u32 direction)
{
	return likely(is_known_flow(skb, packet, port, direction)) ? 0 : ask_groups(skb, packet, port, direction);
}

#endif
