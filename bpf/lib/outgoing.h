/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The decision for packets from a unit to a MAC: see generation.h. Filled in step by step. */
#ifndef VPC_OUTGOING_H
#define VPC_OUTGOING_H

#include "antispoof.h"
#include "gateway.h"
#include "generation.h"
#include "path.h"
#include "used.h"

/* Where packets go, and the path to there. */
struct sending {
	struct vpc_dst dst;    /* kind NONE: not looked for yet */
	__u32 first_id;        /* of the block */
	struct path path;      /* learned_ns 0: none yet */
	struct vpc_vtep from;  /* where the destination's mux listens; family 0: there is none */
	__u64 tick;            /* last tick in which the path was fresh: reading the clock is a call, reading the tick is not */
};

/* What each packet needs lies together, from the end of the senders to the beginning of the destination. */
struct outgoing {
	struct senders senders;
	__u32 generation;
	__u32 ifindex;         /* of the unit */
	struct mac dmac;
	__u16 leaves;          /* the last packet to the gateway's MAC has left by a NAT */
	struct vpc_port port;
	struct sending to;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << SLOT_BITS);
	__type(key, __u32);
	__type(value, struct outgoing);
} outgoing SEC(".maps");

/* The destination MAC, before the packet is parsed. */
static __always_inline struct mac destination_of(struct __sk_buff *skb)
{
	struct ethhdr *eth;

	if (!linear(skb, ETH_HLEN))
		return (struct mac){};
	eth = (void *)(long)skb->data;
	return (void *)(eth + 1) > (void *)(long)skb->data_end ? (struct mac){} : mac_at(eth->h_dest);
}

/* Begins a new slot, with the port. False: the unit has none. */
static __noinline bool begin_outgoing(struct outgoing *known, __u32 unit, __u32 generation, const struct mac *dmac)
{
	__u32 ifindex = after(generation, unit);
	struct vpc_port port;

	if (!read_entry(&ports, &ifindex, &port))
		return false;
	trace(VPC_TRACE_PORT, port.stats, port.segment, port.flags, port.vlan);
	known->generation = generation;
	known->ifindex = ifindex;
	known->port = port;
	known->dmac = *dmac;
	known->leaves = 0;
	known->senders = (struct senders){};
	known->to.dst.kind = VPC_DST_NONE;
	known->to.path.learned_ns = known->to.tick = 0;
	return true;
}

/* The slot of packets like this one, with at least the port. Null: the unit has none. */
static __always_inline struct outgoing *outgoing_of(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex, now = generation_now(), index;
	struct mac dmac = destination_of(skb);
	struct outgoing *known;

	index = slot_of(ifindex, dmac.w[0] ^ ((__u32)dmac.w[1] << 16 | dmac.w[2]));
	known = bpf_map_lookup_elem(&outgoing, &index);
	if (!known)
		return 0;
	if (likely(known->generation == now && known->ifindex == ifindex && mac_same(&known->dmac, &dmac)))
		return known;
	return begin_outgoing(known, ifindex, now, &dmac) ? known : 0;
}

/* Notes where the destination's mux listens. */
static __noinline int find_outgoing_mux(struct sending *to, __u32 generation)
{
	__u32 ifindex = after(generation, to->dst.ifindex);
	struct vpc_mux mux;

	to->from.family = 0;
	if (read_entry(&muxes, &ifindex, &mux))
		to->from = mux.listen;
	return 0;
}

/* Finds the destination. False: there is none. */
static __noinline bool find_outgoing_dst(struct outgoing *known)
{
	struct vpc_dst dst;

	if (is_gateway_mac(known->dmac) && subnet_has(known->port.segment, VPC_SUBNET_ANSWERS)) {
		known->to.dst.kind = VPC_DST_GATEWAY;
		return true;
	}
	if (!destination(known->port.segment, known->dmac, &dst))
		return false;
	traced(record_destination(known->port.segment, &known->dmac, &dst));
	known->to.dst = dst;
	if (dst.kind != VPC_DST_REMOTE)
		return true;
	note_used_mac(known->port.segment, &known->dmac);
	find_outgoing_mux(&known->to, known->generation);
	return true;
}

/* Where the packet goes: a unit, a VTEP or the uplink. Null: nowhere. */
static __always_inline struct vpc_dst *outgoing_dst(struct outgoing *known)
{
	return likely(known->to.dst.kind != VPC_DST_NONE) || find_outgoing_dst(known) ? &known->to.dst : 0;
}

/* Checks whether the path is still fresh, and looks up another one if not. */
static __noinline bool renew_outgoing_path(struct sending *to, __u64 tick)
{
	struct path *path = &to->path;

	if (is_fresh(path) && path->id - to->first_id < ID_BLOCK / 2) {
		to->tick = tick;
		return true;
	}
	if (!path_to(&to->dst, path, ID_BLOCK)) {
		path->learned_ns = to->tick = 0;
		return false;
	}
	to->first_id = path->id;
	to->tick = tick;
	return true;
}

/* Puts a fresh path into the slot, if there is one. */
static __always_inline bool outgoing_path(struct sending *to)
{
	__u64 tick = bpf_jiffies64();

	return likely(to->tick == tick && to->path.id - to->first_id < ID_BLOCK / 2) || renew_outgoing_path(to, tick);
}

/* How the packet gets to its VTEP. */
static __always_inline struct way outgoing_way(struct __sk_buff *skb, struct sending *to, __u32 port_flags)
{
	struct way way = { .from = &to->from };

	if (unlikely(port_flags & VPC_PORT_MOVED) || !outgoing_path(to))
		return way;
	way.path = &to->path;
	way.id = to->path.id;
	to->path.id += ids_of(skb);
	return way;
}

#endif
