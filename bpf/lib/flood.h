/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Broadcast and multicast: copies to the local units and the uplink of a segment, then to its VTEPs.
 *
 * A frame from a tunnel never enters a tunnel again. It leaves by an uplink only when the tables know its sender behind
 * a VTEP. Otherwise two hosts with uplinks to one wire would pass each other the same frame for ever.
 */
#ifndef VPC_FLOOD_H
#define VPC_FLOOD_H

#include "broadcast-rate.h"
#include "count.h"
#include "encap.h"
#include "event.h"
#include "limit.h"
#include "packet.h"
#include "tunnel-end.h"
#include "vlan.h"
#include "watch.h"

/* The packet that is flooded, and what became of its copies. */
struct flood_tally {
	__u32 segment;
	__u32 l3_len;
	__u16 no_uplink;
	__u16 ttl; /* of outer headers */
	__u32 is_guarded; /* ports in security groups get it by a rule alone */
	__u32 tried;
	__u32 sent;
	__u16 too_big;
	__u16 failed;
	__u16 limited;
	__u16 for_vtep; /* kept from the uplink */
};

struct flood_walk {
	struct __sk_buff *skb;
	struct flood_tally *tally;
	struct vpc_flood_key key;
	__u32 count;
};

/* Whether a destination is where the packet came from. */
static __always_inline bool flood_skips(struct __sk_buff *skb, const struct flood_tally *tally, const struct vpc_dst *dst)
{
	if (dst->kind == VPC_DST_UPLINK && tally->no_uplink)
		return true;
	if (tally->is_guarded && (dst->flags & (VPC_DST_POLICY | VPC_DST_MULTICAST)) == VPC_DST_POLICY)
		return true;
	return dst->kind == VPC_DST_NONE || dst->ifindex == skb->ifindex;
}

/*
 * Sends one copy, with the tag that the destination needs. The packet itself stays as it was. Returns 0, a negative
 * error of the kernel, or a positive number when the device refused it: nobody has opened the tap, or the other end of
 * the veth is down.
 */
static __always_inline int flood_copy(struct __sk_buff *skb, const struct flood_tally *tally, const struct vpc_dst *dst)
{
	int result;

	skb->mark = dst->kind == VPC_DST_LOCAL ? VPC_MARK_UNIT : 0;
	if (dst->kind == VPC_DST_REMOTE)
		return encap_with_ttl(skb, tally->segment, dst, tally->ttl) ? send_copy(skb, dst->ifindex, 0) : -1;
	if (!dst->vlan)
		return send_copy(skb, dst->ifindex, 0);
	if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), dst->vlan))
		return -1;
	result = send_copy(skb, dst->ifindex, 0);
	bpf_skb_vlan_pop(skb);
	return result;
}

static __noinline int record_copy(const struct vpc_dst *dst)
{
	record_stage(VPC_TRACE_COPY, 0, dst->vtep.addr, dst->kind, dst->ifindex, dst->stats);
	return 0;
}

static long flood_one(__u32 i, struct flood_walk *walk)
{
	struct flood_tally *tally = walk->tally;
	struct __sk_buff *skb = walk->skb;
	struct vpc_dst dst;
	int result;

	/*
	 * Look each destination up again: while the program makes copies, user space may write the page more than once.
	 */
	if (i >= VPC_FLOOD_PAGE || i >= walk->count || !read_part(&flood, &walk->key, value.dst[i], &dst))
		return 1;
	if (flood_skips(skb, tally, &dst))
		return 0;
	if (dst.kind == VPC_DST_UPLINK && is_for_vtep(skb, dst.ifindex)) {
		tally->for_vtep++;
		return 0;
	}
	if (dst.mtu && tally->l3_len > dst.mtu && !skb->gso_size) {
		tally->too_big++;
		return 0;
	}
	if (dst.flags & VPC_DST_LIMITED && !limit_copy(skb, dst.stats)) {
		tally->limited++;
		return 0;
	}
	tally->tried++;
	traced(record_copy(&dst));
	result = flood_copy(skb, tally, &dst);
	if (result < 0)
		tally->failed++;
	if (result)
		return 0;
	tally->sent++;
	count_tx(dst.stats, skb->len);
	return 0;
}

