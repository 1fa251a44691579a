/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Encapsulation without the vxlan device. IP packets to a VTEP with a fresh path (see path.h) get their outer headers
 * here and go straight to the underlay's interface. The result is bit for bit what the device and vpc_ethlink_out make.
 *
 * All other packets take the device: frames that are not IP, packets that need a checksum for an IPv6 underlay, packets
 * that are tunnelled already, packets too long for the interface or for an IPv4 header.
 */
#ifndef VPC_ENCAP_DIRECT_H
#define VPC_ENCAP_DIRECT_H

#include "fits.h"
#include "flow-port.h"
#include "kernel-skb.h"
#include "path.h"

/* Set by the loader. 0: everything goes through the vxlan device. */
const volatile __u32 vpc_direct_encap = 1;

#define GROW (BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP | \
	      BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN) | BPF_F_ADJ_ROOM_ENCAP_L2_ETH | BPF_F_ADJ_ROOM_NO_CSUM_RESET)

/* `ecn`: of the inner header, RFC 6040 section 4.1. */
static __always_inline void write_outer(struct vxlan_frame *frame, const struct path *path, __u32 length, __u16 id, __u8 ecn)
{
	__be16 total = bpf_htons(length), ident = bpf_htons(id);
	__u32 sum = path->ip_sum + total + ident + bpf_htons(ecn);

	frame->eth = path->eth;
	frame->ip = (struct iphdr){ .version = 4, .ihl = 5, .tos = ecn, .tot_len = total, .id = ident, .ttl = TUNNEL_TTL,
				    .protocol = IPPROTO_UDP, .saddr = path->saddr, .daddr = path->daddr };
	sum = (sum & 0xffff) + (sum >> 16);
	frame->ip.check = ~((sum & 0xffff) + (sum >> 16));
	frame->udp = (struct udp){ .dport = path->dport, .len = bpf_htons(length - sizeof(struct iphdr)) };
}

/*
 * Encapsulates the packet, which must then go to way.path->ifindex. False: the packet is unchanged, and the vxlan
 * device must do it.
 */
static __always_inline bool encap_direct(struct __sk_buff *skb, const struct packet *packet, struct way way)
{
	__u32 hash, length = packet->l3_len + VXLAN_OVERHEAD;
	struct vxlan_frame frame = {};

	if (packet->type != ETH_P_IP && packet->type != ETH_P_IPV6)
		return false;
	if (length > IPV4_MAX || !fits(skb, packet, way.path->mtu - VXLAN_OVERHEAD))
		return false;
	hash = flow_hash(skb);
	if (!hash || bpf_skb_adjust_room(skb, VXLAN_OVERHEAD, BPF_ADJ_ROOM_MAC, GROW))
		return false;
	write_outer(&frame, way.path, length, way.id, packet->ecn);
	frame.udp.sport = source_port(hash);
	frame.flags = bpf_htonl(VXLAN_FLAGS);
	frame.vni = bpf_htonl(packet->segment << 8);
	*(struct mac *)frame.inner.h_dest = packet->dmac;
	*(struct mac *)frame.inner.h_source = packet->smac;
	frame.inner.h_proto = bpf_htons(packet->type);
	bpf_skb_store_bytes(skb, 0, &frame.eth, VXLAN_FRAME_LEN, 0);
	skb->mark = VPC_MARK_READY;
	return true;
}

#endif
