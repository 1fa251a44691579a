/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * MAC and IP addresses as values. IP addresses are 16 bytes in network order, IPv4 as ::ffff:a.b.c.d, as in the tables'
 * keys.
 */
#ifndef VPC_MAC_H
#define VPC_MAC_H

#include <stdbool.h>
#include <linux/types.h>
#include <bpf/bpf_endian.h>

/* In 16-bit words: an Ethernet header has no larger alignment. */
struct mac {
	__u16 w[3];
};

struct address {
	__u32 w[4];
};

static __always_inline struct mac mac_at(const void *bytes)
{
	return *(const struct mac *)bytes;
}

static __always_inline bool mac_equal(struct mac a, struct mac b)
{
	return !((a.w[0] ^ b.w[0]) | (a.w[1] ^ b.w[1]) | (a.w[2] ^ b.w[2]));
}

/* The same for two in memory. The compiler reads a value argument byte by byte. */
static __always_inline bool mac_same(const struct mac *a, const struct mac *b)
{
	return !((a->w[0] ^ b->w[0]) | (a->w[1] ^ b->w[1]) | (a->w[2] ^ b->w[2]));
}

static __always_inline bool mac_is_zero(struct mac mac)
{
	return !(mac.w[0] | mac.w[1] | mac.w[2]);
}

/* Broadcast is a multicast too. */
static __always_inline bool mac_is_multicast(struct mac mac)
{
	return mac.w[0] & bpf_htons(0x0100);
}

/* 01:80:c2:00:00:00 to :0f, which a bridge never forwards. */
static __always_inline bool mac_is_link_control(struct mac mac)
{
	return mac.w[0] == bpf_htons(0x0180) && mac.w[1] == bpf_htons(0xc200) && !(mac.w[2] & bpf_htons(0xfff0));
}

static __always_inline struct address address_of_ipv4(__be32 ipv4)
{
	return (struct address){ { 0, 0, bpf_htonl(0xffff), ipv4 } };
}

/* For records that have room for an address. */
static __always_inline struct address address_of_mac(struct mac mac)
{
	return (struct address){ { mac.w[0] | (__u32)mac.w[1] << 16, mac.w[2], 0, 0 } };
}

static __always_inline bool address_equal(const struct address *a, const struct address *b)
{
	return !((a->w[0] ^ b->w[0]) | (a->w[1] ^ b->w[1]) | (a->w[2] ^ b->w[2]) | (a->w[3] ^ b->w[3]));
}

static __always_inline bool ipv4_is_multicast(__be32 ipv4)
{
	return (ipv4 & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000);
}

static __always_inline bool mac_is_broadcast(struct mac mac)
{
	return (mac.w[0] & mac.w[1] & mac.w[2]) == 0xffff;
}

/* No host may have the address: 0/8, 127/8, multicast and all above. */
static __always_inline bool ipv4_is_bogon(__be32 ipv4)
{
	__u32 address = bpf_ntohl(ipv4);

	return address >= 0xe0000000 || address >> 24 == 127 || address >> 24 == 0;
}

static __always_inline bool ipv6_is_unspecified(const struct address *a)
{
	return !(a->w[0] | a->w[1] | a->w[2] | a->w[3]);
}

static __always_inline bool ipv6_is_multicast(const struct address *a)
{
	return (a->w[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000);
}

/* It stands for an IPv4 address. */
static __always_inline bool ipv4_is_mapped(const struct address *a)
{
	return !(a->w[0] | a->w[1]) && a->w[2] == bpf_htonl(0xffff);
}

/* Multicast, ::1, ::, IPv4-mapped (the tables use that form for IPv4 addresses). */
static __always_inline bool ipv6_is_bogon(const struct address *a)
{
	if (ipv6_is_multicast(a))
		return true;
	if (a->w[0] | a->w[1])
		return false;
	return a->w[2] == bpf_htonl(0xffff) || (!a->w[2] && bpf_ntohl(a->w[3]) <= 1);
}

/* The interface identifier is derived from a MAC, RFC 4291 appendix A. */
static __always_inline bool ipv6_is_eui64(const struct address *a)
{
	return (a->w[2] & bpf_htonl(0xff)) == bpf_htonl(0xff) && (a->w[3] & bpf_htonl(0xff000000)) == bpf_htonl(0xfe000000);
}

/* That MAC. */
static __always_inline struct mac mac_of_eui64(const struct address *a)
{
	__u32 high = bpf_ntohl(a->w[2]) ^ 0x02000000, low = bpf_ntohl(a->w[3]);

	return (struct mac){ { bpf_htons(high >> 16), bpf_htons((high & 0xff00) | (low >> 16 & 0xff)), bpf_htons(low & 0xffff) } };
}

static __always_inline bool ipv6_is_link_local(const struct address *a)
{
	return (a->w[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

/* The link-local address that a host derives from its MAC, RFC 4291 appendix A. */
static __always_inline struct address ipv6_link_local(struct mac mac)
{
	__u32 high = bpf_ntohs(mac.w[0]) << 16 | (bpf_ntohs(mac.w[1]) & 0xff00) | 0xff;
	__u32 low = 0xfe000000 | (bpf_ntohs(mac.w[1]) & 0xff) << 16 | bpf_ntohs(mac.w[2]);

	return (struct address){ { bpf_htonl(0xfe800000), 0, bpf_htonl(high ^ 0x02000000), bpf_htonl(low) } };
}

#endif
