/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Decapsulation without the vxlan device: which packets qualify, and how their outer headers come off. */
#ifndef VPC_DECAP_DIRECT_H
#define VPC_DECAP_DIRECT_H

#include "kernel-skb.h"
#include "packet.h"
#include "vxlan.h"

/* Set by the loader. 0: everything goes through the vxlan device. */
const volatile __u32 vpc_direct_decap = 1;

#define IPV4_FRAGMENT 0x3fff /* more to come, or an offset */

/* The outer header is plain and whole, and its lengths are the packet's. */
static __always_inline bool is_plain(const struct __sk_buff *skb, const struct vxlan_frame *frame)
{
	__u32 length = skb->len - ETH_HLEN;

	return !(frame->ip.frag_off & bpf_htons(IPV4_FRAGMENT)) && (frame->ip.tos & ECN_MASK) != ECN_CE &&
	       bpf_ntohs(frame->ip.tot_len) == length && bpf_ntohs(frame->udp.len) == length - sizeof(struct iphdr) &&
	       frame->flags == bpf_htonl(VXLAN_FLAGS) && !(frame->vni & bpf_htonl(0xff)) && sum_ipv4(&frame->ip) == 0xffff;
}

/*
 * RFC 6040 section 4.2: an egress makes ECT(1) of the inner ECT(0) when the outer field is ECT(1). All other fields
 * that pass is_plain leave the inner one as it is.
 */
static __always_inline bool keeps_ecn(struct __sk_buff *skb, const struct vxlan_frame *frame)
{
	__u8 ip[2], ecn;

	if ((frame->ip.tos & ECN_MASK) != ECN_ECT_1)
		return true;
	if (bpf_skb_load_bytes(skb, VXLAN_FRAME_LEN, ip, sizeof(ip)))
		return false;
	ecn = frame->inner.h_proto == bpf_htons(ETH_P_IP) ? ip[1] : ip[1] >> 4;
	return (ecn & ECN_MASK) != ECN_ECT_0;
}

static __always_inline __u8 summed(struct __sk_buff *skb)
{
	struct sk_buff *kernel = kernel_skb(skb);

	return BPF_CORE_READ_BITFIELD(kernel, ip_summed);
}

/*
 * The kernel or the device has verified the UDP checksum, or the packet was never on a wire. The program does not
 * verify it.
 */
static __always_inline bool is_summed(struct __sk_buff *skb)
{
	__u8 how = summed(skb);

	return how == CHECKSUM_UNNECESSARY || how == CHECKSUM_PARTIAL;
}

/* Reads the headers. False: it is no VXLAN packet with unicast IP inside, or it is for the stack. */
static __always_inline bool read_frame(struct __sk_buff *skb, struct vxlan_frame *frame)
{
	struct iphdr *ip;

	if (!vpc_direct_decap || !linear(skb, VXLAN_FRAME_LEN))
		return false;
	ip = (void *)(long)skb->data + ETH_HLEN;
	if ((void *)ip + VXLAN_OVERHEAD > (void *)(long)skb->data_end)
		return false;
	if (ip->protocol != IPPROTO_UDP || ip->version != 4 || ip->ihl != 5)
		return false;
	__builtin_memcpy(&frame->ip, ip, VXLAN_OVERHEAD);
	if (frame->flags != bpf_htonl(VXLAN_FLAGS) || skb->vlan_present || !is_plain(skb, frame))
		return false;
	if (frame->inner.h_proto != bpf_htons(ETH_P_IP) && frame->inner.h_proto != bpf_htons(ETH_P_IPV6))
		return false;
	if (mac_is_multicast(mac_at(frame->inner.h_dest)) || !keeps_ecn(skb, frame))
		return false;
	return !frame->udp.check || is_summed(skb);
}

/* The length of the inner packet, or of its largest segment; 0 when the headers do not show it. */
static __always_inline __u32 inner_length(struct __sk_buff *skb, const struct vxlan_frame *frame)
{
	bool v4 = frame->inner.h_proto == bpf_htons(ETH_P_IP);
	__u8 ip[10], doff;
	__u32 header;

	if (!skb->gso_size)
		return skb->len - VXLAN_FRAME_LEN;
	if (bpf_skb_load_bytes(skb, VXLAN_FRAME_LEN, ip, sizeof(ip)))
		return 0;
	header = v4 ? (ip[0] & 0xf) * 4 : 40;
	if ((v4 ? ip[9] : ip[6]) != IPPROTO_TCP || bpf_skb_load_bytes(skb, VXLAN_FRAME_LEN + header + 12, &doff, 1))
		return 0;
	return header + (doff >> 4) * 4 + skb->gso_size;
}

/*
 * No helper removes the tunnel's marks from a large packet, or one with an open checksum, that is decapsulated here. A
 * stack does not mind the marks. A tap's driver would cut such a packet in software, or take it for a tunnelled one. So
 * a tap gets such packets by way of the vxlan device.
 */
static __always_inline bool is_clean(struct __sk_buff *skb)
{
	struct sk_buff *kernel = kernel_skb(skb);

	return !skb->gso_size && !BPF_CORE_READ_BITFIELD(kernel, encapsulation);
}

/* The unit can have the packet by the direct way. */
static __always_inline bool can_have(struct __sk_buff *skb, const struct vxlan_frame *frame, const struct vpc_dst *dst)
{
	__u32 length;

	if (!(dst->flags & VPC_DST_PEER || is_clean(skb)))
		return false;
	if (!dst->mtu)
		return true;
	length = inner_length(skb, frame);
	return length && length <= dst->mtu;
}

/* Leaves the inner frame. False: the packet is unchanged. */
static __always_inline bool decap_direct(struct __sk_buff *skb, const struct vxlan_frame *frame)
{
	__u64 inner = frame->inner.h_proto == bpf_htons(ETH_P_IP) ? ADJ_ROOM_DECAP_L3_IPV4 : ADJ_ROOM_DECAP_L3_IPV6;

	if (bpf_skb_adjust_room(skb, -VXLAN_OVERHEAD, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET | inner))
		return false;
	/* The device has verified the outer checksum; a second level counts for the inner one. */
	if (summed(skb) == CHECKSUM_UNNECESSARY)
		bpf_csum_level(skb, BPF_CSUM_LEVEL_DEC);
	bpf_skb_store_bytes(skb, 0, &frame->inner, sizeof(frame->inner), 0);
	return true;
}

#endif
