/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The forwarding table: where a MAC of a segment is. */
#ifndef VPC_FDB_H
#define VPC_FDB_H

#include "entry.h"
#include "packet.h"
#include "trace.h"

standalone bool read_fdb(const struct vpc_fdb_key *key, struct vpc_dst *dst)
{
	return key && dst && read_entry(&fdb, key, dst);
}

/* False: the table does not know it. */
static __always_inline bool fdb_lookup(__u32 segment, struct mac mac, struct vpc_dst *dst)
{
	struct vpc_fdb_key key = { .segment = segment };

	*(struct mac *)key.mac = mac;
	return read_fdb(&key, dst);
}

/* The flag of a packet in a segment that a sniffer watches: see watch.h. */
static __always_inline __u32 watched(const struct vpc_segment *segment)
{
	return segment->switch_mirror | segment->uplink_mirror ? VPC_PORT_WATCHED : 0;
}

standalone bool knows(const struct vpc_fdb_key *key)
{
	struct vpc_dst dst;

	return key && read_fdb(key, &dst);
}

static __always_inline bool fdb_knows(__u32 segment, struct mac mac)
{
	struct vpc_fdb_key key = { .segment = segment };

	*(struct mac *)key.mac = mac;
	return knows(&key);
}

/* False: no switch of this host has the segment. */
static __always_inline bool segment_of(__u32 id, struct vpc_segment *segment)
{
	return read_entry(&segments, &id, segment);
}

/* False: the segment has no uplink. */
standalone bool uplink_of(__u32 id, struct vpc_dst *dst)
{
	struct vpc_segment segment;

	if (!dst || !segment_of(id, &segment) || segment.uplink.kind != VPC_DST_UPLINK)
		return false;
	*dst = segment.uplink;
	return true;
}

/* Records the entry of a MAC, or that of the uplink. */
static __noinline optional int record_destination(__u32 segment, const struct mac *mac, const struct vpc_dst *dst)
{
	struct address as_address = address_of_mac(*mac);

	record_stage(VPC_TRACE_DESTINATION, &as_address, dst->vtep.addr, segment, dst->kind, dst->flags, dst->ifindex, dst->stats, dst->mtu,
		     dst->vtep.family << 16 | dst->vtep.port);
	return 0;
}

/* The destination of frames for a MAC: the table's entry, else the uplink. False: there is none. */
static __always_inline bool destination(__u32 segment, struct mac mac, struct vpc_dst *dst)
{
	return fdb_lookup(segment, mac, dst) || uplink_of(segment, dst);
}

standalone bool is_local(const struct vpc_fdb_key *key)
{
	bool local = false;

	return key && look_at(&fdb, key, entry, local = entry->value.kind == VPC_DST_LOCAL) && local;
}

/* The MAC is a unit of this host. */
static __always_inline bool fdb_is_local(__u32 segment, struct mac mac)
{
	struct vpc_fdb_key key = { .segment = segment };

	*(struct mac *)key.mac = mac;
	return is_local(&key);
}

/* Whether packets from a tunnel may go to the segment; `is_watched`: see watched. Returns a drop reason or 0. */
standalone int enter_segment(__u32 id, __u32 *is_watched)
{
	struct vpc_segment segment;

	if (!is_watched || !segment_of(id, &segment))
		return VPC_DROP_UNKNOWN_VNI;
	*is_watched = watched(&segment);
	return segment.flags & VPC_SEGMENT_UP ? 0 : VPC_DROP_SWITCH_DOWN;
}

#endif
