/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The forwarding table: where a MAC of a segment is. */
#ifndef VPC_FDB_H
#define VPC_FDB_H

#include "maps.h"
#include "packet.h"

static __always_inline struct vpc_dst *fdb_lookup(__u32 segment, struct mac mac)
{
	struct vpc_fdb_key key = { .segment = segment };

	*(struct mac *)key.mac = mac;
	return bpf_map_lookup_elem(&fdb, &key);
}

/* The flag of a packet in a segment at which somebody looks: see watch.h. */
static __always_inline __u32 watched(const struct vpc_segment *segment)
{
	return segment->switch_mirror | segment->uplink_mirror ? VPC_PORT_WATCHED : 0;
}

/* The uplink of a segment, or nothing. */
static __always_inline struct vpc_dst *uplink_of(__u32 id)
{
	struct vpc_segment *segment = bpf_map_lookup_elem(&segments, &id);

	return segment && segment->uplink.kind == VPC_DST_UPLINK ? &segment->uplink : 0;
}

/* Where a frame for a MAC goes: to whom the table says, else out of the uplink. Null: nowhere. */
static __always_inline struct vpc_dst *destination(__u32 segment, struct mac mac)
{
	struct vpc_dst *dst = fdb_lookup(segment, mac);

	return dst ? dst : uplink_of(segment);
}

/* The MAC is a unit of this host. */
static __always_inline bool fdb_is_local(__u32 segment, struct mac mac)
{
	struct vpc_dst *dst = fdb_lookup(segment, mac);

	return dst && dst->kind == VPC_DST_LOCAL;
}

#endif
