/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Only muxes may send UDP to the ports of VTEPs. A VTEP trusts the outer source address, so it would accept VXLAN from
 * a guest behind an uplink on the underlay's wire, and from any program of another VTEP's host.
 *
 * For guests, the programs check frames that leave for an uplink. For programs of the host, they check packets at the
 * underlay's egress. There a mux's packets bear a mark, which only root can set. A rule of the host may have changed
 * the mark, so packets of a tunnel device pass too: only root makes such devices.
 */
#ifndef VPC_TUNNEL_END_H
#define VPC_TUNNEL_END_H

#include "entry.h"
#include "ipv4.h"
#include "ipv6.h"
#include "kernel-skb.h"

#ifndef ETH_P_TEB
#define ETH_P_TEB 0x6558
#endif

/*
 * Reads the destination port of a UDP packet into the table's key. A later fragment has no port, so it counts for the
 * address: it could replace a part of a mux's packet.
 */
static __always_inline bool read_port(struct __sk_buff *skb, __u32 at, struct vpc_tunnel_end *to)
{
	__be16 dport;

	if (to->kind == VPC_END_ADDRESS)
		return true;
	if (bpf_skb_load_bytes(skb, at + offsetof(struct udp, dport), &dport, sizeof(dport)))
		return false;
	to->port = bpf_ntohs(dport);
	return true;
}

static __always_inline bool read_end_ipv4(struct __sk_buff *skb, __u32 at, struct vpc_tunnel_end *to)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)) || ip.protocol != IPPROTO_UDP)
		return false;
	*(struct address *)to->addr = address_of_ipv4(ip.daddr);
	to->kind = ip.frag_off & bpf_htons(IPV4_OFFSET) ? VPC_END_ADDRESS : VPC_END_PORT;
	return read_port(skb, at + ip.ihl * 4, to);
}

/* The program cannot see behind more extension headers of a later fragment: it may be UDP. */
static __always_inline bool read_end_ipv6(struct __sk_buff *skb, __u32 at, struct vpc_tunnel_end *to)
{
	struct extensions walk = { .offset = at + IPV6_HLEN, .end = skb->len };

	if (bpf_skb_load_bytes(skb, at + offsetof(struct ipv6, nexthdr), &walk.next, 1) ||
	    bpf_skb_load_bytes(skb, at + offsetof(struct ipv6, daddr), to->addr, sizeof(to->addr)))
		return false;
	for (int i = 0; i < IPV6_EXTENSIONS && is_extension(walk.next) && !walk.later; i++)
		if (step_extension(skb, &walk))
			return false;
	if (walk.next != IPPROTO_UDP && !(walk.later && is_extension(walk.next)))
		return false;
	to->kind = walk.later ? VPC_END_ADDRESS : VPC_END_PORT;
	return read_port(skb, walk.offset, to);
}

/* Reads the destination of a UDP packet whose IP header begins at `at`. False: it is not UDP. */
static __noinline bool read_end(struct __sk_buff *skb, __u32 at, struct vpc_tunnel_end *to)
{
	return skb->protocol == bpf_htons(ETH_P_IP)     ? read_end_ipv4(skb, at, to)
	       : skb->protocol == bpf_htons(ETH_P_IPV6) ? read_end_ipv6(skb, at, to)
							: false;
}

/* Whether `port` is the port of the mux on this underlay. */
static __noinline optional bool is_port_of_wire(__u32 ifindex, __u16 port)
{
	struct vpc_mux mux;

	return read_entry(&muxes, &ifindex, &mux) && mux.flags & VPC_MUX_EXCLUSIVE && port == mux.listen.port;
}

/*
 * Whether a guest's untagged frame would reach a VTEP by this uplink. On the wire of an underlay there are VTEPs that
 * this host does not know, so nothing may go to the mux's port there.
 */
static __noinline optional bool is_for_vtep(struct __sk_buff *skb, __u32 uplink)
{
	struct vpc_tunnel_end to = {};

	if (!read_end(skb, ETH_HLEN, &to))
		return false;
	if (bpf_map_lookup_elem(&tunnel_ends, &to))
		return true;
	return to.kind == VPC_END_PORT && is_port_of_wire(uplink, to.port);
}

/* The quick test for packets that leave the underlay without a mark: most are TCP. */
static __always_inline optional bool may_be_udp(struct __sk_buff *skb)
{
	struct sk_buff *kernel = kernel_skb(skb);
	__u32 at = offset_in(kernel, kernel->network_header);
	struct iphdr *ip;

	barrier_var(at);
	ip = (void *)(long)skb->data + (at & 0xff);
	if ((void *)(ip + 1) > (void *)(long)skb->data_end)
		return true;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return ip->protocol == IPPROTO_UDP;
	return skb->protocol == bpf_htons(ETH_P_IPV6) && ((struct ipv6 *)ip)->nexthdr != IPPROTO_TCP;
}

/* The source address is that of a mux of this host; `at`: where the IP header begins. */
static __always_inline bool is_from_mux(struct __sk_buff *skb, __u32 at)
{
	struct vpc_tunnel_end from = { .kind = VPC_END_OWN };
	__be32 ipv4;

	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (bpf_skb_load_bytes(skb, at + offsetof(struct ipv6, saddr), from.addr, sizeof(from.addr)))
			return false;
	} else {
		if (bpf_skb_load_bytes(skb, at + offsetof(struct iphdr, saddr), &ipv4, sizeof(ipv4)))
			return false;
		*(struct address *)from.addr = address_of_ipv4(ipv4);
	}
	return bpf_map_lookup_elem(&tunnel_ends, &from);
}

/*
 * Whether a packet that leaves an underlay without a mark poses as a mux's. Of forwarded packets, only those with a
 * mux's own address do: other VTEPs may be behind this host. Later fragments of the host's own packets pass, since they
 * are useless without the first one.
 */
static __noinline optional bool is_forged(struct __sk_buff *skb)
{
	struct sk_buff *kernel = kernel_skb(skb);
	__u32 at = offset_in(kernel, kernel->network_header);
	struct vpc_tunnel_end to = {};

	if (!read_end(skb, at, &to) || !bpf_map_lookup_elem(&tunnel_ends, &to))
		return false;
	if (skb->ingress_ifindex)
		return is_from_mux(skb, at);
	return to.kind == VPC_END_PORT && kernel->inner_protocol != bpf_htons(ETH_P_TEB);
}

#endif
