/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the kernel knows of a packet and struct __sk_buff does not show: read by CO-RE, written by nobody. */
#ifndef VPC_KERNEL_SKB_H
#define VPC_KERNEL_SKB_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Of ip_summed. */
#define CHECKSUM_UNNECESSARY 1
#define CHECKSUM_PARTIAL 3

struct net_device {
	unsigned short type;
} __attribute__((preserve_access_index));

struct sk_buff {
	struct net_device *dev;
	unsigned long _skb_refdst;
	__u8 ip_summed : 2;
	__u8 l4_hash : 1;
	__u8 sw_hash : 1;
	__u8 encapsulation : 1;
	__u16 csum_start;
	__u16 csum_offset;
	unsigned char *head;
	unsigned char *data;
} __attribute__((preserve_access_index));

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;

static __always_inline struct sk_buff *kernel_skb(struct __sk_buff *skb)
{
	return bpf_cast_to_kern_ctx(skb);
}

#endif
