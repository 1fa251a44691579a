/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The decision for packets of one VTEP, VNI, source and destination MAC: see generation.h. */
#ifndef VPC_INCOMING_H
#define VPC_INCOMING_H

#include "fdb.h"
#include "generation.h"
#include "heard.h"
#include "sender.h"
#include "vxlan.h"

#define INCOMING_FRESH 100000000ull /* ns during which the program does not check again whether the VTEP is heard */

struct incoming {
	__u32 generation;
	__u32 ifindex;      /* of the underlay */
	__be32 saddr, daddr, vni;
	__be16 dport;
	struct mac dmac, smac;
	__u16 run;          /* see alone.h */
	__u64 until_ns;
	__u64 tick;         /* last tick within that time: reading the clock is a call, reading the tick is not */
	__u64 run_ns;
	__u32 stats;        /* of the mux */
	__u32 watched;      /* VPC_PORT_WATCHED: a sniffer watches the segment's switch */
	struct vpc_dst dst; /* the unit */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << SLOT_BITS);
	__type(key, __u32);
	__type(value, struct incoming);
} incoming SEC(".maps");

static __always_inline bool is_of(const struct incoming *known, const struct vxlan_frame *frame, __u32 ifindex)
{
	return !((known->ifindex ^ ifindex) | (known->saddr ^ frame->ip.saddr) | (known->daddr ^ frame->ip.daddr) | (known->vni ^ frame->vni) |
		 (known->dport ^ frame->udp.dport)) &&
	       mac_same(&known->dmac, (const struct mac *)frame->inner.h_dest) && mac_same(&known->smac, (const struct mac *)frame->inner.h_source);
}

/* The mux that the packet is for. False: none. */
static __always_inline bool mux_of(__u32 ifindex, const struct vxlan_frame *frame, struct vpc_mux *mux)
{
	if (!read_entry(&muxes, &ifindex, mux) || !(mux->flags & VPC_MUX_DIRECT_IN) || mux->listen.family != 4)
		return false;
	return frame->ip.daddr == *(__be32 *)mux->listen.addr && frame->udp.dport == bpf_htons(mux->listen.port);
}

/*
 * The sender is behind the VTEP that the packet comes from. Otherwise vpc_mux drops the packet, or another host has
 * forwarded it.
 */
static __noinline bool is_from_sender(const struct vxlan_frame *frame, __u32 stats, __u32 vni)
{
	struct outer_source from = { .vtep = { .stats = stats, .segment = vni } };
	struct mac smac = mac_at(frame->inner.h_source);
	__u8 remote;

	*(struct address *)from.vtep.addr = address_of_ipv4(frame->ip.saddr);
	return !check_sender(&from, &smac, &remote);
}

/* The unit that the frame is for, if the unit can get it by the direct way. */
static __always_inline bool unit_of(__u32 vni, const struct vxlan_frame *frame, struct vpc_dst *dst, __u32 *is_watched)
{
	if (enter_segment(vni, is_watched))
		return false;
	if (!fdb_lookup(vni, mac_at(frame->inner.h_dest), dst) || dst->kind != VPC_DST_LOCAL)
		return false;
	traced(record_destination(vni, (const struct mac *)frame->inner.h_dest, dst));
	return true;
}

/* Fills the slot from the tables. False: the packet is not for a unit of this host, or it is for the stack. */
static __noinline bool find_incoming(struct __sk_buff *skb, const struct vxlan_frame *frame, struct incoming *known, __u32 generation)
{
	__u32 ifindex = after(generation, skb->ifindex), vni = after(generation, bpf_ntohl(frame->vni) >> 8);
	struct vpc_mux mux;

	known->ifindex = 0; /* empty until it is written completely */
	if (!mux_of(ifindex, frame, &mux) || !unit_of(vni, frame, &known->dst, &known->watched))
		return false;
	if (!is_from_sender(frame, mux.stats, vni) || !is_heard(skb, &mux, frame->ip.saddr))
		return false;
	known->generation = generation;
	known->saddr = frame->ip.saddr;
	known->daddr = frame->ip.daddr;
	known->vni = frame->vni;
	known->dport = frame->udp.dport;
	known->dmac = mac_at(frame->inner.h_dest);
	known->smac = mac_at(frame->inner.h_source);
	known->stats = mux.stats;
	known->ifindex = ifindex;
	return true;
}

/* The slot of packets like this one. Null: the packet is not for a unit of this host, or it is for the stack. */
static __always_inline struct incoming *incoming_of(struct __sk_buff *skb, const struct vxlan_frame *frame)
{
	struct mac dmac = mac_at(frame->inner.h_dest), smac = mac_at(frame->inner.h_source);
	__u32 generation = generation_now();
	__u32 index = slot_of(frame->vni ^ smac.w[0] ^ ((__u32)smac.w[1] << 16 | smac.w[2]), dmac.w[0] ^ ((__u32)dmac.w[1] << 16 | dmac.w[2]));
	struct incoming *known = bpf_map_lookup_elem(&incoming, &index);
	__u64 tick = bpf_jiffies64(), now;
	bool same;

	if (!known)
		return 0;
	same = is_of(known, frame, skb->ifindex);
	if (same && known->generation == generation && known->tick == tick)
		return known;
	now = bpf_ktime_get_coarse_ns();
	if (same && known->generation == generation && now < known->until_ns) {
		known->tick = tick;
		return known;
	}
	if (!find_incoming(skb, frame, known, generation))
		return 0;
	if (!same)
		known->run = 0;
	known->until_ns = now + INCOMING_FRESH;
	known->tick = tick;
	return known;
}

#endif
