/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What a program knows about the current packet, and how it reads it.
 *
 * Nothing here writes into the packet directly. Before such a program even starts, the kernel copies the head of every
 * cloned packet, and each TCP segment that waits for its acknowledgement is one. Programs write answers with helpers.
 */
#ifndef VPC_PACKET_H
#define VPC_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "../abi.h"
#include "mac.h"

#ifndef ETH_P_8021AD
#define ETH_P_8021AD 0x88A8
#endif
#define ETH_P_QINQ_OLD 0x9100
#define PACKET_HOST 0 /* skb->pkt_type: addressed to the device that it came in by */

/*
 * Marks a function that the verifier checks once, on its own, for any packet, instead of along each path to it. Such a
 * function must be global, and must handle null pointers.
 */
#define standalone __noinline

/*
 * What most packets do and few do. The compiler puts the code of the few elsewhere, so that the established way lies in
 * few lines of the processor's cache: between two packets the kernel has used it for other code.
 */
#ifndef likely
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#endif

/* A function that not every program needs. */
#define optional __attribute__((unused))

enum hook {
	HOOK_UNIT,    /* from a guest */
	HOOK_MUX,     /* from the underlay, decapsulated */
	HOOK_ETHLINK, /* from the wire of a wrapped interface */
	HOOK_SERVICE, /* from a service of the host */
};

enum question {
	QUESTION_NONE,
	QUESTION_ARP,
	QUESTION_ND,
	QUESTION_DHCP,   /* from here on: to the gateway */
	QUESTION_ROUTER,
};

struct packet {
	__u32 source;        /* index into the stats table: the port or mux that it came from */
	__u32 segment;
	__u32 flags;         /* VPC_PORT_* */
	__u32 l3_len;        /* bytes after the Ethernet header */
	enum hook hook;
	enum question question; /* what its sender wants to know */
	__u16 type;          /* EtherType, host order */
	__u16 vlan;          /* the packet's own, which an answer must carry */
	__u16 upper;         /* offset of the header above IP; 0: none here (not IP, or not the first fragment) */
	__u8 proto;          /* of that header */
	__u8 announcement;   /* no question: it announces its sender's own address */
	__u8 foreign_lladdr; /* in ARP or ND: it names a MAC other than its source */
	__u32 upper_len;
	__u32 fragment_id;   /* of IPv6 */
	__u32 broadcast_rate; /* copies a second of its port's broadcasts; 0: no limit, or no guest sent it */
	__u8 remote_source;  /* from the mux: the forwarding table knows the source behind a VTEP */
	__u8 ecn;            /* of the IP header */
	__u8 whole;          /* IP, and no fragment */
	struct mac own;      /* of the unit */
	struct mac smac;
	struct mac dmac;
	/* Set with `question`, and not cleared: few packets have one. */
	struct address target; /* of a question */
	struct address asker;  /* of a question: its source address, all zero in a probe for duplicates */
} __attribute__((aligned(8))); /* so that the compiler clears it by words of 8 bytes */

/* Clears what all packets have. */
static __always_inline void begin_packet(struct packet *packet, enum hook hook, __u32 source)
{
	__builtin_memset(packet, 0, __builtin_offsetof(struct packet, target) & ~7ul);
	packet->hook = hook;
	packet->source = source;
}

/*
 * Makes the first `length` bytes readable through skb->data. A guest behind a tap chooses how little of a packet lies
 * there. Callers must reload their pointers into the packet afterwards.
 */
static __always_inline bool linear(struct __sk_buff *skb, __u32 length)
{
	if (likely((void *)(long)skb->data + length <= (void *)(long)skb->data_end))
		return true;
	return !bpf_skb_pull_data(skb, length);
}

/* Reads the MACs of a frame that may still have its tag. False: it is too short. */
static __always_inline optional bool read_macs(struct __sk_buff *skb, struct packet *packet)
{
	struct ethhdr *eth;

	if (!linear(skb, ETH_HLEN))
		return false;
	eth = (void *)(long)skb->data;
	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return false;
	packet->dmac = mac_at(eth->h_dest);
	packet->smac = mac_at(eth->h_source);
	return true;
}

static __always_inline bool is_tag(__u16 type)
{
	return type == ETH_P_8021Q || type == ETH_P_8021AD || type == ETH_P_QINQ_OLD;
}

/* Reads the Ethernet header of a packet without a tag in it. Returns a drop reason or 0. */
static __always_inline int parse_ethernet(struct __sk_buff *skb, struct packet *packet)
{
	struct ethhdr *eth;

	if (!linear(skb, ETH_HLEN))
		return VPC_DROP_MALFORMED;
	eth = (void *)(long)skb->data;
	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return VPC_DROP_MALFORMED;
	packet->dmac = mac_at(eth->h_dest);
	packet->smac = mac_at(eth->h_source);
	packet->type = bpf_ntohs(eth->h_proto);
	packet->l3_len = skb->len - ETH_HLEN;
	if (unlikely(mac_is_link_control(packet->dmac)))
		return VPC_DROP_LINK_CONTROL;
	if (unlikely(packet->type < ETH_P_802_3_MIN))
		return VPC_DROP_NOT_ETHERNET_II;
	return unlikely(is_tag(packet->type) || skb->vlan_present) ? VPC_DROP_VLAN_MISMATCH : 0;
}

#endif
