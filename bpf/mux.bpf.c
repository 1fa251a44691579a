// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * From the underlay: ingress of a mux's collect-metadata vxlan device. The kernel hands over each decapsulated frame
 * with its outer header as metadata. The program sends frames to local units, to the uplink if their senders are known,
 * and back into a tunnel once if the entry of the MAC asks for that.
 */
#include "lib/arrival.h"
#include "lib/broadcast.h"
#include "lib/forward-once.h"
#include "lib/heard.h"
#include "lib/inspect.h"
#include "lib/nat-leave.h"
#include "lib/sender.h"
#include "lib/watch.h"

#define ONLY_A_COPY -1 /* see heard.h */

/* Notes a packet that passed the host's stack, for which vpc_underlay waits. True: it was only a copy. */
static __always_inline bool is_copy(struct __sk_buff *skb, const struct tunnel *tunnel, __u32 stats)
{
	if ((skb->mark & VPC_MARK_MASK) != VPC_MARK_HEARD)
		return false;
	return note_heard(skb, stats, bpf_htonl(tunnel->key.remote_ipv4));
}

static __always_inline struct outer_source outer_source_of(const struct tunnel *tunnel, const struct packet *packet)
{
	struct outer_source from = { .vtep = { .stats = packet->source, .segment = packet->segment }, .forwarded = is_forwarded(tunnel) };

	if (tunnel->flags & BPF_F_TUNINFO_IPV6)
		__builtin_memcpy(from.vtep.addr, tunnel->key.remote_ipv6, 16);
	else
		*(struct address *)from.vtep.addr = address_of_ipv4(bpf_htonl(tunnel->key.remote_ipv4));
	return from;
}

static __noinline int record_tunnel(const struct outer_source *from, int reason)
{
	record_stage(VPC_TRACE_TUNNEL, from->vtep.addr, 0, from->vtep.stats, from->vtep.segment, reason);
	return 0;
}

/*
 * Asks the tables who may have sent a packet without a slot. `tunnel`: null when it has none. Returns a drop reason, 0
 * or ONLY_A_COPY.
 */
static __noinline int ask_tables(struct __sk_buff *skb, struct packet *packet, const struct tunnel *tunnel, __u32 generation)
{
	__u32 ifindex = after(generation, skb->ifindex);
	struct outer_source from;
	struct vpc_mux mux;
	int reason;

	if (!read_entry(&muxes, &ifindex, &mux))
		return VPC_DROP_BAD_TUNNEL;
	packet->source = mux.stats;
	if (tunnel && is_copy(skb, tunnel, mux.stats))
		return ONLY_A_COPY;
	count_rx(packet->source, skb->len);
	if (!tunnel)
		return VPC_DROP_BAD_TUNNEL;
	packet->segment = after(generation, tunnel->key.tunnel_id);
	reason = decap_is_for(tunnel, &mux) ? enter_segment(packet->segment, &packet->flags) : VPC_DROP_BAD_TUNNEL;
	if (!reason)
		reason = parse_ethernet(skb, packet);
	if (reason)
		return reason;
	from = outer_source_of(tunnel, packet);
	reason = check_sender(&from, &packet->smac, &packet->remote_source);
	traced(record_tunnel(&from, reason));
	return reason;
}

/* Handles a packet whose slot is filled. Returns a drop reason, 0 or ONLY_A_COPY. */
static __always_inline int leave_tunnel_again(struct __sk_buff *skb, struct packet *packet, const struct tunnel *tunnel,
					      const struct arrival *known)
{
	packet->source = known->stats;
	packet->segment = known->vni;
	packet->flags = known->watched;
	packet->remote_source = known->remote_source;
	if (is_copy(skb, tunnel, known->stats))
		return ONLY_A_COPY;
	count_rx(packet->source, skb->len);
	return parse_ethernet(skb, packet);
}

/*
 * Reads the outer header, and the Ethernet header. Returns the slot of such packets; its ifindex is 0 until somebody
 * has filled in the destination. *reason: a drop reason, 0 or ONLY_A_COPY. It has a stack frame of its own, for the
 * outer header.
 */
