/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * VLAN tags. The kernel moves the outer tag of a received frame from the packet into skb->vlan_tci before tc sees it.
 * Under BPF_PROG_TEST_RUN a frame still has it in place. bpf_skb_vlan_pop handles both, and then exposes a second tag
 * if there is one.
 */
#ifndef VPC_VLAN_H
#define VPC_VLAN_H

#include "packet.h"

struct tag {
	__u16 proto; /* EtherType of the tag, host order; 0: the frame has none */
	__u16 tci;
};

/* The outer tag of a frame. */
static __always_inline struct tag vlan_tag(struct __sk_buff *skb)
{
	struct tag tag = {};
	__be16 raw[2];

	if (skb->vlan_present)
		return (struct tag){ bpf_ntohs(skb->vlan_proto), skb->vlan_tci };
	if (bpf_skb_load_bytes(skb, offsetof(struct ethhdr, h_proto), raw, sizeof(raw)))
		return tag;
	if (is_tag(bpf_ntohs(raw[0])))
		tag = (struct tag){ bpf_ntohs(raw[0]), bpf_ntohs(raw[1]) };
	return tag;
}

/* True when no tag can be there: the quick test before vlan_tag. */
static __always_inline bool vlan_absent(struct __sk_buff *skb)
{
	return !skb->vlan_present && skb->protocol != bpf_htons(ETH_P_8021Q) && skb->protocol != bpf_htons(ETH_P_8021AD);
}

/* Whether a frame with this tag belongs to a port set to `vlan`; VID 0 is a priority tag, not a VLAN. */
static __always_inline bool vlan_matches(struct tag tag, __u16 vlan)
{
	if (tag.proto && tag.proto != ETH_P_8021Q)
		return false;
	return (tag.tci & 0xfff) == vlan;
}

/* Takes off a tag, which must be the one that the port is set to. Returns a drop reason or 0. */
static __noinline optional int vlan_take(struct __sk_buff *skb, __u16 vlan)
{
	if (!vlan_matches(vlan_tag(skb), vlan))
		return VPC_DROP_VLAN_MISMATCH;
	return bpf_skb_vlan_pop(skb) ? VPC_DROP_MALFORMED : 0;
}

/* Removes the tag of the port's VLAN. Returns a drop reason or 0. */
static __always_inline int vlan_strip(struct __sk_buff *skb, __u16 vlan)
{
	if (likely(vlan_absent(skb)))
		return unlikely(vlan) ? VPC_DROP_VLAN_MISMATCH : 0;
	return vlan_take(skb, vlan);
}

#endif
