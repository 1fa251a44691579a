/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The quotation of an ICMP error, of a packet that a tunnel device of its sender's own made. No helper shortens such a
 * packet at its end. So what is quoted is kept aside, the packet is shortened at its head, and gets the quotation back.
 *
 * A checksum that was left to be filled in lies in what goes, and the kernel forgets it with that. A large segment
 * cannot be answered: it would be cut still. Its sender sends again in single packets when nobody acknowledges.
 */
#ifndef VPC_MOVE_QUOTE_H
#define VPC_MOVE_QUOTE_H

#include "kernel-skb.h"
#include "packet.h"
#include "scratch.h"

#define QUOTE_MOST 1280
#define QUOTE_LEAST 68   /* the longest IPv4 header and eight bytes, or IPv6 and what names a flow */
#define SHORTEN_MOST 4088 /* that the kernel removes at once */
#define SHORTEN_TURNS 17  /* for a packet of 64 KiB */

struct quotation {
	__u8 bytes[QUOTE_MOST];
};

static __always_inline bool is_tunnelled(struct __sk_buff *skb)
{
	return BPF_CORE_READ_BITFIELD(kernel_skb(skb), encapsulation);
}

/* How much can be quoted, so that the place of the checksum goes: at most `quote`; 0: nothing. */
static __always_inline __u32 movable_quote(struct __sk_buff *skb, __u32 l3_len, __u32 quote, __u32 room)
{
	struct sk_buff *kernel = kernel_skb(skb);
	__u32 stays = room, most;

	if (BPF_CORE_READ_BITFIELD(kernel, ip_summed) == CHECKSUM_PARTIAL)
		stays += offset_in(kernel, kernel->csum_start) + 1;
	most = l3_len > stays ? l3_len - stays : 0;
	if (most < quote)
		quote = most & ~3u;
	return quote < QUOTE_LEAST ? 0 : quote;
}

/* Leaves `keep` bytes of the packet, from the end. */
static __always_inline bool shorten(struct __sk_buff *skb, __u32 keep)
{
	for (int i = 0; i < SHORTEN_TURNS && skb->len > keep; i++) {
		__u32 more = skb->len - keep;

		if (bpf_skb_adjust_room(skb, -(__s32)(more < SHORTEN_MOST ? more : SHORTEN_MOST), BPF_ADJ_ROOM_MAC, 0))
			return false;
	}
	return skb->len == keep;
}

/* Makes the packet its own first `quote` bytes above Ethernet, behind room for headers of that length. */
standalone bool move_quote(struct __sk_buff *skb, __u32 quote, __u32 room)
{
	struct quotation *kept = scratch_of(SCRATCH_QUOTE, struct quotation);
	if (!kept || skb->gso_size || quote < QUOTE_LEAST)
		return false;
	barrier_var(quote); /* each bound for itself, so that the verifier knows both */
	if (quote > QUOTE_MOST)
		return false;
	if (bpf_skb_load_bytes(skb, ETH_HLEN, kept->bytes, quote) || !shorten(skb, ETH_HLEN + room + quote))
		return false;
	return !bpf_skb_store_bytes(skb, ETH_HLEN + room, kept->bytes, quote, 0);
}

#endif
