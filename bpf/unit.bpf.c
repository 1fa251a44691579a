// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * From a guest: ingress of the switch side of a unit (a hostif's veth, a vmnic's tap).
 *
 * The program finds the port, checks that the frame is well formed and its sender genuine, and answers it if the host
 * can. It then sends it by its destination: to a local unit, into the tunnel, by the uplink, to the gateway, or to
 * everybody in the segment.
 *
 * vpc_unit_out, on the egress of the same device, passes only packets that the datapath delivers. A network manager of
 * the host may set every device up, and its DHCP, router solicitations and multicast reports must not reach guests. The
 * devices of a room have it on both sides.
 */
#include "lib/broadcast.h"
#include "lib/forward.h"
#include "lib/groups.h"
#include "lib/guest-questions.h"
#include "lib/inspect.h"
#include "lib/nat-leave.h"
#include "lib/outgoing.h"
#include "lib/routed.h"
#include "lib/watch.h"

static __always_inline int to_all(struct __sk_buff *skb, struct packet *packet, const struct outgoing *known)
{
	packet->broadcast_rate = known->port.broadcast_rate;
	return broadcast(skb, packet);
}

static __always_inline int unicast(struct __sk_buff *skb, struct packet *packet, struct outgoing *known)
{
	struct vpc_dst *dst = outgoing_dst(known);
	struct sending *to = &known->to;
	int action;

	if (!dst)
		return drop(skb, packet, VPC_DROP_UNKNOWN_UNICAST);
	if (unlikely(dst->kind == VPC_DST_GATEWAY)) {
		struct unroutable why = {};

		action = known->leaves ? leave_by_slot(skb, packet) : 0;
		if (action)
			return action;
		to = route(skb, packet, &why);
		if (!to)
			return refuse_to_route(skb, packet, &why);
		known->leaves = to->dst.kind == VPC_DST_NAT;
		if (unlikely(known->leaves))
			return leave(skb, packet);
	}
	if (to->dst.kind != VPC_DST_REMOTE)
		return deliver_here(skb, packet, &to->dst);
	return deliver_remote(skb, packet, &to->dst, outgoing_way(skb, to, packet->flags));
}

/* A port that is not up, or whose vmnic has several queues. Returns a drop reason or 0. */
static __always_inline int check_port(struct __sk_buff *skb, const struct packet *packet)
{
	if (packet->flags & VPC_PORT_QUEUES)
		count_queue(skb->ifindex, skb);
	if (packet->flags & VPC_PORT_UP)
		return 0;
	return packet->flags & VPC_PORT_HELD ? VPC_DROP_PORT_HELD : VPC_DROP_SWITCH_DOWN;
}

#define MORE_CHECKS (VPC_PORT_LIMITED | VPC_PORT_POLICY | VPC_PORT_WATCHED)

/* What only some ports ask for: limits, security groups, and a copy for the mirror. Returns a drop reason or 0. */
static __always_inline int check_more(struct __sk_buff *skb, struct packet *packet)
{
	int reason = packet->flags & VPC_PORT_LIMITED ? limit_out(skb, packet) : 0;

	if (!reason && packet->flags & VPC_PORT_POLICY)
		reason = check_groups(skb, packet, packet->source, VPC_OUT);
	if (!reason && packet->flags & VPC_PORT_WATCHED)
		watch(skb, packet);
	return reason;
}

SEC("tc")
int vpc_unit(struct __sk_buff *skb)
{
	struct outgoing *known = outgoing_of(skb);
	struct packet packet;
	int reason;

	begin_packet(&packet, HOOK_UNIT, VPC_STATS_NONE);
	if (unlikely(!known))
		return drop(skb, &packet, VPC_DROP_NOT_CONNECTED);
	packet.source = known->port.stats;
	packet.segment = known->port.segment;
	packet.flags = known->port.flags;
	packet.vlan = known->port.vlan;
	packet.own = mac_at(known->port.mac);
	count_rx(packet.source, skb->len);
	reason = unlikely((packet.flags & (VPC_PORT_UP | VPC_PORT_QUEUES)) != VPC_PORT_UP) ? check_port(skb, &packet) : 0;
	if (!reason)
		reason = vlan_strip(skb, packet.vlan);
	if (!reason)
		reason = parse_ethernet(skb, &packet);
	if (!reason)
		reason = inspect(skb, &packet, &known->senders);
	if (unlikely(!reason && packet.flags & MORE_CHECKS))
		reason = check_more(skb, &packet);
	if (unlikely(reason))
		return drop(skb, &packet, reason);
	if (unlikely(packet.question >= QUESTION_DHCP)) {
		reason = answer_by_gateway(skb, &packet);
		if (reason != OUTCOME_BROADCAST)
			return reason ? drop(skb, &packet, reason) : send_back_action(skb);
	}
	return unlikely(mac_is_multicast(packet.dmac)) ? to_all(skb, &packet, known) : unicast(skb, &packet, known);
}

SEC("tc")
int vpc_unit_out(struct __sk_buff *skb)
{
	struct packet packet = { .hook = HOOK_UNIT, .source = VPC_STATS_NONE };

	if (skb->mark != VPC_MARK_UNIT)
		return drop(skb, &packet, VPC_DROP_HOST_STACK);
	skb->mark = 0;
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
