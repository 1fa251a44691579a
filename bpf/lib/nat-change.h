/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The change of one end of a packet, in headers that have been read: addresses, ports, and what the checksums become. A
 * checksum follows from what changed alone, by equation 3 of RFC 1624. One that is still to be filled in
 * (CHECKSUM_PARTIAL) has only the pseudo header in it yet.
 */
#ifndef VPC_NAT_CHANGE_H
#define VPC_NAT_CHANGE_H

#include <linux/ip.h>
#include "checksum.h"
#include "icmp-error.h"
#include "kernel-skb.h"

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif
#ifndef IPPROTO_DCCP
#define IPPROTO_DCCP 33
#endif

/* What becomes of one end of a packet. */
struct nat_change {
	struct address address;
	__be16 port;    /* of TCP or UDP; of an ICMP query: its identifier */
	__u8 is_dest;   /* the destination changes; else the source does */
	__u8 with_port; /* the port changes as well: only of TCP, UDP and ICMP */
};

/* The beginning of an upper header, in 16-bit words: up to the checksum of TCP. */
#define NAT_UPPER_WORDS 9
#define NAT_UPPER_LEN (2 * NAT_UPPER_WORDS)

/* How the sum of some words has changed, never 0: no change is 0xffff. */
static __always_inline __u32 word_change(__u16 was, __u16 is)
{
	return (__u16)~was + (__u32)is;
}

static __always_inline __u16 changed_check(__u16 check, __u32 change)
{
	return ~fold((__u16)~check + change);
}

/* Replaces an IPv4 address, and tells the change of the sum. */
static __always_inline __u32 change_ipv4(__be32 *place, const struct nat_change *change)
{
	__u64 sum = (__u32)~*place + (__u64)change->address.w[3];

	*place = change->address.w[3];
	return fold((sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32));
}

static __always_inline __u32 change_ipv6(struct address *place, const struct nat_change *change)
{
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < 4; i++)
		sum += (__u32)~place->w[i] + (__u64)change->address.w[i];
	*place = change->address;
	return fold((sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32));
}

/* The same of one end or the other. Pointers to the stack cannot be chosen: the verifier must see each. */
#define change_end(function, header, source, dest, change, is_dest)                                                                 \
	({                                                                                                                          \
		__u32 sum_;                                                                                                         \
		if (is_dest) {                                                                                                      \
			sum_ = function(&(header)->dest, change);                                                                   \
			barrier_var(sum_);                                                                                          \
		} else {                                                                                                            \
			sum_ = function(&(header)->source, change);                                                                 \
		}                                                                                                                   \
		sum_;                                                                                                               \
	})

/* What changes in an upper header. */
struct nat_upper {
	__u32 pseudo;   /* by how much its pseudo header does */
	__u32 content;  /* by how much what an ICMP error quotes does */
	__u8 proto;
	__u8 is_dest;
	__u8 partial;   /* its checksum is still to be filled in */
	__u8 cut;       /* there are ports, but no checksum */
};

static __always_inline __u32 change_check(__u16 *check, const struct nat_upper *of, __u32 sum)
{
	__u16 was = *check;

	if (of->partial) {
		*check = fold(was + of->pseudo);
		return 0xffff;
	}
	if (of->proto == IPPROTO_UDP && !was)
		return 0xffff; /* there is none */
	*check = changed_check(was, of->pseudo + sum);
	if (of->proto == IPPROTO_UDP && !*check)
		*check = 0xffff;
	return word_change(was, *check);
}

static __always_inline __u32 change_port(__u16 *place, const struct nat_change *change)
{
	__u32 sum = word_change(*place, change->port);

	*place = change->port;
	return sum;
}

static __always_inline __u32 change_ports(__u16 *upper, const struct nat_change *change, const struct nat_upper *of)
{
	if (!change->with_port)
		return 0xffff;
	return of->is_dest ? change_port(upper + 1, change) : change_port(upper, change);
}

static __always_inline bool nat_is_error(const __u16 *upper, __u8 proto)
{
	__u8 type = *(const __u8 *)upper;

	return proto == IPPROTO_ICMP ? icmp_is_error(type) : type < ICMPV6_INFORMATIONAL;
}

/* Changes the beginning of an upper header, and tells by how much its sum changes. */
static __always_inline __u32 change_upper(__u16 *upper, const struct nat_change *change, const struct nat_upper *of)
{
	__u32 sum;

	switch (of->proto) {
	case IPPROTO_TCP:
		sum = change_ports(upper, change, of);
		return of->cut ? sum : sum + change_check(upper + 8, of, sum);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP:
		sum = change_ports(upper, change, of);
		return sum + change_check(upper + 3, of, sum);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		sum = change->with_port && !nat_is_error(upper, of->proto) ? change_port(upper + 2, change) : of->content;
		return sum + change_check(upper + 1, of, sum);
	default:
		return 0xffff;
	}
}

/* How much of an upper header must be read. */
static __always_inline __u32 upper_part(__u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return NAT_UPPER_LEN;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 8;
	default:
		return 0;
	}
}

static __always_inline bool nat_is_partial(struct __sk_buff *skb, const struct packet *packet)
{
	struct sk_buff *kernel = kernel_skb(skb);

	return BPF_CORE_READ_BITFIELD(kernel, ip_summed) == CHECKSUM_PARTIAL && offset_in(kernel, kernel->csum_start) == packet->upper;
}

/* Stores with the flag by which the kernel corrects the sum of a device that has summed up the whole packet. */
static __always_inline int nat_store(struct __sk_buff *skb, __u32 at, const void *from, __u32 length)
{
	return bpf_skb_store_bytes(skb, at, from, length, BPF_F_RECOMPUTE_CSUM) ? VPC_DROP_ENCAP_FAILED : 0;
}

#endif
