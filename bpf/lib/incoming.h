/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What was decided for packets of one VTEP from a MAC to a MAC of a VNI: see generation.h. */
#ifndef VPC_INCOMING_H
#define VPC_INCOMING_H

#include "fdb.h"
#include "generation.h"
#include "heard.h"
#include "vxlan.h"

#define INCOMING_FRESH 100000000ull /* ns, in which nobody asks whether the VTEP is heard */

struct incoming {
	__u32 generation;
	__u32 ifindex;      /* of the underlay */
	__be32 saddr, daddr, vni;
	__be16 dport;
	struct mac dmac, smac;
	__u16 run;          /* see alone.h */
	__u64 until_ns;
	__u64 tick;         /* in which that was not over: asking the clock is a call, the tick is not */
	__u64 run_ns;
	__u32 stats;        /* of the mux */
	__u32 watched;      /* VPC_PORT_WATCHED: somebody looks at the segment's switch */
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
	       mac_equal(known->dmac, mac_at(frame->inner.h_dest)) && mac_equal(known->smac, mac_at(frame->inner.h_source));
}

static __always_inline struct vpc_mux *mux_of(__u32 ifindex, const struct vxlan_frame *frame)
{
	struct vpc_mux *mux = bpf_map_lookup_elem(&muxes, &ifindex);

	if (!mux || !(mux->flags & VPC_MUX_DIRECT_IN) || mux->listen.family != 4 || frame->ip.daddr != *(__be32 *)mux->listen.addr)
		return 0;
	return frame->udp.dport == bpf_htons(mux->listen.port) ? mux : 0;
}

/* The unit that the frame is for, when it can have it by the direct way. A sender that is one as well is vpc_mux's to drop. */
static __always_inline struct vpc_dst *unit_of(__u32 vni, const struct vxlan_frame *frame, __u32 *is_watched)
{
	struct vpc_segment *segment = bpf_map_lookup_elem(&segments, &vni);
	struct vpc_dst *dst;

	if (!segment || !(segment->flags & VPC_SEGMENT_UP))
		return 0;
	*is_watched = watched(segment);
	dst = fdb_lookup(vni, mac_at(frame->inner.h_dest));
	if (!dst || dst->kind != VPC_DST_LOCAL || fdb_is_local(vni, mac_at(frame->inner.h_source)))
		return 0;
	return dst;
}

/* What is known of packets like this one. Null: it is none for a unit of this host, or one for the stack. */
static __always_inline struct incoming *incoming_of(struct __sk_buff *skb, const struct vxlan_frame *frame)
{
	struct mac dmac = mac_at(frame->inner.h_dest), smac = mac_at(frame->inner.h_source);
	__u32 ifindex = skb->ifindex, generation = generation_now();
	__u32 index = slot_of(frame->vni ^ smac.w[0] ^ ((__u32)smac.w[1] << 16 | smac.w[2]), dmac.w[0] ^ ((__u32)dmac.w[1] << 16 | dmac.w[2]));
	struct incoming *known = bpf_map_lookup_elem(&incoming, &index);
	__u64 tick = bpf_jiffies64(), now;
	struct vpc_dst *dst;
	__u32 is_watched = 0;
	struct vpc_mux *mux;
	bool same;

	if (!known)
		return 0;
	same = is_of(known, frame, ifindex);
	if (same && known->generation == generation && known->tick == tick)
		return known;
	now = bpf_ktime_get_coarse_ns();
	if (same && known->generation == generation && now < known->until_ns) {
		known->tick = tick;
		return known;
	}
	mux = mux_of(after(generation, ifindex), frame);
	if (!mux)
		return 0;
	dst = unit_of(after(generation, bpf_ntohl(frame->vni) >> 8), frame, &is_watched);
	if (!dst || !is_heard(skb, mux, frame->ip.saddr))
		return 0;
	known->generation = generation;
	known->ifindex = ifindex;
	known->saddr = frame->ip.saddr;
	known->daddr = frame->ip.daddr;
	known->vni = frame->vni;
	known->dport = frame->udp.dport;
	known->dmac = dmac;
	known->smac = smac;
	if (!same)
		known->run = 0;
	known->until_ns = now + INCOMING_FRESH;
	known->tick = tick;
	known->stats = mux->stats;
	known->watched = is_watched;
	known->dst = *dst;
	return known;
}

#endif
