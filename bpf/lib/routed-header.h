/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The headers of a packet that is routed: what routing reads of them, and what it writes. */
#ifndef VPC_ROUTED_HEADER_H
#define VPC_ROUTED_HEADER_H

#include "gateway.h"
#include "ipv4.h"
#include "ipv6.h"

/* Of the IP header: what routing looks at. */
struct routed_header {
	struct address daddr;
	__u8 ttl;
	bool bound; /* its source means another station on another link, RFC 4291 section 2.5.6 */
};

static __always_inline bool read_routed(struct __sk_buff *skb, const struct packet *packet, struct routed_header *header)
{
	void *start = (void *)(long)skb->data + ETH_HLEN, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = start;
	struct ipv6 *ip6 = start;

	if (packet->type == ETH_P_IP) {
		if ((void *)(ip + 1) > end)
			return false;
		header->daddr = address_of_ipv4(ip->daddr);
		header->ttl = ip->ttl;
		return true;
	}
	if (packet->type != ETH_P_IPV6 || (void *)(ip6 + 1) > end)
		return false;
	header->daddr = ip6->daddr;
	header->ttl = ip6->hop_limit;
	header->bound = (ip6->saddr.w[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
	return true;
}

/* Packets with these destinations stay in their subnet. */
static __always_inline bool is_for_one_link(const struct packet *packet, const struct address *daddr)
{
	if (packet->type == ETH_P_IP)
		return ipv4_is_bogon(daddr->w[3]) || (daddr->w[3] & bpf_htonl(0xffff0000)) == bpf_htonl(0xa9fe0000);
	return ipv6_is_bogon(daddr) || ipv6_is_link_local(daddr);
}

static __always_inline __u32 lesser_mtu(__u32 a, __u32 b)
{
	return !a || (b && b < a) ? b : a;
}

/* Writes new MACs and a decremented TTL at once. The checksum of IPv4 follows by RFC 1141. */
static __always_inline bool rewrite_ipv4(struct __sk_buff *skb, const struct mac *dmac, const struct mac *smac)
{
	struct {
		struct mac dmac, smac;
		__be16 type;
		__u16 begin[4];
		__u8 ttl, protocol;
		__u16 check;
	} head = { .dmac = *dmac, .smac = *smac, .type = bpf_htons(ETH_P_IP) };
	__u16 *ip = (void *)(long)skb->data + ETH_HLEN;
	__u32 check;

	if ((void *)(ip + 6) > (void *)(long)skb->data_end)
		return false;
#pragma unroll
	for (int i = 0; i < 4; i++)
		head.begin[i] = ip[i];
	head.ttl = ((__u8 *)ip)[8] - 1;
	head.protocol = ((__u8 *)ip)[9];
	check = ip[5] + bpf_htons(0x0100);
	head.check = check + (check >= 0xffff);
	return !bpf_skb_store_bytes(skb, 0, &head, sizeof(head), 0);
}

static __always_inline bool rewrite_ipv6(struct __sk_buff *skb, const struct mac *dmac, const struct mac *smac)
{
	struct {
		struct mac dmac, smac;
		__be16 type;
		__u16 begin[3];
		__u8 nexthdr, hop_limit;
	} head = { .dmac = *dmac, .smac = *smac, .type = bpf_htons(ETH_P_IPV6) };
	__u16 *ip = (void *)(long)skb->data + ETH_HLEN;

	if ((void *)(ip + 4) > (void *)(long)skb->data_end)
		return false;
#pragma unroll
	for (int i = 0; i < 3; i++)
		head.begin[i] = ip[i];
	head.nexthdr = ((__u8 *)ip)[6];
	head.hop_limit = ((__u8 *)ip)[7] - 1;
	if (bpf_skb_store_bytes(skb, 0, &head, sizeof(head), 0))
		return false;
	/* Corrects the sum of a device that has summed up the whole packet, for the new hop limit. */
	bpf_csum_update(skb, ~(__u32)bpf_htons(1));
	return true;
}

#endif
