/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The part of abi.h that routing shares with user space: gateways, subnets, routes, and the stations routed to. */
#ifndef VPC_ABI_ROUTING_H
#define VPC_ABI_ROUTING_H

#include <linux/types.h>

#define VPC_GATEWAY_MAC 0x027670630001ull /* in all subnets, on all hosts; no unit has it */

#define VPC_SUBNET_ROUTED 1u   /* a router joins it: the gateway answers */
#define VPC_SUBNET_METADATA 2u /* guests reach the metadata service of the host: see abi-guests.h */
#define VPC_SUBNET_DNS 4u      /* the same of its DNS service */
#define VPC_SUBNET_ANSWERS (VPC_SUBNET_ROUTED | VPC_SUBNET_METADATA | VPC_SUBNET_DNS) /* packets to the gateway's MAC are looked at */

/* Table `subnets`, by segment. Off the fast path. */
struct vpc_subnet {
	__u32 flags;        /* VPC_SUBNET_* */
	__u32 vpc;
	__u32 route_table;
	__u32 mtu;          /* largest layer 3 packet that is routed into it; 0: no limit */
	__u8 gateway4[16];  /* as in vpc_neighbour_key; zero: none */
	__u8 gateway6[16];
};

struct vpc_subnet_entry {
	__u32 key;
	struct vpc_subnet value;
	__u32 again;
};

/* Each route table has a trie of its own for IPv4 and for IPv6: ::/0 would have the IPv4 addresses otherwise. */
#define VPC_ROUTES_IPV4(route_table) ((route_table) << 1)
#define VPC_ROUTES_IPV6(route_table) ((route_table) << 1 | 1)

/* Table `routes`, by longest prefix. */
struct vpc_route_key {
	__u32 length;    /* in bits, those of `table` among them */
	__u32 table;     /* VPC_ROUTES_* */
	__u8 addr[16];   /* as in vpc_neighbour_key */
};

enum vpc_route_kind {
	VPC_ROUTE_NONE = 0,
	VPC_ROUTE_LOCAL,       /* a subnet of the same router */
	VPC_ROUTE_BLACKHOLE,
	VPC_ROUTE_UNREACHABLE,
	VPC_ROUTE_INSTANCE,    /* by the station that has `addr` */
	VPC_ROUTE_PEER,        /* a subnet of the router of `vpc` */
	VPC_ROUTE_IGW,         /* the outside, by the sender's own public address */
};

struct vpc_route {
	__u32 kind;      /* enum vpc_route_kind */
	__u32 vpc;
	__u8 addr[16];
};

struct vpc_route_entry {
	struct vpc_route_key key;
	struct vpc_route value;
	struct vpc_route_key again;
};

/* Table `hosts`: the stations of the subnets that a router joins. */
struct vpc_host_key {
	__u32 vpc;
	__u8 addr[16];   /* as in vpc_neighbour_key */
};

struct vpc_host {
	__u32 segment;
	__u8 mac[6];
	__u8 pad[2];
};

struct vpc_host_entry {
	struct vpc_host_key key;
	struct vpc_host value;
	struct vpc_host_key again;
};

#endif
