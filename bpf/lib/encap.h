/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The one place that knows how a frame gets into the tunnel: today a tunnel key and the mux's collect-metadata vxlan device, which
 * writes the outer headers and keeps large segments large. Callers redirect or clone to dst.ifindex after encap_prepare.
 */
#ifndef VPC_ENCAP_H
#define VPC_ENCAP_H

#include "maps.h"
#include "packet.h"

#define TUNNEL_TTL 64

struct tunnel {
	struct bpf_tunnel_key key;
	__u32 flags; /* BPF_F_TUNINFO_IPV6 */
};

/* The outer source must be the address that the mux listens on, whatever else the host is called. */
static __always_inline void set_end_points(struct tunnel *tunnel, const struct vpc_vtep *to, const struct vpc_mux *mux)
{
	if (to->family == 6) {
		tunnel->flags = BPF_F_TUNINFO_IPV6;
		__builtin_memcpy(tunnel->key.remote_ipv6, to->addr, 16);
		__builtin_memcpy(tunnel->key.local_ipv6, mux->listen.addr, 16);
		return;
	}
	/* A zero outer UDP checksum is allowed over IPv4 alone. */
	tunnel->flags = BPF_F_ZERO_CSUM_TX;
	tunnel->key.remote_ipv4 = bpf_ntohl(*(const __be32 *)to->addr);
	tunnel->key.local_ipv4 = bpf_ntohl(*(const __be32 *)mux->listen.addr);
}

/*
 * Readies the packet for dst.ifindex. The vxlan device sends to one UDP port; for a VTEP that listens on another, the mark asks the
 * underlay's egress program (vpc_ethlink_out) to rewrite it. Not fragmented by us but free to be on the way: DF stays clear.
 */
static __always_inline bool encap_prepare(struct __sk_buff *skb, __u32 segment, const struct vpc_dst *dst)
{
	struct tunnel tunnel = { .key = { .tunnel_id = segment, .tunnel_ttl = TUNNEL_TTL } };
	__u32 ifindex = dst->ifindex, port = dst->vtep.port;
	struct vpc_mux *mux = bpf_map_lookup_elem(&muxes, &ifindex);

	if (!mux || segment & VPC_SEGMENT_LOCAL || dst->vtep.family != mux->listen.family)
		return false;
	set_end_points(&tunnel, &dst->vtep, mux);
	if (bpf_skb_set_tunnel_key(skb, &tunnel.key, sizeof(tunnel.key), tunnel.flags))
		return false;
	skb->mark = port && port != mux->listen.port ? VPC_MARK_PORT | port : 0;
	return true;
}

/* The outer header that a packet from the mux came with. */
static __always_inline bool decap_read(struct __sk_buff *skb, struct tunnel *tunnel)
{
	tunnel->flags = 0;
	if (!bpf_skb_get_tunnel_key(skb, &tunnel->key, sizeof(tunnel->key), 0))
		return true;
	tunnel->flags = BPF_F_TUNINFO_IPV6;
	return !bpf_skb_get_tunnel_key(skb, &tunnel->key, sizeof(tunnel->key), BPF_F_TUNINFO_IPV6);
}

static __always_inline bool any_zero(const __u32 *words)
{
	return !(words[0] | words[1] | words[2] | words[3]);
}

/* The outer destination is the address that the mux listens on; one that listens on all addresses takes any. */
static __always_inline bool decap_is_for(const struct tunnel *tunnel, const struct vpc_mux *mux)
{
	const __u32 *listen = (const __u32 *)mux->listen.addr;
	const __u32 *local = tunnel->key.local_ipv6;

	if (tunnel->flags & BPF_F_TUNINFO_IPV6) {
		if (mux->listen.family != 6)
			return false;
		return any_zero(listen) ||
		       !((listen[0] ^ local[0]) | (listen[1] ^ local[1]) | (listen[2] ^ local[2]) | (listen[3] ^ local[3]));
	}
	if (mux->listen.family != 4)
		return false;
	return !listen[0] || listen[0] == bpf_htonl(tunnel->key.local_ipv4);
}

/* Readies the packet for the VTEP that it came from. */
static __always_inline int encap_back(struct __sk_buff *skb)
{
	struct tunnel tunnel = {};

	if (!decap_read(skb, &tunnel))
		return -1;
	tunnel.key.tunnel_ttl = TUNNEL_TTL;
	tunnel.key.tunnel_tos = 0;
	tunnel.key.tunnel_ext = 0;
	tunnel.key.tunnel_label = 0;
	skb->mark = 0;
	return bpf_skb_set_tunnel_key(skb, &tunnel.key, sizeof(tunnel.key),
				      tunnel.flags ? tunnel.flags : BPF_F_ZERO_CSUM_TX);
}

#endif
