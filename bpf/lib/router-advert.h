/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Router solicitations, RFC 4861 section 6.2.6: answered from `ra_replies`, for the gateway of the segment's subnet. */
#ifndef VPC_ROUTER_ADVERT_H
#define VPC_ROUTER_ADVERT_H

#include "ipv6.h"
#include "serve.h"

struct ra_frame {
	__u8 dmac[6], smac[6];
	__be16 type;
	struct ipv6 ip;
} __attribute__((packed, aligned(2)));

/* Writes the headers; who has no address yet is answered by a multicast. Returns a drop reason or 0. */
static __noinline int put_ra_frame(struct __sk_buff *skb, const struct packet *packet, __u32 length, __u32 *sum)
{
	struct ra_frame frame = {
		.smac = GATEWAY_BYTES,
		.type = bpf_htons(ETH_P_IPV6),
		.ip = { .version_class_flow = bpf_htonl(0x60000000), .payload_len = bpf_htons(length), .nexthdr = IPPROTO_ICMPV6,
			.hop_limit = ND_HOP_LIMIT },
	};
	bool all = ipv6_is_unspecified(&packet->asker);
	struct address to = all ? (struct address){ { bpf_htonl(0xff020000), 0, 0, bpf_htonl(1) } } : packet->asker;
	struct address from = ipv6_link_local(gateway_mac());

	*(struct mac *)frame.dmac = all ? (struct mac){ { bpf_htons(0x3333), 0, bpf_htons(1) } } : packet->smac;
	frame.ip.saddr = from;
	frame.ip.daddr = to;
	*sum = sum_pseudo_ipv6(&from, &to, length, IPPROTO_ICMPV6);
	return put(skb, 0, &frame, sizeof(frame));
}

/* Answers a solicitation. Returns SERVED, NOT_SERVED or a drop reason. */
standalone int serve_router(struct __sk_buff *skb, const struct packet *packet)
{
	struct vpc_ra_entry *entry;
	__u32 segment, length, sum, generation;
	int reason;

	if (!packet)
		return NOT_SERVED;
	segment = packet->segment;
	generation = generation_now();
	entry = bpf_map_lookup_elem(&ra_replies, &segment);
	if (!entry || !is_plain_question(skb, packet, IPV6_UPPER))
		return NOT_SERVED;
	length = entry->value.length;
	if (!length || length > VPC_RA_LENGTH)
		return NOT_SERVED;
	if (bpf_skb_change_tail(skb, IPV6_UPPER + length, 0) || put_ra_frame(skb, packet, length, &sum) ||
	    put(skb, IPV6_UPPER, entry->value.message, length))
		return VPC_DROP_ENCAP_FAILED;
	reason = fill_checksum(skb, IPV6_UPPER, ICMPV6_CHECK_AT, length, sum);
	/* The kernel may have handed the entry to another segment meanwhile. */
	if (!reason && (!is_still(entry, &segment) || generation_now() != generation))
		reason = VPC_DROP_ENCAP_FAILED;
	return reason;
}

#endif
