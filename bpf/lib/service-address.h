/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets between guests and the services of the host: the address by which a service knows a guest, and how one
 * address of a packet is replaced by another. See "Services of the host for guests" in abi-guests.h.
 */
#ifndef VPC_SERVICE_ADDRESS_H
#define VPC_SERVICE_ADDRESS_H

#include <linux/ip.h>
#include "entry.h"
#include "ipv6.h"

#define METADATA_PORT 80
#define DNS_PORT 53
#define HOST_PORTS bpf_htons(1008) /* and the 15 after it: of connections that root of the host makes to guests */
#define HOST_PORT_MASK bpf_htons(0xfff0)
#define IPV4_SADDR_AT (ETH_HLEN + offsetof(struct iphdr, saddr))
#define IPV4_DADDR_AT (ETH_HLEN + offsetof(struct iphdr, daddr))
#define IPV6_SADDR_AT (ETH_HLEN + offsetof(struct ipv6, saddr))
#define IPV6_DADDR_AT (ETH_HLEN + offsetof(struct ipv6, daddr))

/* One of the two addresses of a packet. */
static __noinline bool read_address(struct __sk_buff *skb, const struct packet *packet, bool source, struct address *address)
{
	if (packet->type == ETH_P_IPV6)
		return !bpf_skb_load_bytes(skb, source ? IPV6_SADDR_AT : IPV6_DADDR_AT, address, sizeof(*address));
	*address = address_of_ipv4(0);
	return packet->type == ETH_P_IP && !bpf_skb_load_bytes(skb, source ? IPV4_SADDR_AT : IPV4_DADDR_AT, &address->w[3], 4);
}

/* The header above IP follows at once, and all of it is here. */
static __always_inline bool is_plain(const struct packet *packet)
{
	return packet->whole && packet->upper == (ETH_HLEN + (packet->type == ETH_P_IP ? sizeof(struct iphdr) : IPV6_HLEN));
}

/* Whether a service has such a port, by its flag of a subnet. */
static __always_inline bool serves_port(__u32 service, __u8 proto, __be16 port)
{
	if (service == VPC_SUBNET_METADATA)
		return proto == IPPROTO_TCP && (port == bpf_htons(METADATA_PORT) || (port & HOST_PORT_MASK) == HOST_PORTS);
	return service == VPC_SUBNET_DNS && (proto == IPPROTO_TCP || proto == IPPROTO_UDP) && port == bpf_htons(DNS_PORT);
}

/* The address by which services know a guest. */
static __always_inline struct address guest_address(const struct vpc_service_guest_key *key)
{
	__u32 place = key->place & (VPC_GUEST_PLACES - 1);

	if (key->place < VPC_GUEST_PLACES)
		return address_of_ipv4(bpf_htonl(VPC_GUEST_IPV4 | key->port << 8 | place << 4 | (key->incarnation & 15)));
	return (struct address){ { bpf_htonl(VPC_GUEST_IPV6), 0, bpf_htonl(key->incarnation), bpf_htonl(key->port << 4 | place) } };
}

#endif
