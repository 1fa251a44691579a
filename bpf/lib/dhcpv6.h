/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * DHCPv6, RFC 8415: what clients ask is answered from `dhcpv6_replies`. A port has one address of its subnet, so there
 * is no state.
 *
 * DECLINE, relays, clients that want more than one address, and messages that are not exactly as they should be are
 * left to listeners. A delegated prefix or a temporary address that is asked for besides is passed over.
 */
#ifndef VPC_DHCPV6_H
#define VPC_DHCPV6_H

#include "dhcpv6-message.h"
#include "scratch.h"

/* A question, and the answer in the making. One per CPU: it is too much for the stack. */
struct dhcpv6_work {
	__u32 offset, end;    /* of the walk over options */
	__be32 type_xid;
	__be32 iaid;
	__u32 client_length;  /* of the client's option, with its head; 0: none */
	__u32 ia_at, ia_end;  /* options of the IA_NA; 0: none */
	__u8 ended;           /* all options are in order */
	__u8 rapid;
	__u8 server;          /* one is named */
	__u8 server_is_other;
	__u8 holds, holds_other; /* the client has the port's address; has another */
	__u8 pad[2];
	struct address port;  /* the port's address */
	struct address other; /* one that the client has and the port has not */
	__u8 client[sizeof(struct dhcpv6_option_head) + DUID_MOST + 2];
	struct dhcpv6_ia ia;
};

struct dhcpv6_walk {
	struct __sk_buff *skb;
	struct dhcpv6_work *work;
};

/* Keeps the client's id, whole. */
static __always_inline bool take_client(struct __sk_buff *skb, struct dhcpv6_work *work, __u32 length)
{
	__u32 whole = sizeof(struct dhcpv6_option_head) + length;

	if (work->client_length || length < 3)
		return false;
	barrier_var(whole); /* each bound for itself, so that the verifier of 6.12 knows both */
	if (whole < sizeof(struct dhcpv6_option_head) + 3 || whole > sizeof(struct dhcpv6_option_head) + DUID_MOST)
		return false;
	work->client_length = whole;
	return !bpf_skb_load_bytes(skb, work->offset, work->client, whole);
}

static __always_inline bool take_server(struct __sk_buff *skb, struct dhcpv6_work *work, __u32 length)
{
	struct dhcpv6_server_id ours = SERVER_ID, named;

	if (work->server || length < 3 || length > DUID_MOST)
		return false;
	work->server = true;
	work->server_is_other = true;
	if (length != sizeof(ours) - sizeof(ours.head))
		return true;
	if (bpf_skb_load_bytes(skb, work->offset, &named, sizeof(named)))
		return false;
	work->server_is_other = named.type != ours.type || named.hardware != ours.hardware || !mac_equal(mac_at(named.mac), mac_at(ours.mac));
	return true;
}

static __always_inline bool take_ia(struct __sk_buff *skb, struct dhcpv6_work *work, __u32 length)
{
	if (work->ia_at || length < IA_HEAD - sizeof(struct dhcpv6_option_head))
		return false;
	work->ia_at = work->offset + IA_HEAD;
	work->ia_end = work->offset + sizeof(struct dhcpv6_option_head) + length;
	return !bpf_skb_load_bytes(skb, work->offset + sizeof(struct dhcpv6_option_head), &work->iaid, sizeof(work->iaid));
}

/* Reads one option of a message. False: it is not in order. */
static __always_inline bool take_option(struct __sk_buff *skb, struct dhcpv6_work *work, __u32 code, __u32 length)
{
	switch (code) {
	case DHCPV6_CLIENT_ID:
		return take_client(skb, work, length);
	case DHCPV6_SERVER_ID:
		return take_server(skb, work, length);
	case DHCPV6_IA_NA:
		return take_ia(skb, work, length);
	case DHCPV6_IA_TA:
		return length >= 4;
	case DHCPV6_IA_PD:
		return length >= 12;
	case DHCPV6_ASKED_OPTIONS:
		return !(length & 1);
	case DHCPV6_ELAPSED:
		return length == 2;
	case DHCPV6_RAPID_COMMIT:
		work->rapid = true;
		return !length;
	default:
		return true;
	}
}

