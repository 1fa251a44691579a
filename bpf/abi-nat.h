/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The part of abi.h that NAT shares with user space: public addresses, and the stations that they stand for. */
#ifndef VPC_ABI_NAT_H
#define VPC_ABI_NAT_H

#include <linux/types.h>
#include "abi-nat-cells.h"

/* Table `nats`: by the stats index of the NAT. Its public addresses are on a wire of this host, or another host's. */
struct vpc_nat {
	__u32 vpc;          /* whose stations have them */
	__u32 wire;         /* ifindex of the interface; 0: `host` has the addresses */
	__u32 mtu;          /* of the interface */
	__u8 mac[6];        /* of the interface */
	__u8 length4;       /* of prefix4, in bits of its family */
	__u8 length6;
	__u8 prefix4[16];   /* addresses on the wire itself; zero: the host's routes decide. As in vpc_neighbour_key, like the next three */
	__u8 prefix6[16];
	__u8 gateway4[16];  /* next router on the wire; zero: the host's routes decide */
	__u8 gateway6[16];
	struct vpc_dst host;
};

struct vpc_nat_entry {
	__u32 key;
	struct vpc_nat value;
	__u32 again;
};

enum vpc_public_kind {
	VPC_PUBLIC_NONE = 0,
	VPC_PUBLIC_FLOAT,   /* stands for one station */
	VPC_PUBLIC_BLOCKS,  /* for many: the port tells which (abi-nat-cells.h) */
};

/* Table `public_addresses`: addresses that this host has on a wire. */
struct vpc_public_key {
	__u32 wire;         /* ifindex of the interface */
	__u8 addr[16];      /* as in vpc_neighbour_key */
};

struct vpc_public {
	__u32 kind;         /* enum vpc_public_kind */
	__u32 nat;
	__u32 vpc;
	__u8 inside[16];    /* of a float: the station, in `vpc` */
};

struct vpc_public_entry {
	struct vpc_public_key key;
	struct vpc_public value;
	struct vpc_public_key again;
};

/*
 * Table `floats`: the public address of a station, by struct vpc_host_key. The entry of 0.0.0.0 and that of :: name the
 * NAT of all stations that have none of their own; its address says nothing.
 */
struct vpc_float {
	__u32 nat;
	__u8 addr[16];      /* as in vpc_neighbour_key */
};

struct vpc_float_entry {
	struct vpc_host_key key;
	struct vpc_float value;
	struct vpc_host_key again;
};

#endif
