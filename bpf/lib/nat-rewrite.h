/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Gives a packet another source or destination: the address, and the port or ICMP identifier if wanted.
 *
 * A first fragment keeps the checksum of the whole packet right (nat-change.h). Later fragments have no ports and no
 * checksum. An ICMP error changes in what it quotes as well (nat-quote.h).
 *
 * A packet costs one load and one store: a helper for each field would cost as much as the store, for each.
 */
#ifndef VPC_NAT_REWRITE_H
#define VPC_NAT_REWRITE_H

#include "nat-quote.h"

/* From the checksum of an IPv4 header on. */
struct nat_ipv4 {
	__u16 pad;
	__u16 check;
	__be32 source, dest;
	__u16 upper[NAT_UPPER_WORDS];
};

struct nat_ipv6 {
	struct address source, dest;
	__u16 upper[NAT_UPPER_WORDS];
};

#define NAT_IPV4_LEN (offsetof(struct nat_ipv4, upper) - offsetof(struct nat_ipv4, check))
#define NAT_IPV6_LEN offsetof(struct nat_ipv6, upper)
#define NAT_IPV4_START offsetof(struct iphdr, check)
#define NAT_IPV6_START offsetof(struct ipv6, saddr)

/* Changes what an ICMP error quotes, if it is one. Returns a drop reason or 0. */
static __always_inline int change_content(struct __sk_buff *skb, const struct packet *packet, const struct nat_change *change, const __u16 *upper,
					  struct nat_upper *of)
{
	__u32 at = packet->upper + sizeof(struct icmp), length = packet->upper_len - sizeof(struct icmp);
	int sum;

	if ((of->proto != IPPROTO_ICMP && of->proto != IPPROTO_ICMPV6) || !nat_is_error(upper, of->proto))
		return 0;
	if (packet->upper_len < sizeof(struct icmp))
		return VPC_DROP_MALFORMED;
	sum = packet->type == ETH_P_IP ? change_quote_ipv4(skb, change, at, length) : change_quote_ipv6(skb, change, at, length);
	if (sum < 0)
		return VPC_DROP_MALFORMED;
	of->content = sum;
	return 0;
}

/* Begins the change of the upper header; `of->proto` is 0 where the packet has none, or none that changes. */
static __always_inline void begin_upper(struct __sk_buff *skb, const struct packet *packet, const struct nat_change *change, struct nat_upper *of)
{
	of->content = 0xffff;
	of->is_dest = change->is_dest;
	of->proto = packet->upper ? packet->proto : 0;
	of->partial = of->proto && nat_is_partial(skb, packet);
}

/* Changes an upper header behind options or extension headers. Returns a drop reason or 0. */
standalone int change_upper_apart(struct __sk_buff *skb, const struct packet *packet, const struct nat_change *change, __u32 pseudo)
{
	struct nat_apart apart = { .of.pseudo = pseudo };
	__u32 length;
	int reason;

	if (!packet || !change)
		return VPC_DROP_MALFORMED;
	begin_upper(skb, packet, change, &apart.of);
	length = upper_part(apart.of.proto);
	if (!length)
		return 0;
	if (length == 8 ? bpf_skb_load_bytes(skb, packet->upper, apart.upper, 8) :
			  bpf_skb_load_bytes(skb, packet->upper, apart.upper, NAT_UPPER_LEN))
		return VPC_DROP_MALFORMED;
	reason = change_content(skb, packet, change, apart.upper, &apart.of);
	if (reason)
		return reason;
	change_upper(apart.upper, change, &apart.of);
	return length == 8 ? nat_store(skb, packet->upper, apart.upper, 8) : nat_store(skb, packet->upper, apart.upper, NAT_UPPER_LEN);
}

/* Only the part of a header that the protocol has is read and written; each length is a constant for the verifier. */
#define nat_with_length(length, fixed, call)                                                                                        \
	({                                                                                                                          \
		int result_;                                                                                                        \
		if ((length) == NAT_UPPER_LEN)                                                                                      \
			result_ = call((fixed) + NAT_UPPER_LEN);                                                                    \
		else if (length)                                                                                                    \
			result_ = call((fixed) + 8);                                                                                \
		else                                                                                                                \
			result_ = call(fixed);                                                                                      \
		result_;                                                                                                            \
	})

static __noinline int nat_ipv4(struct __sk_buff *skb, const struct packet *packet, const struct nat_change *change)
{
	const __u32 start = ETH_HLEN + NAT_IPV4_START;
	bool follows = packet->upper == ETH_HLEN + sizeof(struct iphdr);
	struct nat_upper of = {};
	struct nat_ipv4 head;
	__u32 length, pseudo;
	int reason = 0;

	begin_upper(skb, packet, change, &of);
	length = follows ? upper_part(of.proto) : 0;
#define load_(size) bpf_skb_load_bytes(skb, start, &head.check, size)
#define store_(size) nat_store(skb, start, &head.check, size)
	if (nat_with_length(length, NAT_IPV4_LEN, load_))
		return VPC_DROP_MALFORMED;
	pseudo = change_end(change_ipv4, &head, source, dest, change, change->is_dest);
	head.check = changed_check(head.check, pseudo);
	of.pseudo = of.proto == IPPROTO_ICMP ? 0xffff : pseudo;
	if (length) {
		reason = change_content(skb, packet, change, head.upper, &of);
		if (reason)
			return reason;
		change_upper(head.upper, change, &of);
	} else if (of.proto && !follows) {
		reason = change_upper_apart(skb, packet, change, of.pseudo);
	}
	return reason ? reason : nat_with_length(length, NAT_IPV4_LEN, store_);
#undef load_
#undef store_
}

static __noinline int nat_ipv6(struct __sk_buff *skb, const struct packet *packet, const struct nat_change *change)
{
	const __u32 start = ETH_HLEN + NAT_IPV6_START;
	bool follows = packet->upper == ETH_HLEN + sizeof(struct ipv6);
	struct nat_upper of = {};
	struct nat_ipv6 head;
	__u32 length;
	int reason = 0;

	begin_upper(skb, packet, change, &of);
	length = follows ? upper_part(of.proto) : 0;
#define load_(size) bpf_skb_load_bytes(skb, start, &head, size)
#define store_(size) nat_store(skb, start, &head, size)
	if (nat_with_length(length, NAT_IPV6_LEN, load_))
		return VPC_DROP_MALFORMED;
	of.pseudo = change_end(change_ipv6, &head, source, dest, change, change->is_dest);
	if (length) {
		reason = change_content(skb, packet, change, head.upper, &of);
		if (reason)
			return reason;
		change_upper(head.upper, change, &of);
	} else if (of.proto && !follows) {
		reason = change_upper_apart(skb, packet, change, of.pseudo);
	}
	return reason ? reason : nat_with_length(length, NAT_IPV6_LEN, store_);
#undef load_
#undef store_
}

/*
 * Changes one end of an inspected IP packet. Returns a drop reason or 0. A packet that is to be dropped may have
 * changed in part.
 */
standalone int nat_rewrite(struct __sk_buff *skb, const struct packet *packet, const struct nat_change *change)
{
	if (!packet || !change)
		return VPC_DROP_MALFORMED;
	return packet->type == ETH_P_IP ? nat_ipv4(skb, packet, change) : nat_ipv6(skb, packet, change);
}

#endif
