/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * DHCP for IPv4, RFC 2131: DISCOVER and REQUEST of a port that has an address of its subnet are answered from
 * `dhcp_replies`. A port has one address, so there is no state: who asks for another is told no.
 *
 * INFORM, DECLINE, RELEASE, relays, network boot, and messages that are not exactly as they should be are left to
 * listeners.
 */
#ifndef VPC_DHCP_H
#define VPC_DHCP_H

#include <linux/ip.h>
#include "serve.h"

#define BOOTP_REQUEST 1
#define BOOTP_REPLY 2
#define BOOTP_BROADCAST 0x8000
#define BOOTP_NAMES 192u /* sname and file, between the fixed part and the cookie */
#define DHCP_COOKIE 0x63825363
#define DHCP_COOKIE_AT (IPV4_UPPER + sizeof(struct udp) + sizeof(struct bootp) + BOOTP_NAMES)
#define DHCP_MOST_OPTIONS 600 /* pads are counted */
#define DHCP_NAK_TAIL 64u     /* cookie and options: a message of 300 bytes, as BOOTP had them */

enum dhcp_message { DHCP_DISCOVER = 1, DHCP_OFFER, DHCP_REQUEST, DHCP_DECLINE, DHCP_ACK, DHCP_NAK };

enum dhcp_option {
	DHCP_PAD = 0,
	DHCP_HOST_NAME = 12,
	DHCP_REQUESTED = 50,
	DHCP_LEASE = 51,
	DHCP_OVERLOAD = 52,
	DHCP_TYPE = 53,
	DHCP_SERVER_ID = 54,
	DHCP_PARAMETERS = 55,
	DHCP_MAX_SIZE = 57,
	DHCP_VENDOR_CLASS = 60,
	DHCP_CLIENT_ID = 61,
	DHCP_RELAY = 82,
	DHCP_BOOT_ARCH = 93, /* network boot, RFC 4578 */
	DHCP_END = 255,
};

struct bootp {
	__u8 op, htype, hlen, hops;
	__be32 xid;
	__be16 secs, flags;
	__be32 ciaddr, yiaddr, siaddr, giaddr;
	__u8 chaddr[16];
};

struct dhcp_frame {
	__u8 dmac[6], smac[6];
	__be16 type;
	struct iphdr ip;
	struct udp udp;
	struct bootp bootp;
} __attribute__((packed, aligned(2)));

/* What the options of a request say. */
struct dhcp_walk {
	struct __sk_buff *skb;
	__u32 offset, end;
	__be32 requested, server; /* 0: not given */
	__u8 type;                /* 0: not given */
	__u8 ended;               /* the end option is there, and all before it is in order */
	__u8 pad[6];
};

static const __u8 bootp_names[BOOTP_NAMES];

/* Of an option that is not read: its length can be right. */
static __always_inline bool dhcp_length_fits(__u8 code, __u8 length)
{
	switch (code) {
	case DHCP_LEASE:
		return length == 4;
	case DHCP_MAX_SIZE:
		return length == 2;
	case DHCP_CLIENT_ID:
		return length >= 2;
	case DHCP_HOST_NAME:
	case DHCP_PARAMETERS:
	case DHCP_VENDOR_CLASS:
		return length >= 1;
	case DHCP_OVERLOAD:
	case DHCP_RELAY:
	case DHCP_BOOT_ARCH:
		return false;
	default:
		return true;
	}
}

/* An address of four bytes that is given once. */
static __always_inline bool take_address(struct dhcp_walk *walk, __u8 length, __be32 *to)
{
	return length == 4 && !*to && !bpf_skb_load_bytes(walk->skb, walk->offset + 2, to, 4);
}