/* Reads the head of the next option, whole in what it stands in. Gives 1 at the end, and when it is not in order. */
static __always_inline long next_option(struct __sk_buff *skb, struct dhcpv6_work *work, __u32 *code, __u32 *length)
{
	struct dhcpv6_option_head head;

	if (work->offset == work->end)
		work->ended = true;
	if (work->offset + sizeof(head) > work->end || bpf_skb_load_bytes(skb, work->offset, &head, sizeof(head)))
		return 1;
	*code = bpf_ntohs(head.code);
	*length = bpf_ntohs(head.length);
	return work->offset + sizeof(head) + *length > work->end;
}

static long read_dhcpv6_option(__u32 i, struct dhcpv6_walk *walk)
{
	struct dhcpv6_work *work = walk->work;
	__u32 code, length;

	(void)i;
	if (next_option(walk->skb, work, &code, &length) || !take_option(walk->skb, work, code, length))
		return 1;
	work->offset += sizeof(struct dhcpv6_option_head) + length;
	return 0;
}

static long read_ia_option(__u32 i, struct dhcpv6_walk *walk)
{
	struct dhcpv6_work *work = walk->work;
	__u32 code, length;
	struct address address;

	(void)i;
	if (next_option(walk->skb, work, &code, &length))
		return 1;
	if (code == DHCPV6_IA_ADDRESS) {
		if (length < 24 || bpf_skb_load_bytes(walk->skb, work->offset + sizeof(struct dhcpv6_option_head), &address, sizeof(address)))
			return 1;
		if (address_equal(&address, &work->port)) {
			work->holds = true;
		} else {
			work->holds_other = true;
			work->other = address;
		}
	}
	work->offset += sizeof(struct dhcpv6_option_head) + length;
	return 0;
}

/* Walks over the options between two places. False: they are not in order. */
static __always_inline bool walk_options(struct dhcpv6_walk *walk, __u32 from, __u32 to, void *read)
{
	walk->work->offset = from;
	walk->work->end = to;
	walk->work->ended = false;
	bpf_loop(DHCPV6_MOST_OPTIONS, read, walk, 0);
	return walk->work->ended;
}

/* Reads a client's question. False: it is something else, or not in order. */
static __noinline bool read_dhcpv6(struct __sk_buff *skb, const struct packet *packet, struct dhcpv6_work *work)
{
	struct dhcpv6_walk walk = { .skb = skb, .work = work };
	struct udp udp;

	if (!is_plain_question(skb, packet, IPV6_UPPER) || bpf_skb_load_bytes(skb, IPV6_UPPER, &udp, sizeof(udp)))
		return false;
	if (udp.sport != bpf_htons(DHCPV6_CLIENT) || !ipv6_is_link_local(&packet->asker))
		return false;
	if (bpf_skb_load_bytes(skb, DHCPV6_AT, &work->type_xid, sizeof(work->type_xid)))
		return false;
	work->client_length = work->ia_at = work->ia_end = 0;
	work->rapid = work->server = work->server_is_other = work->holds = work->holds_other = false;
	if (!walk_options(&walk, DHCPV6_AT + 4, IPV6_UPPER + bpf_ntohs(udp.len), read_dhcpv6_option))
		return false;
	return !work->ia_at || walk_options(&walk, work->ia_at, work->ia_end, read_ia_option);
}

