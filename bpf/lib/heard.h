/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which VTEPs' packets pass the host's stack. Its firewall and IPsec policies decide, and the direct way follows: see
 * path.h.
 */
#ifndef VPC_HEARD_H
#define VPC_HEARD_H

#include "path.h"

/*
 * Lets the stack decide again: sends it a copy of the packet, which ends in vpc_mux. If the entry goes to another VTEP
 * meanwhile, that VTEP's next check is a little later.
 */
static __always_inline void ask_again(struct __sk_buff *skb, struct heard *heard, __u64 now)
{
	if (vpc_trace)
		return;
	heard->asked_ns = now;
	skb->mark = VPC_MARK_COPY;
	send_copy(skb, skb->ifindex, BPF_F_INGRESS);
	skb->mark = 0;
}

/* Whether a packet from this VTEP may take the direct way. If not, vpc_mux will note when it has passed the stack. */
static __noinline optional bool is_heard(struct __sk_buff *skb, const struct vpc_mux *mux, __be32 source)
{
	struct peer_key key = peer_of_ipv4(mux->stats, 0, source);
	__u64 now = bpf_ktime_get_coarse_ns(), age;
	struct heard_entry *found = bpf_map_lookup_elem(&heard, &key);
	struct heard known = {};

	if (found) {
		known = found->value;
		if (!is_still(found, &key))
			known.at_ns = 0;
	}
	age = now - known.at_ns;
	if (age >= HEARD_FRESH) {
		skb->mark = VPC_MARK_HEARD;
		return false;
	}
	if (found && age > HEARD_ASK && now - known.asked_ns > HEARD_AGAIN)
		ask_again(skb, &found->value, now);
	return true;
}

/*
 * Notes that a packet of this VTEP, which is_heard sent through the stack, has reached the mux. True: it was only a
 * copy.
 */
static __noinline optional bool note_heard(struct __sk_buff *skb, __u32 stats, __be32 source)
{
	struct peer_key key = peer_of_ipv4(stats, 0, source);
	struct heard_entry entry = { .key = key, .value.at_ns = bpf_ktime_get_coarse_ns(), .again = key };
	bool copy = skb->mark == VPC_MARK_COPY;

	put_entry(&heard, &key, &entry, BPF_ANY);
	skb->mark = 0;
	return copy;
}

#endif