static long read_dhcp_option(__u32 i, struct dhcp_walk *walk)
{
	__u8 head[2];
	bool good;

	(void)i;
	if (walk->offset >= walk->end || bpf_skb_load_bytes(walk->skb, walk->offset, head, 1))
		return 1;
	if (head[0] == DHCP_PAD) {
		walk->offset++;
		return 0;
	}
	if (head[0] == DHCP_END) {
		walk->ended = true;
		return 1;
	}
	if (walk->offset + 2 > walk->end || bpf_skb_load_bytes(walk->skb, walk->offset, head, 2) || walk->offset + 2 + head[1] > walk->end)
		return 1;
	if (head[0] == DHCP_TYPE)
		good = head[1] == 1 && !walk->type && !bpf_skb_load_bytes(walk->skb, walk->offset + 2, &walk->type, 1);
	else if (head[0] == DHCP_REQUESTED)
		good = take_address(walk, head[1], &walk->requested);
	else if (head[0] == DHCP_SERVER_ID)
		good = take_address(walk, head[1], &walk->server);
	else
		good = dhcp_length_fits(head[0], head[1]);
	walk->offset += 2 + head[1];
	return !good;
}

/* Reads a request for oneself. False: it is something else, or not in order. */
static __always_inline bool read_dhcp(struct __sk_buff *skb, const struct packet *packet, struct bootp *bootp, struct dhcp_walk *walk)
{
	struct udp udp;
	__be32 cookie;

	if (!is_plain_question(skb, packet, IPV4_UPPER) || bpf_skb_load_bytes(skb, IPV4_UPPER, &udp, sizeof(udp)))
		return false;
	if (bpf_skb_load_bytes(skb, IPV4_UPPER + sizeof(udp), bootp, sizeof(*bootp)) || bpf_skb_load_bytes(skb, DHCP_COOKIE_AT, &cookie, 4))
		return false;
	if (bootp->op != BOOTP_REQUEST || bootp->htype != 1 || bootp->hlen != 6 || bootp->hops || bootp->giaddr)
		return false;
	if (cookie != bpf_htonl(DHCP_COOKIE) || !mac_equal(mac_at(bootp->chaddr), packet->smac))
		return false;
	walk->offset = DHCP_COOKIE_AT + sizeof(cookie);
	walk->end = IPV4_UPPER + bpf_ntohs(udp.len);
	bpf_loop(DHCP_MOST_OPTIONS, read_dhcp_option, walk, 0);
	return walk->ended;
}

/* What to say to a request: a type, or 0: it is for another server, or nothing that can be answered. */
static __always_inline __u8 judge_dhcp(const struct bootp *bootp, const struct dhcp_walk *walk, __be32 address, __be32 server)
{
	if (walk->type == DHCP_DISCOVER)
		return walk->server || bootp->ciaddr ? 0 : DHCP_OFFER;
	if (walk->type != DHCP_REQUEST || (walk->server && walk->server != server))
		return 0;
	/* One that selects a server, or has just started, asks by option; one that renews has the address. */
	if (!walk->requested == !bootp->ciaddr || (walk->server && bootp->ciaddr))
		return 0;
	return (walk->requested ? walk->requested : bootp->ciaddr) == address ? DHCP_ACK : DHCP_NAK;
}

/* Where the answer goes, RFC 2131 section 4.1. */
static __always_inline __be32 dhcp_destination(const struct bootp *bootp, __u8 type, __be32 address)
{
	if (type == DHCP_NAK)
		return 0xffffffff;
	if (bootp->ciaddr)
		return bootp->ciaddr;
	return bootp->flags & bpf_htons(BOOTP_BROADCAST) ? 0xffffffff : address;
}

/* Writes all headers, up to the names. Returns a drop reason or 0. */
static __noinline int put_dhcp_frame(struct __sk_buff *skb, const struct packet *packet, const struct bootp *asked, const struct vpc_dhcp *reply,
				     __u8 type)
{
	bool nak = type == DHCP_NAK;
	__u32 length = DHCP_COOKIE_AT - IPV4_UPPER + (nak ? DHCP_NAK_TAIL : VPC_DHCP_TAIL);
	struct dhcp_frame frame = {
		.smac = GATEWAY_BYTES,
		.type = bpf_htons(ETH_P_IP),
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP, .frag_off = bpf_htons(0x4000),
			.tot_len = bpf_htons(20 + length) },
		.udp = { bpf_htons(DHCP_SERVER), bpf_htons(DHCP_CLIENT), bpf_htons(length), 0 },
		.bootp = { .op = BOOTP_REPLY, .htype = 1, .hlen = 6 },
	};

	frame.ip.saddr = *(const __be32 *)reply->server;
	frame.ip.daddr = dhcp_destination(asked, type, *(const __be32 *)reply->address);
	*(struct mac *)frame.dmac = frame.ip.daddr == 0xffffffff ? (struct mac){ { 0xffff, 0xffff, 0xffff } } : packet->smac;
	frame.ip.check = ~fold(sum_bytes(&frame.ip, sizeof(frame.ip), 0));
	frame.bootp.xid = asked->xid;
	frame.bootp.flags = asked->flags;
	*(struct mac *)frame.bootp.chaddr = packet->smac;
	frame.bootp.ciaddr = type == DHCP_ACK ? asked->ciaddr : 0;
	frame.bootp.yiaddr = nak ? 0 : *(const __be32 *)reply->address;
	return put(skb, 0, &frame, sizeof(frame));
}

