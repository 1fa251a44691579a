/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The Internet checksum, RFC 1071, over headers that we write and over parts of a packet. */
#ifndef VPC_CHECKSUM_H
#define VPC_CHECKSUM_H

#include "packet.h"

#define SUM_CHUNK 32
#define SUM_CHUNKS 48 /* 1536 bytes: more than the largest ICMP error */

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Adds `bytes` (a multiple of 4) to a sum. */
static __always_inline __u32 sum_bytes(const void *bytes, __u32 length, __u32 sum)
{
	return bpf_csum_diff(0, 0, (void *)bytes, length, sum);
}

/* Adds the pseudo header of IPv6, RFC 8200 section 8.1. */
static __always_inline __u32 sum_pseudo_ipv6(const struct address *saddr, const struct address *daddr, __u32 length, __u8 proto)
{
	__be32 tail[2] = { bpf_htonl(length), bpf_htonl(proto) };

	return sum_bytes(tail, sizeof(tail), sum_bytes(daddr, 16, sum_bytes(saddr, 16, 0)));
}

/* The sum of part of a packet, at most SUM_CHUNK * SUM_CHUNKS bytes. It ignores the rest of a longer part. */
standalone __u32 sum_packet(struct __sk_buff *skb, __u32 offset, __u32 length)
{
	__u8 chunk[SUM_CHUNK];
	__u32 sum = 0;

	for (int i = 0; i < SUM_CHUNKS; i++) {
		if (length < SUM_CHUNK)
			break;
		if (bpf_skb_load_bytes(skb, offset, chunk, SUM_CHUNK))
			return 0;
		sum = sum_bytes(chunk, SUM_CHUNK, sum);
		offset += SUM_CHUNK;
		length -= SUM_CHUNK;
	}
	if (!length || length >= SUM_CHUNK)
		return fold(sum);
	__builtin_memset(chunk, 0, sizeof(chunk));
	if (bpf_skb_load_bytes(skb, offset, chunk, length))
		return 0;
	return fold(sum_bytes(chunk, SUM_CHUNK, sum));
}

#endif
