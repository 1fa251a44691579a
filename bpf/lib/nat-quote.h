/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What an ICMP error quotes when one end of it changes: a packet of the other direction, whose other end changes with
 * it, RFC 5508 section 4.2. Rare, so each function is verified once, and no length is known in advance.
 */
#ifndef VPC_NAT_QUOTE_H
#define VPC_NAT_QUOTE_H

#include "nat-change.h"

/* An upper header that is being changed where it does not follow a bare IP header. */
struct nat_apart {
	__u16 upper[NAT_UPPER_WORDS];
	__u16 pad;
	struct nat_upper of;
};

/*
 * Changes the upper header of a quoted packet, of which `left` bytes are there. Returns the change of its sum, or -1:
 * too little is quoted.
 */
standalone int change_quoted_upper(struct __sk_buff *skb, const struct nat_change *change, struct nat_apart *apart, __u32 at, __u32 left)
{
	__u32 length, sum;

	if (!change || !apart)
		return -1;
	length = upper_part(apart->of.proto);
	if (length == NAT_UPPER_LEN && left < length) {
		apart->of.cut = true;
		length = 8;
	}
	if (!length)
		return 0xffff;
	if (left < length)
		return change->with_port ? -1 : 0xffff;
	if (length == 8 ? bpf_skb_load_bytes(skb, at, apart->upper, 8) : bpf_skb_load_bytes(skb, at, apart->upper, NAT_UPPER_LEN))
		return -1;
	sum = fold(change_upper(apart->upper, change, &apart->of));
	if (length == 8 ? nat_store(skb, at, apart->upper, 8) : nat_store(skb, at, apart->upper, NAT_UPPER_LEN))
		return -1;
	return sum;
}

/*
 * Changes the packet that an ICMP error quotes at `at`. Returns the change of its sum, or -1. That of an IPv4 header
 * does not change: its checksum sees to that.
 */
standalone int change_quote_ipv4(struct __sk_buff *skb, const struct nat_change *change, __u32 at, __u32 length)
{
	struct nat_apart apart = { .of.content = 0xffff };
	struct iphdr ip;
	__u32 header;

	if (!change || length < sizeof(ip) || bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)) || ip.version != 4)
		return -1;
	header = ip.ihl * 4;
	if (header < sizeof(ip) || header > length)
		return -1;
	apart.of.proto = ip.protocol;
	apart.of.is_dest = !change->is_dest;
	apart.of.pseudo = change_end(change_ipv4, &ip, saddr, daddr, change, apart.of.is_dest);
	ip.check = changed_check(ip.check, apart.of.pseudo);
	if (ip.protocol == IPPROTO_ICMP)
		apart.of.pseudo = 0xffff;
	if (nat_store(skb, at, &ip, sizeof(ip)))
		return -1;
	if (ip.frag_off & bpf_htons(0x1fff))
		return 0xffff;
	return change_quoted_upper(skb, change, &apart, at + header, length - header);
}

standalone int change_quote_ipv6(struct __sk_buff *skb, const struct nat_change *change, __u32 at, __u32 length)
{
	struct nat_apart apart = { .of.content = 0xffff };
	__u32 header = sizeof(struct ipv6), place;
	struct address address;
	__u8 fragment[4];
	int sum = 0xffff;

	if (!change)
		return -1;
	apart.of.is_dest = !change->is_dest;
	place = at + offsetof(struct ipv6, saddr) + (apart.of.is_dest ? sizeof(address) : 0);
	if (length < header || bpf_skb_load_bytes(skb, place, &address, sizeof(address)) ||
	    bpf_skb_load_bytes(skb, at + offsetof(struct ipv6, nexthdr), &apart.of.proto, 1))
		return -1;
	apart.of.pseudo = change_ipv6(&address, change);
	if (nat_store(skb, place, &address, sizeof(address)))
		return -1;
	if (apart.of.proto == 44 && length >= header + 8) {
		if (bpf_skb_load_bytes(skb, at + header, fragment, sizeof(fragment)))
			return -1;
		header += 8;
		apart.of.proto = fragment[2] || fragment[3] & 0xf8 ? 0 : fragment[0];
	}
	if (apart.of.proto)
		sum = change_quoted_upper(skb, change, &apart, at + header, length - header);
	return sum < 0 ? sum : fold(apart.of.pseudo + sum);
}

#endif
