// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * From the underlay: ingress of a mux's collect-metadata vxlan device, on which the kernel hands us each decapsulated
 * frame with its outer header as metadata. To local units, to the uplink for senders that are known, and into a tunnel
 * again where the entry of the MAC asks for that, once.
 */
#include "lib/broadcast.h"
#include "lib/forward-once.h"
#include "lib/heard.h"
#include "lib/inspect.h"
#include "lib/sender.h"
#include "lib/watch.h"

/* Whether the outer header leads to a segment of this host; sets packet->segment. Returns a drop reason or 0. */
static __always_inline int enter(struct packet *packet, const struct vpc_mux *mux, const struct tunnel *tunnel)
{
	__u32 vni = tunnel->key.tunnel_id;
	struct vpc_segment segment;

	if (!decap_is_for(tunnel, mux))
		return VPC_DROP_BAD_TUNNEL;
	packet->segment = vni;
	if (!segment_of(vni, &segment))
		return VPC_DROP_UNKNOWN_VNI;
	packet->flags = watched(&segment);
	return segment.flags & VPC_SEGMENT_UP ? 0 : VPC_DROP_SWITCH_DOWN;
}

static __always_inline int unicast(struct __sk_buff *skb, struct packet *packet)
{
	struct vpc_dst dst;

	if (!destination(packet->segment, packet->dmac, &dst))
		return drop(skb, packet, VPC_DROP_UNKNOWN_MAC);
	if (dst.kind == VPC_DST_REMOTE && dst.flags & VPC_DST_FORWARD)
		return forward_once(skb, packet, &dst);
	if (dst.kind == VPC_DST_REMOTE || (dst.kind == VPC_DST_UPLINK && !packet->remote_source))
		return drop(skb, packet, VPC_DROP_UNKNOWN_MAC);
	return deliver_here(skb, packet, &dst);
}

#define ONLY_A_COPY -1 /* see heard.h */

static __always_inline struct outer_source outer_source_of(const struct tunnel *tunnel, const struct vpc_mux *mux)
{
	struct outer_source from = { .vtep = { .stats = mux->stats, .segment = tunnel->key.tunnel_id }, .forwarded = tunnel->key.tunnel_ttl > TUNNEL_TTL };

	if (tunnel->flags & BPF_F_TUNINFO_IPV6)
		__builtin_memcpy(from.vtep.addr, tunnel->key.remote_ipv6, 16);
	else
		*(struct address *)from.vtep.addr = address_of_ipv4(bpf_htonl(tunnel->key.remote_ipv4));
	return from;
}

/* Reads the outer header, and the Ethernet header. Returns a drop reason, 0 or ONLY_A_COPY. */
static __noinline int leave_tunnel(struct __sk_buff *skb, struct packet *packet)
{
	__u32 ifindex = skb->ifindex;
	struct tunnel tunnel = {};
	struct outer_source from;
	struct vpc_mux mux;
	bool known;
	int reason;

	if (!read_entry(&muxes, &ifindex, &mux))
		return VPC_DROP_BAD_TUNNEL;
	packet->source = mux.stats;
	known = decap_read(skb, &tunnel);
	if (known && (skb->mark & VPC_MARK_MASK) == VPC_MARK_HEARD && note_heard(skb, mux.stats, bpf_htonl(tunnel.key.remote_ipv4)))
		return ONLY_A_COPY;
	count_rx(packet->source, skb->len);
	reason = known ? enter(packet, &mux, &tunnel) : VPC_DROP_BAD_TUNNEL;
	if (!reason)
		reason = parse_ethernet(skb, packet);
	if (reason)
		return reason;
	from = outer_source_of(&tunnel, &mux);
	return check_sender(&from, &packet->smac, &packet->remote_source);
}

static __always_inline int from_underlay(struct __sk_buff *skb)
{
	struct packet packet = { .hook = HOOK_MUX, .source = VPC_STATS_NONE };
	int reason = leave_tunnel(skb, &packet);

	if (reason == ONLY_A_COPY)
		return TC_ACT_SHOT;
	if (!reason)
		reason = inspect(skb, &packet, 0);
	if (reason)
		return drop(skb, &packet, reason);
	if (packet.flags & VPC_PORT_WATCHED)
		watch(skb, &packet);
	return mac_is_multicast(packet.dmac) ? broadcast(skb, &packet) : unicast(skb, &packet);
}

SEC("tc")
int vpc_mux(struct __sk_buff *skb)
{
	return from_underlay(skb);
}

/* What is set as the way there is read as the way here: the ends change places. */
standalone int set_trace_key(struct __sk_buff *skb)
{
	__u32 vni = skb->cb[4], flags = 0;
	struct bpf_tunnel_key key = { .tunnel_id = vni & 0xffffff, .tunnel_ttl = TUNNEL_TTL };

	if (vni & VPC_TRACE_FORWARDED)
		key.tunnel_ttl = FORWARDED_TTL;
	if (vni & VPC_TRACE_IPV6) {
		flags = BPF_F_TUNINFO_IPV6;
		for (int i = 0; i < 4; i++)
			key.remote_ipv6[i] = key.local_ipv6[i] = skb->cb[i];
		key.local_ipv6[3] += bpf_htonl(1);
	} else {
		key.remote_ipv4 = bpf_ntohl(skb->cb[0]);
		key.local_ipv4 = key.remote_ipv4 + 1;
	}
	return bpf_skb_set_tunnel_key(skb, &key, sizeof(key), flags);
}

/*
 * The same for BPF_PROG_TEST_RUN, which can give a packet no tunnel metadata: they come in skb->cb, see abi.h. What
 * user space attaches is vpc_mux; this program is only ever run.
 */
SEC("tc")
int vpc_mux_trace(struct __sk_buff *skb)
{
	return set_trace_key(skb) ? TC_ACT_UNSPEC : from_underlay(skb);
}

char _license[] SEC("license") = "Dual BSD/GPL";
