/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The part of abi.h that is about programs run by BPF_PROG_TEST_RUN. */
#ifndef VPC_ABI_TRACE_H
#define VPC_ABI_TRACE_H

/*
 * What a program decided. It leaves this in skb->cb for a caller of BPF_PROG_TEST_RUN (tests, `vpc trace`): the packet
 * itself does not say where a redirect goes.
 */
enum vpc_verdict {
	VPC_VERDICT_NONE = 0,   /* not ours: on to the host's stack */
	VPC_VERDICT_DROP,       /* cb[1]: enum vpc_drop_reason */
	VPC_VERDICT_FORWARD,    /* cb[1]: ifindex, cb[2]: stats index, cb[3]: enum vpc_dst_kind */
	VPC_VERDICT_FLOOD,      /* cb[1]: copies sent */
	VPC_VERDICT_ANSWER,     /* the packet has become the answer; cb[1]: ifindex */
	VPC_VERDICT_CONSUMED,   /* a question that needs no answer (duplicate address detection) */
};
#define VPC_CB_VERDICT 0
#define VPC_CB_DETAIL 1
#define VPC_CB_STATS 2
#define VPC_CB_KIND 3

/*
 * Program vpc_mux_trace: vpc_mux for BPF_PROG_TEST_RUN, which cannot give a packet tunnel metadata. It takes the outer
 * header from skb->cb: cb[0..3]: outer destination address (network order), cb[4]: VNI and flag. Outer source: of IPv4
 * cb[1] (network order), if it is not 0; else the destination, last byte + 1.
 */
#define VPC_TRACE_IPV6 0x80000000u
#define VPC_TRACE_FORWARDED 0x40000000u  /* another host has forwarded it */

/* The stages that a traced packet goes through: see lib/trace.h. */
enum vpc_trace_stage {
	VPC_TRACE_NONE = 0,
	VPC_TRACE_PORT,         /* stats, segment, VPC_PORT_*, VLAN tag */
	VPC_TRACE_DROP,         /* enum vpc_drop_reason, source, segment */
	VPC_TRACE_GROUPS,       /* port, enum vpc_direction, reason or 0, policy, rule, enum vpc_flow_state before, kind; inside; outside */
	VPC_TRACE_DESTINATION,  /* segment, enum vpc_dst_kind, VPC_DST_*, ifindex, stats, MTU, family << 16 | port of the VTEP; MAC; VTEP */
	VPC_TRACE_ROUTE,        /* enum vpc_route_kind, 1 + bits of the prefix (0: none), route table, VPC of a peer, segment of the sender; prefix; next hop */
	VPC_TRACE_STATION,      /* VPC, segment, found; address; MAC */
	VPC_TRACE_TUNNEL,       /* stats of the mux, VNI, drop reason or 0; outer source */
	VPC_TRACE_LIMIT,        /* port, 1: to the unit, 1: within its limits */
	VPC_TRACE_COPY,         /* of a broadcast: enum vpc_dst_kind, ifindex, stats; -; VTEP */
	VPC_TRACE_QUESTION,     /* that the tables do not answer: enum vpc_event_kind */
	VPC_TRACE_NAT,          /* NAT, 0: to the wire, 1: to its host, 2: to a station, reason or 0; public source; station */
	VPC_TRACE_NAT_SOURCE,   /* NAT, public port, 1: it counts, reason or 0; public address */
	VPC_TRACE_NAT_DEST,     /* NAT, 1: the port told the station, reason or 0; station */
};

#define VPC_TRACE_VALUES 7
#define VPC_TRACE_RECORDS 32

struct vpc_trace_record {
	__u32 stage;    /* enum vpc_trace_stage */
	__u32 value[VPC_TRACE_VALUES];
	__u8 first[16];  /* an address as in vpc_neighbour_key, or a MAC */
	__u8 second[16];
};

/* Table `trace_run`, of the traced programs alone. */
struct vpc_trace_run {
	__u32 count;      /* of records, those among them that found no room */
	__u32 tunnel_id;  /* of a packet from a tunnel, for vpc_mux_trace: VNI and VPC_TRACE_IPV6, VPC_TRACE_FORWARDED */
	__u32 remote[4];  /* its outer source; IPv4 in host order in the first word */
	__u32 local[4];   /* its outer destination */
	struct vpc_trace_record record[VPC_TRACE_RECORDS];
};

#endif
