/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The part of abi.h that is about source NAT: which port of which public address an inside address and port has.
 *
 * The cell of a public port is found by the port itself. An inside address has cells in blocks of its own, so that no
 * other one can use up its ports, and so that a log of blocks says who had a port.
 */
#ifndef VPC_ABI_NAT_CELLS_H
#define VPC_ABI_NAT_CELLS_H

#include <linux/types.h>

#define VPC_NAT_ADDRESSES 8u        /* public addresses of a NAT */
#define VPC_NAT_FIRST_PORT 1024u    /* lower ports are nobody's */
#define VPC_NAT_BLOCK 64u           /* public ports in a block */
#define VPC_NAT_ADDRESS_BLOCKS 1008u /* blocks of a public address: (65536 - 1024) / 64 */
#define VPC_NAT_GUEST_BLOCKS 8u     /* blocks that an inside address may have */
#define VPC_NAT_NO_BLOCK 0xffffu

/* Each public address has all ports for each of these. */
enum vpc_nat_plane {
	VPC_NAT_TCP,
	VPC_NAT_UDP,
	VPC_NAT_ICMP,   /* identifiers of echo requests */
	VPC_NAT_PLANES
};
#define VPC_NAT_PLANE_ROOM 4u /* of arrays by plane: a power of two */

/* Index of a cell: `address`: number of the public address in its NAT. */
#define VPC_NAT_CELL(address, plane, port) (((address) * VPC_NAT_PLANES + (plane)) << 16 | (port))

/*
 * Value of the NAT's map in table `nat_cells`: who has a public port. In the plane of TCP, the cell of port N below
 * VPC_NAT_ADDRESS_BLOCKS says the same of block N: its state is enum vpc_nat_block_state, and it has no port. The cell
 * of port VPC_NAT_HEAD is a struct vpc_nat_head.
 */
struct vpc_nat_cell {
	__u32 turn;      /* rises by one when somebody begins to write, and when it is done: odd meanwhile */
	__u32 last_s;    /* of the last packet, by the coarse clock */
	__u64 peers;     /* bits of those that the inside has sent to: see lib/nat-cell.h */
	__u32 seed;      /* of these bits */
	__u32 vpc;
	__u8 inside[16]; /* as in vpc_neighbour_key */
	__be16 port;     /* of the inside */
	__u8 state;      /* enum vpc_flow_state; 0: free */
	__u8 fins;       /* by direction: 1 << enum vpc_direction; see VPC_NAT_ACK as well */
	__u8 pad[4];
};

/* Of `fins`. */
#define VPC_NAT_ACK(direction) (4u << (direction)) /* an acknowledgement of the second FIN is awaited from there */
#define VPC_NAT_OVER 32u /* both FINs are acknowledged, or an RST has ended it: its owner may use the port anew */

enum vpc_nat_block_state {
	VPC_NAT_BLOCK_FREE = 0,
	VPC_NAT_BLOCK_TAKEN,
	VPC_NAT_BLOCK_LEAVING, /* it is nobody's any more, but may have ports in use */
};

#define VPC_NAT_HEAD 1023u  /* port whose cell, in the plane of TCP, is about the whole address */

struct vpc_nat_head {
	__u32 taken;     /* blocks */
	__u32 addresses; /* how many the NAT has */
	__u8 pad[16];
	__u8 addr[16];   /* the public address */
	__u8 rest[8];
};

/* Table `nat_guests`: the blocks of an inside address. Programs write it; vpcd reads it, for its log. */
struct vpc_nat_guest_key {
	__u32 nat;
	__u32 vpc;
	__u8 inside[16];
};

struct vpc_nat_guest {
	__u32 address;                     /* number of the public address that it has */
	__u32 count;                       /* of blocks */
	__u32 used[VPC_NAT_PLANES];        /* cells, by plane */
	__u32 hand;                        /* rises by one with each cell that is looked at when all are in use */
	__u32 full_tick[VPC_NAT_PLANE_ROOM]; /* when the search for a cell found none */
	__u32 last_s;                      /* when it took a cell last */
	__u32 since_s;
	__u16 block[VPC_NAT_GUEST_BLOCKS];
};

/* Table `nat_inside`: the cell of an inside address and port; value: its index, __u32. The cell names its owner. */
struct vpc_nat_inside_key {
	__u32 nat;
	__u32 vpc;
	__u8 inside[16];
	__be16 port;
	__u8 plane;
	__u8 pad;
};

/* Table `nat_frags`: the address that later fragments get; key: struct vpc_frag_key, `port` is the NAT. */
struct vpc_nat_frag {
	__u32 last_s;
	__u8 to[16];
};

/* Input and output of vpc_nat_expire, which vpcd runs. */
struct vpc_nat_expire {
	__u32 nat;
	__u32 cells;     /* that became free */
	__u32 blocks;    /* the same */
	__u32 pad;
};

#endif