static __noinline struct arrival *leave_tunnel(struct __sk_buff *skb, struct packet *packet, int *reason)
{
	__u32 generation = generation_now();
	struct tunnel tunnel = {};
	struct arrival *known;

	if (!decap_read(skb, &tunnel)) {
		*reason = ask_tables(skb, packet, 0, generation);
		return 0;
	}
	read_macs(skb, packet);
	known = arrival_of(packet, &tunnel);
	if (!known)
		return 0;
	if (is_arrival_of(known, generation, skb->ifindex, packet, &tunnel)) {
		*reason = leave_tunnel_again(skb, packet, &tunnel, known);
	} else {
		*reason = ask_tables(skb, packet, &tunnel, generation);
		begin_arrival(known, generation, packet, &tunnel);
	}
	return known;
}

static __always_inline int unicast(struct __sk_buff *skb, struct packet *packet, const struct vpc_dst *dst)
{
	if (unlikely(dst->kind == VPC_DST_GATEWAY))
		return leave(skb, packet);
	if (dst->kind == VPC_DST_REMOTE && dst->flags & VPC_DST_FORWARD)
		return forward_once(skb, packet, dst);
	if (dst->kind == VPC_DST_REMOTE || (dst->kind == VPC_DST_UPLINK && !packet->remote_source))
		return drop(skb, packet, VPC_DROP_UNKNOWN_MAC);
	return deliver_here(skb, packet, dst);
}

static __always_inline int from_underlay(struct __sk_buff *skb)
{
	struct packet packet = { .hook = HOOK_MUX, .source = VPC_STATS_NONE };
	int reason = VPC_DROP_BAD_TUNNEL;
	struct arrival *known = leave_tunnel(skb, &packet, &reason);

	if (!reason)
		reason = inspect(skb, &packet, 0);
	if (reason == ONLY_A_COPY)
		return TC_ACT_SHOT;
	if (reason || !known)
		return drop(skb, &packet, reason);
	if (packet.flags & VPC_PORT_WATCHED)
		watch(skb, &packet);
	if (mac_is_multicast(packet.dmac))
		return broadcast(skb, &packet);
	if (!known->ifindex && !find_arrival(known, skb->ifindex, &packet))
		return drop(skb, &packet, VPC_DROP_UNKNOWN_MAC);
	return unicast(skb, &packet, &known->dst);
}

SEC("tc")
int vpc_mux(struct __sk_buff *skb)
{
	return from_underlay(skb);
}

/* The outer header of a traced packet. */
static __always_inline int set_traced_key(struct __sk_buff *skb)
{
	struct vpc_trace_run *run = trace_of_run();
	struct bpf_tunnel_key key = {};

	if (!run)
		return -1;
	key.tunnel_id = run->tunnel_id & 0xffffff;
	key.tunnel_ttl = run->tunnel_id & VPC_TRACE_FORWARDED ? FORWARDED_TTL : TUNNEL_TTL;
	for (int i = 0; i < 4; i++) {
		key.local_ipv6[i] = run->remote[i];
		key.remote_ipv6[i] = run->local[i];
	}
	return bpf_skb_set_tunnel_key(skb, &key, sizeof(key), run->tunnel_id & VPC_TRACE_IPV6 ? BPF_F_TUNINFO_IPV6 : 0);
}

/* A tunnel key that is set for sending is read as received: the ends swap. */
standalone int set_trace_key(struct __sk_buff *skb)
{
	__u32 vni = skb->cb[4], flags = 0;
	struct bpf_tunnel_key key = { .tunnel_id = vni & 0xffffff, .tunnel_ttl = TUNNEL_TTL };

	if (vni & VPC_TRACE_FORWARDED)
		key.tunnel_ttl = FORWARDED_TTL;
	if (vpc_trace)
		return set_traced_key(skb);
	if (vni & VPC_TRACE_IPV6) {
		flags = BPF_F_TUNINFO_IPV6;
		for (int i = 0; i < 4; i++)
			key.remote_ipv6[i] = key.local_ipv6[i] = skb->cb[i];
		key.local_ipv6[3] += bpf_htonl(1);
	} else {
		key.remote_ipv4 = bpf_ntohl(skb->cb[0]);
		key.local_ipv4 = skb->cb[1] ? bpf_ntohl(skb->cb[1]) : key.remote_ipv4 + 1;
	}
	return bpf_skb_set_tunnel_key(skb, &key, sizeof(key), flags);
}

/*
 * The same for BPF_PROG_TEST_RUN, which cannot give a packet tunnel metadata: skb->cb has it, see abi.h. User space
 * attaches vpc_mux, never this program.
 */
SEC("tc")
int vpc_mux_trace(struct __sk_buff *skb)
{
	return set_trace_key(skb) ? TC_ACT_UNSPEC : from_underlay(skb);
}

char _license[] SEC("license") = "Dual BSD/GPL";
