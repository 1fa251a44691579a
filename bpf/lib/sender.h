/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Checks who sent a packet through the tunnel: a VTEP of its VNI, and if the forwarding table knows the sender, that
 * sender's own VTEP. Anybody can send a UDP packet with a VNI in it.
 */
#ifndef VPC_SENDER_H
#define VPC_SENDER_H

#include "fdb.h"
#include "gateway.h"

/* Who sent the outer packet. */
struct outer_source {
	struct vpc_vtep_key vtep; /* as the table would have it */
	bool forwarded; /* by its TTL, see forward-once.h */
};

static __always_inline struct address address_of_vtep(const struct vpc_vtep *vtep)
{
	return vtep->family == 4 ? address_of_ipv4(*(const __be32 *)vtep->addr) : *(const struct address *)vtep->addr;
}

static __always_inline bool has_vtep(const struct vpc_dst *dst, const struct vpc_vtep_key *vtep)
{
	struct address address = address_of_vtep(&dst->vtep);

	return address_equal(&address, (const struct address *)vtep->addr);
}

/* The destination is behind that mux and VTEP. */
static __always_inline bool is_behind(const struct vpc_dst *dst, const struct vpc_vtep_key *vtep)
{
	return dst->stats == vtep->stats && has_vtep(dst, vtep);
}

/*
 * The VTEP is a host of the same VPC, or of a peer: one that routes into the segment, where it may have no station.
 * What is asked for is put into `vtep`, for want of room on the stack.
 */
static __always_inline bool may_route_here(struct vpc_vtep_key *vtep)
{
	__u32 segment = vtep->segment, vpc = vpc_of(segment);
	bool known;

	vtep->segment = VPC_SEGMENT_OF_VPC | vpc;
	known = vpc && bpf_map_lookup_elem(&vteps, vtep);
	vtep->segment = segment;
	return known;
}

/*
 * The sender is a unit of this host, so its frames do not come through a tunnel. The exception is a guest on its way
 * from or to another host. It may run there while its unit is in service here. That host sends its frames as forwarded
 * ones, and the unit's entry names that host alone.
 */
static __always_inline int check_own(const struct outer_source *from, const struct vpc_dst *dst)
{
	if (!from->forwarded)
		return VPC_DROP_SOURCE_MAC;
	return has_vtep(dst, &from->vtep) ? 0 : VPC_DROP_BAD_VTEP;
}

/* Checks the sender. Returns a drop reason or 0. *remote: the forwarding table knows the sender. */
static __noinline int check_sender(struct outer_source *from, const struct mac *smac, __u8 *remote)
{
	struct vpc_dst dst;
	int reason;

	if (!fdb_lookup(from->vtep.segment, *smac, &dst))
		dst.kind = VPC_DST_NONE;
	reason = dst.kind == VPC_DST_LOCAL ? check_own(from, &dst) : 0;
	if (reason)
		return reason;
	*remote = dst.kind == VPC_DST_REMOTE;
	if (*remote && !from->forwarded)
		return is_behind(&dst, &from->vtep) ? 0 : VPC_DROP_BAD_VTEP;
	if (bpf_map_lookup_elem(&vteps, &from->vtep) || (is_gateway_mac(*smac) && may_route_here(&from->vtep)))
		return 0;
	return VPC_DROP_BAD_VTEP;
}

#endif
