/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The one place that encapsulates frames: straight onto the underlay by encap-direct.h where possible, and otherwise by
 * the mux's collect-metadata vxlan device, which handles every frame. encap_prepare is for that device: it sets the
 * tunnel key, and callers redirect or clone to dst.ifindex.
 */
#ifndef VPC_ENCAP_H
#define VPC_ENCAP_H

#include "encap-direct.h"
#include "entry.h"
#include "packet.h"

struct tunnel {
	struct bpf_tunnel_key key;
	__u32 flags; /* BPF_F_TUNINFO_IPV6 */
};

/*
 * The outer source must be the address that the mux listens on, even if the host has others. Returns the flags for the
 * key.
 */
static __always_inline __u32 set_end_points(struct bpf_tunnel_key *key, const struct vpc_vtep *to, const struct vpc_vtep *from)
{
	if (to->family == 6) {
		__builtin_memcpy(key->remote_ipv6, to->addr, 16);
		__builtin_memcpy(key->local_ipv6, from->addr, 16);
		return BPF_F_TUNINFO_IPV6;
	}
	key->remote_ipv4 = bpf_ntohl(*(const __be32 *)to->addr);
	key->local_ipv4 = bpf_ntohl(*(const __be32 *)from->addr);
	return BPF_F_ZERO_CSUM_TX; /* allowed over IPv4 alone */
}

/*
 * Prepares the packet for dst.ifindex; `from`: where the mux listens. The mark tells the underlay's egress program
 * (vpc_ethlink_out) that a mux sends the packet. It has the VTEP's UDP port if that is not the mux's own: the device
 * sends to one port only. We do not fragment the packet, but routers may: DF stays clear. Callers keep the flow's hash
 * before (flow-port.h), once for all copies.
 */
static __always_inline bool set_tunnel(struct __sk_buff *skb, __u32 segment, const struct vpc_dst *dst, const struct vpc_vtep *from,
				       __u8 ttl)
{
	struct bpf_tunnel_key key = { .tunnel_id = segment, .tunnel_ttl = ttl };
	__u32 flags;

	if (segment & VPC_SEGMENT_LOCAL || dst->vtep.family != from->family)
		return false;
	flags = set_end_points(&key, &dst->vtep, from);
	if (bpf_skb_set_tunnel_key(skb, &key, sizeof(key), flags))
		return false;
	skb->mark = VPC_MARK_OUT | VPC_MARK_OF_PORT(dst->vtep.port);
	return true;
}

/* The same, on a stack of its own. */
static __noinline optional bool encap_from(struct __sk_buff *skb, __u32 segment, const struct vpc_dst *dst, const struct vpc_vtep *from,
					   __u8 ttl)
{
	return set_tunnel(skb, segment, dst, from, ttl);
}

/* The same, when it is not known yet where the mux listens. */
static __noinline optional bool encap_with_ttl(struct __sk_buff *skb, __u32 segment, const struct vpc_dst *dst, __u8 ttl)
{
	__u32 ifindex = dst->ifindex;
	struct vpc_mux mux;

	return read_entry(&muxes, &ifindex, &mux) && set_tunnel(skb, segment, dst, &mux.listen, ttl);
}

/*
 * Other hosts still expect a unit that has just moved behind its old host. They accept its frames from here as they
 * accept forwarded ones. That lasts until the entry is gone, by which time they know the new host.
 */
static __always_inline __u8 ttl_of(__u32 port_flags)
{
	return port_flags & VPC_PORT_MOVED ? FORWARDED_TTL : TUNNEL_TTL;
}

static __always_inline bool encap_prepare(struct __sk_buff *skb, __u32 segment, const struct vpc_dst *dst)
{
	return encap_with_ttl(skb, segment, dst, TUNNEL_TTL);
}

/*
 * Encapsulates a packet, or prepares it for the mux's device. Returns the ifindex that it must be redirected to, or 0
 * on failure.
 */
static __always_inline __u32 encap(struct __sk_buff *skb, const struct packet *packet, const struct vpc_dst *dst, struct way way)
{
	if (way.path && vpc_direct_encap && encap_direct(skb, packet, way))
		return way.path->ifindex;
	keep_own_flow_hash(skb, packet);
	return encap_from(skb, packet->segment, dst, way.from, ttl_of(packet->flags)) ? dst->ifindex : 0;
}

/* Reads the outer header of a packet from the mux. */
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

/* The outer destination is the address that the mux listens on; a mux that listens on all addresses accepts any. */
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

/* Prepares the packet for the VTEP that it came from. */
static __noinline optional int encap_back(struct __sk_buff *skb)
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
