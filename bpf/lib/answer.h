/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Questions that are put to everybody (ARP requests, neighbour solicitations, DHCP) and what the host says to them.
 *
 * From a guest:
 *   it is the gateway's address          answered at once, by the host itself
 *   the table knows the address          answered at once, also a probe for a duplicate of somebody else's address
 *   it is the asker's own address        silence, which is the right answer to a probe for duplicates; counted as answered
 *   the table does not know it           on VNI 0 a broadcast; else an event, then a broadcast if the segment floods, else dropped
 *   an announcement of its own address   a broadcast like any other, when the table or the port's list confirm it; else as unknown
 *     that the table gives to another    the same, and the address has moved: when the port's list has it
 *   DHCP, a router solicitation          see guest-questions.h
 * From the mux or the wire the host answers for its own units alone; everything else is a broadcast. An announcement
 * from behind a VTEP moves its address; one on the wire an address that is on the wire.
 */
#ifndef VPC_ANSWER_H
#define VPC_ANSWER_H

#include "arp.h"
#include "event.h"
#include "fdb.h"
#include "nd.h"
#include "used.h"
#include "watch.h"

/* What answer() returns besides a drop reason. */
enum outcome {
	OUTCOME_ANSWERED = 0,
	OUTCOME_BROADCAST = -1,
	OUTCOME_SILENCE = -2,
};

/* The address is the sender's own: the port lists it, or hosts derive it from the sender's MAC. */
static __always_inline bool is_own_address(const struct packet *packet)
{
	struct address link_local = ipv6_link_local(packet->own);

	if (address_equal(&packet->target, &link_local))
		return true;
	return packet->flags & VPC_PORT_ADDRESSES && port_lists(packet, &packet->target);
}

/* The MAC is the sender's, or that of another station behind the same unit, which answers there itself. */
static __always_inline bool is_at_sender(struct __sk_buff *skb, const struct packet *packet, struct mac mac)
{
	return mac_equal(mac, packet->smac) || (packet->flags & VPC_PORT_MACS && is_behind_unit(skb, packet, mac));
}

/* Returns an outcome or a drop reason. */
static __noinline int miss(struct __sk_buff *skb, const struct packet *packet)
{
	struct vpc_segment segment;

	if (packet->segment & VPC_SEGMENT_LOCAL)
		return OUTCOME_BROADCAST;
	report_miss(skb, packet, packet->question == QUESTION_ARP ? VPC_EVENT_ARP_MISS : VPC_EVENT_ND_MISS);
	return segment_of(packet->segment, &segment) && segment.flags & VPC_SEGMENT_FLOOD_UNKNOWN ? OUTCOME_BROADCAST : VPC_DROP_NO_NEIGHBOUR;
}

/*
 * Decides the answer to a guest's question about an address of `owner` (null: nobody known). Returns an outcome or a
 * drop reason.
 */
static __always_inline int judge_guest(struct __sk_buff *skb, struct packet *packet, const struct mac *owner)
{
	bool own = owner ? is_at_sender(skb, packet, *owner) : is_own_address(packet);

	if (own)
		return packet->announcement ? OUTCOME_BROADCAST : OUTCOME_SILENCE;
	if (!owner)
		return miss(skb, packet);
	if (!packet->announcement)
		return OUTCOME_ANSWERED;
	if (packet->flags & VPC_PORT_ADDRESSES && !packet->foreign_lladdr && port_lists(packet, &packet->target))
		learn_move(packet->segment, &packet->target, &packet->smac);
	return OUTCOME_BROADCAST;
}

/*
 * Who may move an address of this owner. A station behind a VTEP may move any. A station on the wire of the uplink may
 * move one that is on that wire itself: a router that replaces another one.
 */
static __always_inline bool may_move(const struct packet *packet, const struct mac *owner)
{
	return packet->remote_source || (packet->hook == HOOK_ETHLINK && !fdb_knows(packet->segment, *owner));
}

/* The same for a question from the mux or the wire. */
static __always_inline int judge_stranger(struct packet *packet, const struct mac *owner)
{
	if (packet->announcement && owner && !packet->foreign_lladdr && may_move(packet, owner))
		learn_move(packet->segment, &packet->target, &packet->smac);
	if (packet->announcement || !owner || !fdb_is_local(packet->segment, *owner))
		return OUTCOME_BROADCAST;
	return OUTCOME_ANSWERED;
}

/* The owner of the address in the question: this host, if it is the gateway's of a guest. */
static __always_inline bool owner_of(const struct packet *packet, struct mac *mac)
{
	if (packet->hook != HOOK_UNIT || !is_gateway_address(packet->segment, &packet->target))
		return neighbour_of(packet->segment, &packet->target, mac);
	*mac = gateway_mac();
	return true;
}

/* Answers a question of ARP or ND. Returns an outcome or a drop reason. */
standalone int answer_neighbour(struct __sk_buff *skb, struct packet *packet)
{
	struct mac mac = {}, *owner;
	int outcome;

	if (!packet)
		return VPC_DROP_MALFORMED;
	owner = owner_of(packet, &mac) ? &mac : 0;
	if (packet->hook == HOOK_UNIT)
		outcome = judge_guest(skb, packet, owner);
	else
		outcome = judge_stranger(packet, owner);
	if (outcome == OUTCOME_SILENCE)
		note(skb, VPC_VERDICT_CONSUMED, 0);
	else if (outcome != OUTCOME_ANSWERED)
		return outcome;
	if (outcome == OUTCOME_ANSWERED) {
		int reason = packet->question == QUESTION_ARP ? reply_arp(skb, packet, &mac) : reply_nd(skb, packet, &mac);

		if (!reason)
			reason = send_back(skb, packet);
		if (reason)
			return reason;
		if (!is_gateway_mac(mac))
			note_used_address(packet->segment, &packet->target);
		if (packet->flags & VPC_PORT_WATCHED)
			watch_switch(skb, packet);
	}
	count(packet->source, answered);
	return outcome;
}

/* Handles a question. Returns an outcome or a drop reason. */
static __always_inline int answer(struct __sk_buff *skb, struct packet *packet)
{
	return packet->question == QUESTION_ARP || packet->question == QUESTION_ND ? answer_neighbour(skb, packet) : OUTCOME_BROADCAST;
}

#endif
