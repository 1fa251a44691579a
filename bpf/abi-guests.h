/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The part of abi.h for what gateways of subnets say to guests that ask. */
#ifndef VPC_ABI_GUESTS_H
#define VPC_ABI_GUESTS_H

#include <linux/types.h>

/*
 * Table `dhcp_replies`, by stats index of a port: what the gateway of its subnet says to DHCP (lib/dhcp.h). `tail` is
 * the cookie and the options; the first option is the message's type, which the program fills in.
 */
#define VPC_DHCP_TAIL 312u
struct vpc_dhcp {
	__u8 address[4]; /* of the port, network order */
	__u8 server[4];  /* of the gateway */
	__u8 tail[VPC_DHCP_TAIL];
};

struct vpc_dhcp_entry {
	__u32 key;
	struct vpc_dhcp value;
	__u32 again;
};

/* Table `dhcpv6_replies`, the same for DHCPv6 (lib/dhcpv6.h). `options` are those that do not depend on who asks. */
#define VPC_DHCPV6_OPTIONS 232u
struct vpc_dhcpv6 {
	__u8 address[16]; /* of the port; all 0: it has none, and gets options alone */
	__u32 lifetime;   /* of the address, seconds */
	__u32 length;     /* of options in use */
	__u8 options[VPC_DHCPV6_OPTIONS];
};

struct vpc_dhcpv6_entry {
	__u32 key;
	struct vpc_dhcpv6 value;
	__u32 again;
};

/* Table `ra_replies`, by segment: the router advertisement of a subnet's gateway (lib/router-advert.h). */
#define VPC_RA_LENGTH 248u
struct vpc_ra {
	__u32 length;    /* of the ICMPv6 message: a multiple of 8 */
	__u8 message[VPC_RA_LENGTH];
};

struct vpc_ra_entry {
	__u32 key;
	struct vpc_ra value;
	__u32 again;
};

#endif
