/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Messages of DHCPv6, RFC 8415: types, options, and the parts of an answer. */
#ifndef VPC_DHCPV6_MESSAGE_H
#define VPC_DHCPV6_MESSAGE_H

#include "ipv6.h"
#include "serve.h"

#define DHCPV6_AT (IPV6_UPPER + sizeof(struct udp))
#define DHCPV6_MOST_OPTIONS 64
#define DUID_MOST 130u
#define DUID_LINK_LAYER 3
#define IA_HEAD 16u /* of an IA_NA, with code and length */

enum dhcpv6_message {
	DHCPV6_SOLICIT = 1,
	DHCPV6_ADVERTISE,
	DHCPV6_REQUEST,
	DHCPV6_CONFIRM,
	DHCPV6_RENEW,
	DHCPV6_REBIND,
	DHCPV6_REPLY,
	DHCPV6_RELEASE,
	DHCPV6_INFORMATION = 11,
};

enum dhcpv6_option {
	DHCPV6_CLIENT_ID = 1,
	DHCPV6_SERVER_ID = 2,
	DHCPV6_IA_NA = 3,
	DHCPV6_IA_TA = 4,
	DHCPV6_IA_ADDRESS = 5,
	DHCPV6_ASKED_OPTIONS = 6,
	DHCPV6_ELAPSED = 8,
	DHCPV6_STATUS = 13,
	DHCPV6_RAPID_COMMIT = 14,
	DHCPV6_IA_PD = 25,
};

#define STATUS_NOT_ON_LINK 4

struct dhcpv6_option_head {
	__be16 code, length;
};

/* The gateway's: made of its MAC, RFC 8415 section 11.4. */
struct dhcpv6_server_id {
	struct dhcpv6_option_head head;
	__be16 type, hardware;
	__u8 mac[6];
} __attribute__((packed, aligned(2)));

#define SERVER_ID { { bpf_htons(DHCPV6_SERVER_ID), bpf_htons(10) }, bpf_htons(DUID_LINK_LAYER), bpf_htons(1), GATEWAY_BYTES }

struct dhcpv6_address {
	struct dhcpv6_option_head head;
	struct address address;
	__be32 preferred, valid;
} __attribute__((packed, aligned(4)));

/* An IA_NA with its address, and one that the client must give up. */
struct dhcpv6_ia {
	struct dhcpv6_option_head head;
	__be32 iaid, t1, t2;
	struct dhcpv6_address address, stale;
} __attribute__((packed, aligned(4)));

struct dhcpv6_status {
	struct dhcpv6_option_head head;
	__be16 code;
};

struct dhcpv6_frame {
	__u8 dmac[6], smac[6];
	__be16 ethertype;
	__be32 version_class_flow;
	__be16 payload_len;
	__u8 nexthdr, hop_limit;
	struct address saddr, daddr;
	struct udp udp;
	__be32 type_xid;
	struct dhcpv6_server_id server;
} __attribute__((packed, aligned(2)));

#endif
