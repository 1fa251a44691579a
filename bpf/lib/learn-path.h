/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Remembers how the kernel sent a packet of the mux's device to a VTEP, when it leaves the underlay's interface: see
 * path.h.
 */
#ifndef VPC_LEARN_PATH_H
#define VPC_LEARN_PATH_H

#include "checksum.h"
#include "kernel-skb.h"
#include "path.h"

#define ARPHRD_ETHER 1
#define RTAX_MTU 2
#define METRICS_FLAGS 3ull

struct dst_entry {
	unsigned long _metrics;
} __attribute__((preserve_access_index));

struct rtable {
	struct dst_entry dst;
	__u32 rt_pmtu;
} __attribute__((preserve_access_index));

/* The MTU of the route; 0: it has none. */
static __always_inline __u32 route_mtu(struct sk_buff *kernel)
{
	struct rtable *route = (void *)(BPF_CORE_READ(kernel, _skb_refdst) & ~1ull);
	__u32 mtu = 0;

	if (!route)
		return 0;
	mtu = BPF_CORE_READ(route, rt_pmtu);
	if (!mtu)
		bpf_probe_read_kernel(&mtu, sizeof(mtu), (__u32 *)(BPF_CORE_READ(route, dst._metrics) & ~METRICS_FLAGS) + RTAX_MTU - 1);
	return mtu;
}

/* The largest IP packet that may leave this way; 0: the direct way is not possible. */
static __always_inline __u32 way_mtu(struct __sk_buff *skb)
{
	struct sk_buff *kernel = kernel_skb(skb);
	__u32 mtu = 0, route;

	if (BPF_CORE_READ(kernel, dev, type) != ARPHRD_ETHER || bpf_check_mtu(skb, 0, &mtu, 0, 0) < 0)
		return 0;
	route = route_mtu(kernel);
	return route && route < mtu ? route : mtu;
}

/* The packet is exactly what encap-direct.h would have made for this mux and port. */
static __always_inline bool is_as_expected(const struct vxlan_frame *frame, const struct vpc_mux *mux, __u16 port)
{
	const struct iphdr *ip = &frame->ip;

	return frame->eth.h_proto == bpf_htons(ETH_P_IP) && ip->version == 4 && ip->ihl == 5 && ip->protocol == IPPROTO_UDP &&
	       !ip->frag_off && ip->ttl == TUNNEL_TTL && !(ip->tos & ~ECN_MASK) && mux->listen.family == 4 &&
	       ip->saddr == *(const __be32 *)mux->listen.addr && frame->udp.dport == bpf_htons(port ? port : mux->listen.port) &&
	       !frame->udp.check && frame->flags == bpf_htonl(VXLAN_FLAGS);
}

static __always_inline bool same_way(const struct path *a, const struct path *b)
{
	return mac_equal(mac_at(a->eth.h_dest), mac_at(b->eth.h_dest)) && mac_equal(mac_at(a->eth.h_source), mac_at(b->eth.h_source)) &&
	       a->ifindex == b->ifindex && a->mtu == b->mtu && a->saddr == b->saddr && a->dport == b->dport;
}

/* Learns the path of the packet. `port`: the VTEP's by its entry, 0 for the mux's own. */
static __noinline int learn_path(struct __sk_buff *skb, __u32 port)
{
	__u32 ifindex = skb->ifindex;
	struct path_entry entry = { .value.ifindex = ifindex };
	struct path *path = &entry.value, known = {};
	struct vxlan_frame frame = {};
	struct vpc_mux mux = {};

	if (skb->vlan_present || bpf_skb_load_bytes(skb, 0, &frame.eth, VXLAN_FRAME_LEN))
		return 0;
	if (!read_entry(&muxes, &ifindex, &mux) || !(mux.flags & VPC_MUX_DIRECT_OUT) || !is_as_expected(&frame, &mux, port))
		return 0;
	path->mtu = way_mtu(skb);
	if (path->mtu <= VXLAN_OVERHEAD)
		return 0;
	path->eth = frame.eth;
	path->saddr = frame.ip.saddr;
	path->daddr = frame.ip.daddr;
	path->dport = frame.udp.dport;
	path->learned_ns = bpf_ktime_get_coarse_ns();
	path->id = bpf_get_prandom_u32();
	frame.ip.tot_len = frame.ip.id = frame.ip.check = frame.ip.tos = 0;
	path->ip_sum = sum_ipv4(&frame.ip);
	entry.key = entry.again = peer_of_ipv4(mux.stats, port, path->daddr);
	if (read_entry(&paths, &entry.key, &known) && same_way(&known, path)) {
		if (path->learned_ns - known.learned_ns < PATH_AGAIN)
			return 0;
		path->id = known.id + 2 * ID_BLOCK; /* beyond the identifications that CPUs are taking right now */
	}
	put_entry(&paths, &entry.key, &entry, BPF_ANY);
	return 0;
}

#endif