/*
 * Floods to one page; true when another follows. The tally is not on this function's stack: the verifier would track
 * each count as a state of its own.
 */
standalone int flood_page(struct __sk_buff *skb, struct flood_tally *tally, __u32 number)
{
	struct flood_walk walk = { .skb = skb, .tally = tally, .key.page = number };
	__u32 more;

	if (!tally)
		return false;
	walk.key.segment = tally->segment;
	if (!read_part(&flood, &walk.key, value.count, &walk.count) || !read_part(&flood, &walk.key, value.more, &more))
		return false;
	bpf_loop(VPC_FLOOD_PAGE, flood_one, &walk, 0);
	return more;
}

/* Reports the copies that were not sent. Returns a drop reason or 0. */
static __always_inline int flood_result(struct __sk_buff *skb, struct packet *packet, const struct flood_tally *tally)
{
	int reason = tally->for_vtep  ? VPC_DROP_NOT_FROM_MUX
		     : tally->too_big ? VPC_DROP_TOO_BIG
		     : tally->failed  ? VPC_DROP_ENCAP_FAILED
				      : 0;

	if (!tally->sent && !reason)
		reason = tally->limited ? VPC_DROP_RATE_LIMIT : VPC_DROP_NO_LISTENER;
	if (!tally->sent)
		return reason;
	if (reason)
		report_drop(skb, packet, reason);
	count(packet->source, flooded);
	note(skb, VPC_VERDICT_FLOOD, tally->sent);
	return 0;
}

/* Frames that each port gets, whatever its groups: ARP, frames that are not IP, neighbour discovery, and DHCP. */
static __noinline bool is_for_all(struct __sk_buff *skb, const struct packet *packet)
{
	__u8 type;

	if (packet->type != ETH_P_IP && packet->type != ETH_P_IPV6)
		return true;
	if (packet->question != QUESTION_NONE)
		return true;
	if (!packet->upper)
		return false;
	if (packet->type == ETH_P_IPV6 && packet->proto == IPPROTO_ICMPV6)
		return !bpf_skb_load_bytes(skb, packet->upper, &type, 1) && type >= 133 && type <= 137;
	return packet->proto == IPPROTO_UDP && is_from_dhcp_server(skb, packet);
}

/* Sends a copy to everybody in the segment but its sender. Returns a drop reason or 0. */
standalone int flood_packet(struct __sk_buff *skb, struct packet *packet)
{
	struct flood_tally tally = {};
	__u32 mark = skb->mark;

	if (!packet)
		return VPC_DROP_MALFORMED;
	if (!may_flood(packet))
		return VPC_DROP_BROADCAST_RATE;
	tally.segment = packet->segment;
	tally.is_guarded = !is_for_all(skb, packet);
	tally.l3_len = packet->l3_len;
	tally.ttl = ttl_of(packet->flags);
	tally.no_uplink = packet->hook == HOOK_MUX && !packet->remote_source;
	if (packet->flags & VPC_PORT_WATCHED && packet->hook != HOOK_ETHLINK && !tally.no_uplink)
		watch_uplink(skb, packet);
	for (__u32 number = 0; number < VPC_FLOOD_PAGES; number++)
		if (!flood_page(skb, &tally, number))
			break;
	if (packet->hook != HOOK_MUX) {
		keep_flow_hash(skb);
		flood_page(skb, &tally, VPC_FLOOD_REMOTE);
	}
	skb->mark = mark;
	pay_copies(packet, tally.tried);
	return flood_result(skb, packet, &tally);
}

#endif
