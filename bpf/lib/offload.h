/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Work that a sender left to others, after all checks: a checksum to fill in, a large segment to cut.
 *
 * A guest with a tap or a packet socket (struct virtio_net_hdr) chooses where that checksum is, and software or
 * hardware later writes two bytes there. So the place must be the protocol's own. The content of a guest's own tunnel
 * is the guest's: the programs do not check it, and every byte of it may be written. The kernel cuts a segment by the
 * rules of its gso_type. It drops a segment whose protocol is another, and counts it nowhere.
 */
#ifndef VPC_OFFLOAD_H
#define VPC_OFFLOAD_H

#include "kernel-skb.h"
#include "udp.h"

#ifndef IPPROTO_MPLS
#define IPPROTO_MPLS 137
#endif

/* Offset of the checksum in the header above IP; 0: nobody else fills in this protocol's. */
static __always_inline __u32 checksum_offset(__u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP:
		return 6;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 2;
	case IPPROTO_SCTP:
		return 8;
	default:
		return 0;
	}
}

/* Length of the header before a tunnel's content; 0: no tunnel. */
static __always_inline __u32 tunnel_header(__u8 proto)
{
	switch (proto) {
	case IPPROTO_UDP:
		return 8;
	case IPPROTO_GRE:
	case IPPROTO_MPLS:
		return 4;
	case IPPROTO_IPIP:
		return 20;
	case IPPROTO_IPV6:
		return 40;
	default:
		return 0;
	}
}

/* Whether the open checksum is the protocol's own, or lies in the content of a tunnel. */
static __always_inline bool checksum_has_its_place(struct sk_buff *kernel, const struct packet *packet)
{
	__u32 start = offset_in(kernel, kernel->csum_start), header;

	if (!packet->upper)
		return false;
	if (start == packet->upper && kernel->csum_offset == checksum_offset(packet->proto))
		return kernel->csum_offset != 0;
	header = tunnel_header(packet->proto);
	return header && start >= packet->upper + header;
}

/*
 * Whether the packet matches its gso_type. A tunnel's type describes the outer and the inner packet. A packet that a
 * guest forwards may have left our own tunnel by the direct way, which keeps the tunnel's bits.
 */
static __always_inline bool segment_has_its_type(__u32 type, const struct packet *packet)
{
	if (!type)
		return true;
	if (type & SKB_GSO_OF_TUNNEL && tunnel_header(packet->proto))
		return true;
	switch (packet->proto) {
	case IPPROTO_TCP:
		return type & (packet->type == ETH_P_IP ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6);
	case IPPROTO_UDP:
		return type & (SKB_GSO_UDP_L4 | SKB_GSO_UDP);
	case IPPROTO_SCTP:
		return type & SKB_GSO_SCTP;
	default:
		return false;
	}
}

/*
 * Checks the work that is left for an inspected packet. A large segment from elsewhere has passed a stack of this host;
 * past the vxlan device it still has the tunnel's type. Returns a drop reason or 0.
 */
static __always_inline int check_offload(struct __sk_buff *skb, const struct packet *packet)
{
	struct sk_buff *kernel = kernel_skb(skb);

	if (BPF_CORE_READ_BITFIELD(kernel, ip_summed) == CHECKSUM_PARTIAL && unlikely(!checksum_has_its_place(kernel, packet)))
		return VPC_DROP_BAD_OFFLOAD;
	if (packet->hook == HOOK_UNIT && skb->gso_size && !(packet->upper && segment_has_its_type(gso_type(kernel), packet)))
		return VPC_DROP_BAD_OFFLOAD;
	return 0;
}

#endif
