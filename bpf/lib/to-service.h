/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * From a guest to a service of the host. Its source becomes the address by which the services know it; what the answers
 * need is noted in `service_guests`. There is no state of connections.
 */
#ifndef VPC_TO_SERVICE_H
#define VPC_TO_SERVICE_H

#include "event.h"
#include "checksum.h"
#include "service-address.h"

/* One of the places that a port has for its guest's addresses. */
static __always_inline __u32 place_of(const struct address *address, bool v4)
{
	__u32 hash = (address->w[0] ^ address->w[1] ^ address->w[2] ^ address->w[3]) * 0x9e3779b1u;

	return hash >> 28 | (v4 ? 0 : VPC_GUEST_PLACES);
}

/* Notes where the answers go. Returns a drop reason or 0. */
static __noinline int note_guest(const struct packet *packet, const struct vpc_service_guest_key *key, const struct address *source)
{
	struct vpc_service_guest_entry wanted = { .key = *key, .value = { .segment = packet->segment }, .again = *key };
	struct vpc_service_guest_entry *known = bpf_map_lookup_elem(&service_guests, key);

	*(struct mac *)wanted.value.mac = packet->smac;
	*(struct address *)wanted.value.addr = *source;
	if (known && same_key(known, &wanted, sizeof(wanted)))
		return 0;
	return put_entry(&service_guests, key, &wanted, BPF_ANY) ? VPC_DROP_ENCAP_FAILED : 0;
}

/* Whether the packet is one that a service of the host takes from guests of its segment. */
static __noinline bool is_served(struct __sk_buff *skb, const struct packet *packet)
{
	struct address to;
	__be16 port;
	__u32 service;

	if (!is_plain(packet) || !read_address(skb, packet, false, &to))
		return false;
	service = service_at(&to);
	if (!service || bpf_skb_load_bytes(skb, packet->upper + 2, &port, sizeof(port)) || !serves_port(service, packet->proto, port))
		return false;
	return subnet_has(packet->segment, service);
}

/*
 * Give a packet of TCP or UDP another source. nat_rewrite, which knows all packets, does not fit on the stack behind a
 * unit's program. They return a drop reason or 0.
 */
static __noinline int replace_ipv4(struct __sk_buff *skb, const struct packet *packet, __be32 from, __be32 to)
{
	bool tcp = packet->proto == IPPROTO_TCP;
	__u64 flags = BPF_F_PSEUDO_HDR | sizeof(to) | (tcp ? 0 : BPF_F_MARK_MANGLED_0);

	if (bpf_l3_csum_replace(skb, ETH_HLEN + offsetof(struct iphdr, check), from, to, sizeof(to)))
		return VPC_DROP_ENCAP_FAILED;
	if (bpf_l4_csum_replace(skb, packet->upper + (tcp ? 16 : 6), from, to, flags))
		return VPC_DROP_ENCAP_FAILED;
	return bpf_skb_store_bytes(skb, IPV4_SADDR_AT, &to, sizeof(to), 0) ? VPC_DROP_ENCAP_FAILED : 0;
}

static __noinline int replace_ipv6(struct __sk_buff *skb, const struct packet *packet, struct address *from, struct address *to)
{
	bool tcp = packet->proto == IPPROTO_TCP;
	__s64 difference = bpf_csum_diff(from->w, sizeof(*from), to->w, sizeof(*to), 0);

	if (difference < 0 || bpf_l4_csum_replace(skb, packet->upper + (tcp ? 16 : 6), 0, difference, BPF_F_PSEUDO_HDR | (tcp ? 0 : BPF_F_MARK_MANGLED_0)))
		return VPC_DROP_ENCAP_FAILED;
	return bpf_skb_store_bytes(skb, IPV6_SADDR_AT, to, sizeof(*to), BPF_F_RECOMPUTE_CSUM) ? VPC_DROP_ENCAP_FAILED : 0;
}

/* The source that a packet has, and the one that it gets. */
struct naming {
	struct address own, known;
};

/*
 * Finds the source that the packet gets, and notes where the answers go. It has a stack frame of its own. Returns as
 * to_service does.
 */
standalone int name_guest(struct __sk_buff *skb, const struct packet *packet, struct naming *naming)
{
	struct vpc_service_guest_key key = {};
	struct vpc_service_port port;
	__u32 lost;

	if (!packet || !naming)
		return 0;
	key.port = packet->source;
	if (packet->hook != HOOK_UNIT || key.port >= VPC_GUEST_PORTS || !is_served(skb, packet))
		return 0;
	if (!read_entry(&service_ports, &key.port, &port) || !read_address(skb, packet, true, &naming->own))
		return 0;
	if (!take_token(&too_big_rate, packet->source | RATE_OF_SERVICE, vpc_service_per_second, &lost))
		return -VPC_DROP_SERVICE_RATE;
	key.incarnation = port.incarnation;
	key.place = place_of(&naming->own, packet->type == ETH_P_IP);
	naming->known = guest_address(&key);
	return note_guest(packet, &key, &naming->own) ? -VPC_DROP_ENCAP_FAILED : (int)port.ifindex;
}

/*
 * Makes a packet of a guest one for a service. Returns the device that leads there, 0 (it is for none), or a negative
 * drop reason.
 */
standalone int to_service(struct __sk_buff *skb, struct packet *packet)
{
	struct naming naming = {};
	int ifindex, reason;

	if (!packet)
		return 0;
	ifindex = name_guest(skb, packet, &naming);
	if (ifindex <= 0)
		return ifindex;
	if (packet->type == ETH_P_IP)
		reason = replace_ipv4(skb, packet, naming.own.w[3], naming.known.w[3]);
	else
		reason = replace_ipv6(skb, packet, &naming.own, &naming.known);
	if (reason)
		return -reason;
	if (skb->pkt_type != PACKET_HOST)
		bpf_skb_change_type(skb, PACKET_HOST);
	count(packet->source, answered);
	note(skb, VPC_VERDICT_FORWARD, ifindex);
	return ifindex;
}

#endif