/* The answer's type; 0: none. What each message must hold and must not: RFC 8415 section 16. */
static __always_inline __u32 judge_dhcpv6(const struct dhcpv6_work *work)
{
	__u32 type = bpf_ntohl(work->type_xid) >> 24;
	bool address = !ipv6_is_unspecified(&work->port);

	if (work->server_is_other || (type != DHCPV6_INFORMATION && (!work->client_length || !work->ia_at || !address)))
		return 0;
	switch (type) {
	case DHCPV6_SOLICIT:
		return work->server ? 0 : work->rapid ? DHCPV6_REPLY : DHCPV6_ADVERTISE;
	case DHCPV6_REQUEST:
	case DHCPV6_RENEW:
	case DHCPV6_RELEASE:
		return work->server ? DHCPV6_REPLY : 0;
	case DHCPV6_CONFIRM:
		return work->server || !(work->holds || work->holds_other) ? 0 : DHCPV6_REPLY;
	case DHCPV6_REBIND:
		return work->server ? 0 : DHCPV6_REPLY;
	case DHCPV6_INFORMATION:
		return work->ia_at ? 0 : DHCPV6_REPLY;
	default:
		return 0;
	}
}

/* Lays down the address. Gives the length of the option. */
static __noinline __u32 lay_ia(struct dhcpv6_work *work, __u32 lifetime)
{
	__u32 length = work->holds_other ? sizeof(struct dhcpv6_ia) : sizeof(struct dhcpv6_ia) - sizeof(struct dhcpv6_address);
	struct dhcpv6_option_head head = { bpf_htons(DHCPV6_IA_ADDRESS), bpf_htons(24) };
	__u32 half = lifetime / 2;

	work->ia.head = (struct dhcpv6_option_head){ bpf_htons(DHCPV6_IA_NA), bpf_htons(length - sizeof(struct dhcpv6_option_head)) };
	work->ia.iaid = work->iaid;
	work->ia.t1 = bpf_htonl(half);
	work->ia.t2 = bpf_htonl(half + lifetime / 4);
	work->ia.address.head = work->ia.stale.head = head;
	work->ia.address.address = work->port;
	work->ia.address.preferred = work->ia.address.valid = bpf_htonl(lifetime);
	work->ia.stale.address = work->other;
	work->ia.stale.preferred = work->ia.stale.valid = 0;
	return length;
}

/* Writes all headers, and the server's id. Returns a drop reason or 0. */
static __noinline int put_dhcpv6_frame(struct __sk_buff *skb, const struct packet *packet, __be32 type_xid, __u32 length)
{
	struct dhcpv6_frame frame = {
		.smac = GATEWAY_BYTES,
		.ethertype = bpf_htons(ETH_P_IPV6),
		.version_class_flow = bpf_htonl(0x60000000),
		.payload_len = bpf_htons(length),
		.nexthdr = IPPROTO_UDP,
		.hop_limit = 64,
		.udp = { bpf_htons(DHCPV6_SERVER), bpf_htons(DHCPV6_CLIENT), bpf_htons(length), 0 },
		.type_xid = type_xid,
		.server = SERVER_ID,
	};

	*(struct mac *)frame.dmac = packet->smac;
	frame.saddr = ipv6_link_local(gateway_mac());
	frame.daddr = packet->asker;
	return put(skb, 0, &frame, sizeof(frame));
}

/* Writes the options that depend on the question, then those that do not. Returns a drop reason or 0. */
static __noinline int put_dhcpv6_options(struct __sk_buff *skb, struct dhcpv6_work *work, const struct vpc_dhcpv6 *reply, __u32 ia, __u32 status)
{
	struct dhcpv6_option_head rapid = { bpf_htons(DHCPV6_RAPID_COMMIT), 0 };
	struct dhcpv6_status said = { { bpf_htons(DHCPV6_STATUS), bpf_htons(2) }, bpf_htons(status >> 1) };
	__u32 at = sizeof(struct dhcpv6_frame), length = reply->length, client = work->client_length;

	if (ia == sizeof(work->ia)) {
		if (put(skb, at, &work->ia, sizeof(work->ia)))
			return VPC_DROP_ENCAP_FAILED;
	} else if (ia && put(skb, at, &work->ia, sizeof(work->ia) - sizeof(work->ia.stale))) {
		return VPC_DROP_ENCAP_FAILED;
	}
	at += ia;
	if (status) {
		if (put(skb, at, &said, sizeof(said)))
			return VPC_DROP_ENCAP_FAILED;
		at += sizeof(said);
	}
	if (work->rapid) {
		if (put(skb, at, &rapid, sizeof(rapid)))
			return VPC_DROP_ENCAP_FAILED;
		at += sizeof(rapid);
	}
	if (length) {
		barrier_var(length); /* likewise */
		if (length > VPC_DHCPV6_OPTIONS || put(skb, at, reply->options, length))
			return VPC_DROP_ENCAP_FAILED;
		at += length;
	}
	if (!client)
		return 0;
	barrier_var(client);
	return client > sizeof(work->client) ? VPC_DROP_ENCAP_FAILED : put(skb, at, work->client, client);
}

