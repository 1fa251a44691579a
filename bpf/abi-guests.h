/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The part of abi.h for guests: what gateways of subnets say to them, and the services of the host that they reach. */
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

/*
 * Services of the host for guests: metadata and DNS. The addresses are the same in all subnets. The program of a unit
 * sends packets to them into the namespace of the services, by a veth. There the source address says which port sent
 * the packet, and so the address alone is the identity of the guest:
 *
 *   IPv4  100.64.0.0/10: 14 bits stats index of the port, 4 bits place, 4 bits incarnation
 *   IPv6  fd76:7063::/64: 32 bits incarnation, then 28 bits stats index and 4 bits place
 *
 * The place is a hash of the guest's own address: a guest may have several. The incarnation tells a port from those
 * that had its stats index before.
 *
 * Root of the host connects to guests from the metadata address, with ports 1008 to 1023. A guest that has sent nothing
 * to a service since its port was made has no such address yet.
 */
#define VPC_METADATA_IPV4 0xa9fea9feu /* 169.254.169.254 */
#define VPC_DNS_IPV4 0xa9fea9fdu      /* 169.254.169.253 */
#define VPC_SERVICE_IPV6 0xfd000ec2u  /* fd00:ec2::254 and ::253 */
#define VPC_METADATA_IPV6 0x254u
#define VPC_DNS_IPV6 0x253u
#define VPC_GUEST_IPV4 0x64400000u
#define VPC_GUEST_IPV6 0xfd767063u
#define VPC_GUEST_PORTS 16384u /* stats indexes that such an address has room for */
#define VPC_GUEST_PLACES 16u

/* Table `service_ports`, by stats index of a port: its guest reaches services of the host. */
struct vpc_service_port {
	__u32 ifindex;     /* the host's end of the veth */
	__u32 incarnation;
};

struct vpc_service_port_entry {
	__u32 key;
	struct vpc_service_port value;
	__u32 again;
};

/* Table `service_guests`: what answers of a service need. The programs write it with each packet to a service. */
struct vpc_service_guest_key {
	__u32 port;        /* stats index */
	__u32 incarnation;
	__u32 place;       /* and VPC_GUEST_PLACES, of IPv6 */
};

struct vpc_service_guest {
	__u32 segment;
	__u8 mac[6];
	__u8 pad[2];
	__u8 addr[16];     /* as in vpc_neighbour_key */
};

struct vpc_service_guest_entry {
	struct vpc_service_guest_key key;
	struct vpc_service_guest value;
	struct vpc_service_guest_key again;
};

#endif
