/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Copies for sniffers: while the mirror of a switch or an ethlink is promiscuous, the programs clone frames to it, up
 * to a number a second.
 *
 * A switch shows each frame that it accepts, once and without a tag, and the answers that the host gives in its place.
 * An ethlink shows the frames that enter and leave by it as uplink, with its tag. The port's flags, which the programs
 * have at hand, say whether somebody watches (VPC_PORT_WATCHED). All else is looked up here.
 */
#ifndef VPC_WATCH_H
#define VPC_WATCH_H

#include "event.h"
#include "fdb.h"
#include "vlan.h"

/* Set by the loader. Frames a second for one mirror; 0: none. */
const volatile __u32 vpc_watch_per_second = 10000;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct vpc_rate);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} watch_rate SEC(".maps");

static __always_inline void copy_to_mirror(struct __sk_buff *skb, __u32 ifindex)
{
	__u32 lost;

	if (!vpc_trace && ifindex && take_token(&watch_rate, ifindex, vpc_watch_per_second, &lost))
		send_copy(skb, ifindex, BPF_F_INGRESS);
}

/* Shows a frame that passes the segment's uplink on the ethlink's mirror. */
standalone int watch_uplink(struct __sk_buff *skb, const struct packet *packet)
{
	struct vpc_segment segment;
	__u32 mirror;
	__u16 vlan;

	if (!packet)
		return 0;
	if (!segment_of(packet->segment, &segment) || !segment.uplink_mirror)
		return 0;
	mirror = segment.uplink_mirror;
	vlan = segment.uplink.vlan;
	if (vlan && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), vlan))
		return 0;
	copy_to_mirror(skb, mirror);
	if (vlan)
		bpf_skb_vlan_pop(skb);
	return 0;
}

/* Shows a frame, or the host's answer to one, on the switch's mirror. */
standalone int watch_switch(struct __sk_buff *skb, const struct packet *packet)
{
	struct vpc_segment segment;

	if (!packet)
		return 0;
	if (segment_of(packet->segment, &segment))
		copy_to_mirror(skb, segment.switch_mirror);
	return 0;
}

/* Whether a unicast frame is about to leave by the uplink: a frame from the mux only if its sender is known. */
static __always_inline bool goes_to_uplink(const struct packet *packet)
{
	struct vpc_dst dst;

	if (mac_is_multicast(packet->dmac) || (packet->hook == HOOK_MUX && !packet->remote_source))
		return false;
	return destination(packet->segment, packet->dmac, &dst) && dst.kind == VPC_DST_UPLINK;
}

/*
 * Shows a frame that its segment has accepted, before it is forwarded. flood.h shows frames that it floods to the
 * uplink.
 */
standalone int watch(struct __sk_buff *skb, const struct packet *packet)
{
	if (!packet)
		return 0;
	watch_switch(skb, packet);
	if (packet->hook == HOOK_ETHLINK || goes_to_uplink(packet))
		watch_uplink(skb, packet);
	return 0;
}

#endif