/* Turns a question into the answer of a type. Returns a drop reason or 0. */
static __noinline int put_dhcpv6(struct __sk_buff *skb, const struct packet *packet, struct dhcpv6_work *work, const struct vpc_dhcpv6 *reply,
				 __u32 type)
{
	__u32 asked = bpf_ntohl(work->type_xid) >> 24, ia = 0, status = 0, length;
	struct address from = ipv6_link_local(gateway_mac());
	__be32 type_xid = (work->type_xid & bpf_htonl(0xffffff)) | bpf_htonl(type << 24);

	/* The status, and a bit that says that there is one. */
	if (asked == DHCPV6_CONFIRM)
		status = work->holds_other ? STATUS_NOT_ON_LINK << 1 | 1 : 1;
	else if (asked == DHCPV6_RELEASE)
		status = 1;
	else if (asked != DHCPV6_INFORMATION)
		ia = lay_ia(work, reply->lifetime);
	work->rapid = work->rapid && asked == DHCPV6_SOLICIT;
	length = sizeof(struct dhcpv6_frame) - IPV6_UPPER + ia + (status ? sizeof(struct dhcpv6_status) : 0) +
		 (work->rapid ? sizeof(struct dhcpv6_option_head) : 0) + reply->length + work->client_length;
	if (reply->length > VPC_DHCPV6_OPTIONS || bpf_skb_change_tail(skb, IPV6_UPPER + length, 0))
		return VPC_DROP_ENCAP_FAILED;
	if (put_dhcpv6_frame(skb, packet, type_xid, length) || put_dhcpv6_options(skb, work, reply, ia, status))
		return VPC_DROP_ENCAP_FAILED;
	return fill_checksum(skb, IPV6_UPPER, UDP_CHECK_AT, length, sum_pseudo_ipv6(&from, &packet->asker, length, IPPROTO_UDP));
}

/* Answers a question. Returns SERVED, NOT_SERVED or a drop reason. */
standalone int serve_dhcpv6(struct __sk_buff *skb, const struct packet *packet)
{
	struct vpc_dhcpv6_entry *entry;
	struct dhcpv6_work *work;
	__u32 source, type, generation;
	int reason;

	if (!packet)
		return NOT_SERVED;
	source = packet->source;
	generation = generation_now();
	entry = bpf_map_lookup_elem(&dhcpv6_replies, &source);
	work = scratch_of(SCRATCH_DHCPV6, struct dhcpv6_work);
	if (!entry || !work)
		return NOT_SERVED;
	work->port = *(struct address *)entry->value.address;
	if (!read_dhcpv6(skb, packet, work))
		return NOT_SERVED;
	type = judge_dhcpv6(work);
	if (!type)
		return NOT_SERVED;
	reason = put_dhcpv6(skb, packet, work, &entry->value, type);
	/* The kernel may have handed the entry to another port meanwhile. */
	if (!reason && (!is_still(entry, &source) || generation_now() != generation))
		reason = VPC_DROP_ENCAP_FAILED;
	return reason;
}

#endif
