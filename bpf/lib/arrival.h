/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The decision for frames from the mux's device, for one VTEP, VNI, source and destination MAC: see generation.h. */
#ifndef VPC_ARRIVAL_H
#define VPC_ARRIVAL_H

#include "fdb.h"
#include "forward-once.h"
#include "gateway.h"
#include "generation.h"
#include "vxlan.h"

struct arrival {
	__u32 generation;
	__u32 ifindex;       /* of the mux's device; 0: the slot is empty */
	__u32 vni;
	__u32 flags;         /* of the tunnel */
	__u32 remote[4], local[4];
	struct mac dmac, smac;
	__u8 forwarded;      /* see forward-once.h */
	__u8 remote_source;  /* see struct packet */
	__u16 pad;
	__u32 stats;         /* of the mux */
	__u32 watched;       /* VPC_PORT_WATCHED: a sniffer watches the segment's switch */
	struct vpc_dst dst;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << SLOT_BITS);
	__type(key, __u32);
	__type(value, struct arrival);
} arrivals SEC(".maps");

/* The slot of packets like this one. */
static __always_inline struct arrival *arrival_of(const struct packet *packet, const struct tunnel *tunnel)
{
	const struct mac *dmac = &packet->dmac, *smac = &packet->smac;
	__u32 index = slot_of(tunnel->key.tunnel_id ^ smac->w[0] ^ ((__u32)smac->w[1] << 16 | smac->w[2]),
			      dmac->w[0] ^ ((__u32)dmac->w[1] << 16 | dmac->w[2]));

	return bpf_map_lookup_elem(&arrivals, &index);
}

static __always_inline __u32 difference(const __u32 *a, const __u32 *b)
{
	return (a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]);
}

/* Whether the slot is for packets like this one. The kernel clears the bytes that an IPv4 address leaves free. */
static __always_inline bool is_arrival_of(const struct arrival *known, __u32 generation, __u32 ifindex, const struct packet *packet,
					  const struct tunnel *tunnel)
{
	return !((known->generation ^ generation) | (known->ifindex ^ ifindex) | (known->vni ^ tunnel->key.tunnel_id) |
		 (known->flags ^ tunnel->flags) | difference(known->remote, tunnel->key.remote_ipv6) |
		 difference(known->local, tunnel->key.local_ipv6) | (known->forwarded ^ is_forwarded(tunnel))) &&
	       mac_same(&known->dmac, &packet->dmac) && mac_same(&known->smac, &packet->smac);
}

/* Fills the slot's key. It stays empty until find_arrival: nobody has checked the packet's sender yet. */
static __noinline int begin_arrival(struct arrival *known, __u32 generation, const struct packet *packet, const struct tunnel *tunnel)
{
	known->ifindex = 0;
	known->generation = generation;
	known->vni = tunnel->key.tunnel_id;
	known->flags = tunnel->flags;
	__builtin_memcpy(known->remote, tunnel->key.remote_ipv6, sizeof(known->remote));
	__builtin_memcpy(known->local, tunnel->key.local_ipv6, sizeof(known->local));
	known->dmac = packet->dmac;
	known->smac = packet->smac;
	known->forwarded = is_forwarded(tunnel);
	known->remote_source = packet->remote_source;
	known->stats = packet->source;
	known->watched = packet->flags;
	return 0;
}

/*
 * Finds the destination of a packet whose sender has been checked, and completes the slot. Packets to the gateway may
 * leave by a NAT of this host. The caller read the generation before it looked up the packet's segment. False: there
 * is no destination.
 */
static __noinline bool find_arrival(struct arrival *known, __u32 ifindex, const struct packet *packet)
{
	if (unlikely(is_gateway_mac(packet->dmac)) && vpc_of(packet->segment))
		known->dst.kind = VPC_DST_GATEWAY;
	else if (!destination(packet->segment, packet->dmac, &known->dst))
		return false;
	traced(record_destination(packet->segment, &packet->dmac, &known->dst));
	known->ifindex = ifindex;
	return true;
}

#endif
