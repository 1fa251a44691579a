/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A frame in VXLAN over IPv4, RFC 7348, as the direct ways write and read it: all headers before the inner packet. */
#ifndef VPC_VXLAN_H
#define VPC_VXLAN_H

#include <linux/ip.h>
#include "udp.h"

#define TUNNEL_TTL 64
#define FORWARDED_TTL 255 /* see forward-once.h */
#define VXLAN_FLAGS 0x08000000 /* a VNI is there, nothing else */
#define ECN_MASK 3
#define ECN_ECT_1 1
#define ECN_ECT_0 2
#define ECN_CE 3

/* linux/bpf.h of older distributions lacks them. */
#ifndef BPF_F_ADJ_ROOM_DECAP_L3_IPV4
#define ADJ_ROOM_DECAP_L3_IPV4 (1ull << 7)
#define ADJ_ROOM_DECAP_L3_IPV6 (1ull << 8)
#else
#define ADJ_ROOM_DECAP_L3_IPV4 BPF_F_ADJ_ROOM_DECAP_L3_IPV4
#define ADJ_ROOM_DECAP_L3_IPV6 BPF_F_ADJ_ROOM_DECAP_L3_IPV6
#endif

/* The pad aligns every field; the packet begins with eth. */
struct vxlan_frame {
	__u16 pad;
	struct ethhdr eth;
	struct iphdr ip;
	struct udp udp;
	__be32 flags;
	__be32 vni; /* in the upper 24 bits */
	struct ethhdr inner;
};

#define VXLAN_FRAME_LEN 64 /* both Ethernet headers and all between */
#define VXLAN_OVERHEAD 50  /* difference in length of the outer and the inner frame, and of the outer and the inner IP packet */
#define IPV4_MAX 65535

_Static_assert(sizeof(struct vxlan_frame) == VXLAN_FRAME_LEN + 4, "two bytes before, two behind");

/* Sum of an IPv4 header without options; 0xffff when its checksum is right. */
static __always_inline __u32 sum_ipv4(const struct iphdr *ip)
{
	const __u16 *word = (const __u16 *)ip;
	__u32 sum = word[0];

#pragma unroll
	for (int i = 1; i < 10; i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

#endif
