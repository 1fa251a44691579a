// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * A wrapped interface of the host. The host's stack keeps using it.
 *
 * Ingress takes frames for units of the segment, copies broadcasts to it, and answers questions for its local units.
 * All other frames go on untouched. Frames to the host itself pass by their packet type alone. Egress, on the underlay
 * of a mux, sets the outer UDP port that encap.h asked for, copies congestion marks to the outer header, remembers the
 * path of the mux's packets, and drops packets of others that pose as the mux's.
 */
#include "lib/answer.h"
#include "lib/flood.h"
#include "lib/forward.h"
#include "lib/inspect.h"
#include "lib/learn-path.h"
#include "lib/outer-ecn.h"
#include "lib/outer-port.h"
#include "lib/tunnel-end.h"
#include "lib/watch.h"

#define TO_THE_HOST TC_ACT_UNSPEC /* other programs on the interface run as well */

/*
 * A frame from the wire whose sender is one of our units, or behind a VTEP, is a reflection of the segment's own frame.
 */
static __noinline bool is_reflection(const struct packet *packet)
{
	struct vpc_dst dst;

	return fdb_lookup(packet->segment, packet->smac, &dst) && dst.kind != VPC_DST_UPLINK;
}

/* Checks an untagged frame as one of the segment. Returns a drop reason or 0. */
static __always_inline int enter(struct __sk_buff *skb, struct packet *packet)
{
	int reason = parse_ethernet(skb, packet);

	if (!reason && is_reflection(packet))
		reason = VPC_DROP_SOURCE_MAC;
	if (!reason)
		reason = inspect(skb, packet, 0);
	if (!reason && packet->flags & VPC_PORT_WATCHED)
		watch(skb, packet);
	return reason;
}

/* Copies a broadcast to the segment, or turns it into the answer. Returns an outcome or a drop reason. */
static __always_inline int copy_in(struct __sk_buff *skb, struct packet *packet)
{
	int outcome = enter(skb, packet);

	if (outcome)
		return outcome;
	outcome = answer(skb, packet);
	if (outcome != OUTCOME_BROADCAST)
		return outcome;
	outcome = flood_packet(skb, packet);
	return outcome ? outcome : OUTCOME_BROADCAST;
}

/*
 * The host gets the broadcast too, with its tag and priority, unless the program turned it into the answer to a
 * question for one of our units.
 */
static __always_inline int broadcast(struct __sk_buff *skb, struct packet *packet, struct tag tag)
{
	int outcome;

	count_rx(packet->source, skb->len);
	if (vlan_strip(skb, packet->vlan))
		return TO_THE_HOST;
	outcome = copy_in(skb, packet);
	if (outcome == OUTCOME_ANSWERED)
		return send_back_action(skb);
	if (outcome > 0 && outcome != VPC_DROP_LINK_CONTROL && outcome != VPC_DROP_NO_LISTENER)
		report_drop(skb, packet, outcome);
	if (tag.proto)
		bpf_skb_vlan_push(skb, bpf_htons(tag.proto), tag.tci);
	return TO_THE_HOST;
}

/*
 * Has a stack frame of its own: the kernel limits the stack of all functions on a call path together. Returns the
 * interface, or 0: the mux's device must do it.
 */
static __noinline __u32 encap_by_path(struct __sk_buff *skb, const struct packet *packet, const struct vpc_dst *dst)
{
	struct path path;
	struct way way = way_to(skb, dst, &path);

	return way.path && vpc_direct_encap && encap_direct(skb, packet, way) ? path.ifindex : 0;
}

static __always_inline int unicast(struct __sk_buff *skb, struct packet *packet)
{
	__u32 ifindex, length;
	struct vpc_dst dst;
	int reason;

	if (!fdb_lookup(packet->segment, packet->dmac, &dst) || dst.kind == VPC_DST_UPLINK)
		return TO_THE_HOST;
	traced(record_destination(packet->segment, &packet->dmac, &dst));
	count_rx(packet->source, skb->len);
	reason = vlan_strip(skb, packet->vlan);
	if (!reason)
		reason = enter(skb, packet);
	if (reason)
		return drop(skb, packet, reason);
	if (dst.kind != VPC_DST_REMOTE)
		return deliver_here(skb, packet, &dst);
	if (!fits(skb, packet, dst.mtu))
		return too_big(skb, packet, dst.mtu);
	length = skb->len;
	ifindex = encap_by_path(skb, packet, &dst);
	if (!ifindex && encap_prepare(skb, packet->segment, &dst))
		ifindex = dst.ifindex;
	return ifindex ? send(skb, packet, &dst, ifindex, length) : drop(skb, packet, VPC_DROP_ENCAP_FAILED);
}

/* Sets what the packet has of its port. False: the interface is no uplink that is up. */
static __noinline bool enter_port(__u32 ifindex, struct packet *packet)
{
	struct vpc_port port;

	if (!read_entry(&ports, &ifindex, &port) || !(port.flags & VPC_PORT_UP))
		return false;
	packet->source = port.stats;
	packet->segment = port.segment;
	packet->vlan = port.vlan;
	packet->flags = port.flags & VPC_PORT_WATCHED;
	trace(VPC_TRACE_PORT, port.stats, port.segment, port.flags, port.vlan);
	return true;
}

SEC("tc")
int vpc_ethlink(struct __sk_buff *skb)
{
	struct packet packet = { .hook = HOOK_ETHLINK };
	struct tag tag = {};

	if (skb->pkt_type == PACKET_HOST)
		return TO_THE_HOST;
	if (!enter_port(skb->ifindex, &packet))
		return TO_THE_HOST;
	if (!vlan_absent(skb))
		tag = vlan_tag(skb);
	if (!vlan_matches(tag, packet.vlan) || !read_macs(skb, &packet))
		return TO_THE_HOST;
	return mac_is_multicast(packet.dmac) ? broadcast(skb, &packet, tag) : unicast(skb, &packet);
}

/* Drops a packet that only a mux may send, and counts it for the mux of this underlay. */
static __noinline int refuse(struct __sk_buff *skb)
{
	struct packet packet = { .hook = HOOK_ETHLINK, .source = VPC_STATS_NONE };
	__u32 ifindex = skb->ifindex;
	struct vpc_mux mux;

	if (read_entry(&muxes, &ifindex, &mux))
		packet.source = mux.stats;
	return drop(skb, &packet, VPC_DROP_NOT_FROM_MUX);
}

SEC("tc")
int vpc_ethlink_out(struct __sk_buff *skb)
{
	__u32 mark = skb->mark, port = VPC_PORT_OF_MARK(mark);

	if (mark == VPC_MARK_READY) {
		skb->mark = 0;
		return TC_ACT_UNSPEC;
	}
	if ((mark & VPC_MARK_MASK) != VPC_MARK_OUT)
		return may_be_udp(skb) && is_forged(skb) ? refuse(skb) : TC_ACT_UNSPEC;
	skb->mark = 0;
	rewrite_outer_ports(skb, port);
	carry_congestion(skb);
	learn_path(skb, port);
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
