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
 * header from skb->cb: cb[0..3]: outer destination address (network order), cb[4]: VNI and flag. Outer source: the
 * same, last byte + 1.
 */
#define VPC_TRACE_IPV6 0x80000000u
#define VPC_TRACE_FORWARDED 0x40000000u  /* another host has forwarded it */

#endif