/* Writes the options of a refusal. Returns a drop reason or 0. */
static __noinline int put_nak(struct __sk_buff *skb, __be32 server)
{
	__u8 tail[DHCP_NAK_TAIL] = { 0x63, 0x82, 0x53, 0x63, DHCP_TYPE, 1, DHCP_NAK, DHCP_SERVER_ID, 4, 0, 0, 0, 0, DHCP_END };

	__builtin_memcpy(tail + 9, &server, 4);
	return put(skb, DHCP_COOKIE_AT, tail, sizeof(tail));
}

/* The options of an offer or an acknowledgement, of which the first is the message's type. */
static __always_inline int put_dhcp_options(struct __sk_buff *skb, const struct vpc_dhcp *reply, __u8 type)
{
	int reason = put(skb, DHCP_COOKIE_AT, reply->tail, VPC_DHCP_TAIL);

	return reason ? reason : put(skb, DHCP_COOKIE_AT + 6, &type, 1);
}

/* Turns a request into the answer. Returns a drop reason or 0. */
static __always_inline int put_dhcp(struct __sk_buff *skb, const struct packet *packet, const struct bootp *asked, const struct vpc_dhcp *reply,
				    __u8 type)
{
	__u32 length = DHCP_COOKIE_AT - IPV4_UPPER + (type == DHCP_NAK ? DHCP_NAK_TAIL : VPC_DHCP_TAIL);
	__be32 server = *(const __be32 *)reply->server, address = *(const __be32 *)reply->address;
	__be32 ends[2] = { server, dhcp_destination(asked, type, address) };
	int reason;

	if (bpf_skb_change_tail(skb, IPV4_UPPER + length, 0))
		return VPC_DROP_ENCAP_FAILED;
	reason = put_dhcp_frame(skb, packet, asked, reply, type);
	if (!reason)
		reason = put(skb, DHCP_COOKIE_AT - BOOTP_NAMES, bootp_names, BOOTP_NAMES);
	if (!reason)
		reason = type == DHCP_NAK ? put_nak(skb, server) : put_dhcp_options(skb, reply, type);
	if (reason)
		return reason;
	return fill_checksum(skb, IPV4_UPPER, UDP_CHECK_AT, length, sum_bytes(ends, sizeof(ends), bpf_htons(IPPROTO_UDP) + bpf_htons(length)));
}

/* Answers a request. Returns SERVED, NOT_SERVED or a drop reason. */
standalone int serve_dhcp(struct __sk_buff *skb, const struct packet *packet)
{
	struct dhcp_walk walk = { .skb = skb };
	struct vpc_dhcp_entry *entry;
	struct bootp asked;
	__u32 source, generation;
	int reason;
	__u8 type;

	if (!packet)
		return NOT_SERVED;
	source = packet->source;
	generation = generation_now();
	entry = bpf_map_lookup_elem(&dhcp_replies, &source);
	if (!entry || !read_dhcp(skb, packet, &asked, &walk))
		return NOT_SERVED;
	type = judge_dhcp(&asked, &walk, *(__be32 *)entry->value.address, *(__be32 *)entry->value.server);
	if (!type)
		return NOT_SERVED;
	reason = put_dhcp(skb, packet, &asked, &entry->value, type);
	/* The kernel may have handed the entry to another port meanwhile. */
	if (!reason && (!is_still(entry, &source) || generation_now() != generation))
		reason = VPC_DROP_ENCAP_FAILED;
	return reason;
}

#endif
