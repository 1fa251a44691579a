/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Facts about a packet that struct __sk_buff does not show. Programs read them by CO-RE and never write them. */
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
	__u16 inner_transport_header;
	unsigned int end;
	__u16 network_header; /* from head on */
	__be16 inner_protocol;
	unsigned char *head;
	unsigned char *data;
} __attribute__((preserve_access_index));

/* How a large packet is to be cut. */
struct skb_shared_info {
	unsigned int gso_type;
} __attribute__((preserve_access_index));

/* Bits of gso_type. */
#define SKB_GSO_TCPV4 (1u << 0)
#define SKB_GSO_UDP (1u << 1)     /* one datagram, to be fragmented */
#define SKB_GSO_TCPV6 (1u << 4)
#define SKB_GSO_GRE (3u << 6)     /* with and without a checksum; these and the next three: a tunnel of the sender's own */
#define SKB_GSO_IPXIP4 (1u << 8)
#define SKB_GSO_IPXIP6 (1u << 9)
#define SKB_GSO_UDP_TUNNEL (3u << 10)
#define SKB_GSO_SCTP (1u << 14)
#define SKB_GSO_UDP_L4 (1u << 17) /* many datagrams, each of which gets a header of its own */
#define SKB_GSO_OF_TUNNEL (SKB_GSO_GRE | SKB_GSO_IPXIP4 | SKB_GSO_IPXIP6 | SKB_GSO_UDP_TUNNEL)

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

static __always_inline struct sk_buff *kernel_skb(struct __sk_buff *skb)
{
	return bpf_cast_to_kern_ctx(skb);
}

/* How the kernel will cut a packet with a gso_size; 0 under BPF_PROG_TEST_RUN, which sets none. */
static __always_inline __u32 gso_type(struct sk_buff *kernel)
{
	struct skb_shared_info *shared = bpf_rdonly_cast(kernel->head + kernel->end, bpf_core_type_id_kernel(struct skb_shared_info));

	return shared->gso_type;
}

/* Converts a header's distance from the packet's memory into its offset from the Ethernet header. */
static __always_inline __u32 offset_in(struct sk_buff *kernel, __u16 from_head)
{
	return from_head - (__u32)((__u64)kernel->data - (__u64)kernel->head);
}

#endif
