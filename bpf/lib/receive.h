/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a frame from the underlay must be, whichever way it was decapsulated. */
#ifndef VPC_RECEIVE_H
#define VPC_RECEIVE_H

#include "fdb.h"
#include "inspect.h"
#include "path.h"

/* A unit of this host is not behind a tunnel. Notes whether the sender is known to be. Returns a drop reason or 0. */
static __noinline optional int check_sender(struct packet *packet)
{
	struct vpc_dst dst = {};

	fdb_lookup(packet->segment, packet->smac, &dst);
	if (dst.kind == VPC_DST_LOCAL)
		return VPC_DROP_SOURCE_MAC;
	packet->remote_source = dst.kind == VPC_DST_REMOTE;
	return 0;
}

/* Reads and checks a frame of a segment of this host. Returns a drop reason or 0. */
static __always_inline int receive(struct __sk_buff *skb, struct packet *packet)
{
	int reason = parse_ethernet(skb, packet);

	if (!reason)
		reason = check_sender(packet);
	return reason ? reason : inspect(skb, packet, 0);
}

#endif
