/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Open checksums (CHECKSUM_PARTIAL), and what they do to an ICMP error that quotes such a packet: the device would
 * write into the quotation after the error's own checksum was computed over it. No helper removes the mark. So the
 * field gets the one value that filling it in reproduces: it is then right before and after.
 */
#ifndef VPC_PARTIAL_H
#define VPC_PARTIAL_H

#include "checksum.h"
#include "kernel-skb.h"

/* `length`: of the whole packet. The field lies within it: the kernel does not cut a packet shorter than that. */
static __noinline int settle_partial_checksum(struct __sk_buff *skb, __u32 length)
{
	struct sk_buff *kernel = kernel_skb(skb);
	__u32 start, field, sum;
	__u16 value = 0;

	if (BPF_CORE_READ_BITFIELD(kernel, ip_summed) != CHECKSUM_PARTIAL)
		return 0;
	start = offset_in(kernel, kernel->csum_start);
	field = start + kernel->csum_offset;
	if (start >= length || field + sizeof(value) > length)
		return 0;
	bpf_skb_store_bytes(skb, field, &value, sizeof(value), 0);
	sum = bpf_ntohs(sum_packet(skb, start, length - start));
	/* x = ~(sum + x) in ones' complement: x = -sum/2 modulo 65535, where 32768 is the half of 1. */
	value = bpf_htons((65535 - sum) % 65535 * 32768 % 65535);
	return bpf_skb_store_bytes(skb, field, &value, sizeof(value), 0);
}

#endif
