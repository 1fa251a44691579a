/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The gateway of a subnet: every host is it, for its own guests, with one MAC in all subnets. So no guest may say that
 * it has that MAC or a gateway's address.
 */
#ifndef VPC_GATEWAY_H
#define VPC_GATEWAY_H

#include "entry.h"
#include "packet.h"

/* By segment. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct vpc_subnet_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} subnets SEC(".maps");

static __always_inline struct mac gateway_mac(void)
{
	return (struct mac){ { bpf_htons(VPC_GATEWAY_MAC >> 32), bpf_htons(VPC_GATEWAY_MAC >> 16 & 0xffff), bpf_htons(VPC_GATEWAY_MAC & 0xffff) } };
}

static __always_inline bool is_gateway_mac(struct mac mac)
{
	return mac_equal(mac, gateway_mac());
}

/* ARP and ND to all ask, and so do those to the gateway alone, by which a guest sees whether it is still there. */
static __always_inline bool is_question(const struct packet *packet)
{
	return mac_is_multicast(packet->dmac) || is_gateway_mac(packet->dmac);
}

/* False: the segment is no subnet. */
standalone bool subnet_of(__u32 segment, struct vpc_subnet *subnet)
{
	return subnet && read_entry(&subnets, &segment, subnet);
}

/* The VPC that the segment is routed in; 0: none. It and the next one leave the stack alone. */
standalone __u32 vpc_of(__u32 segment)
{
	__u32 vpc = 0;

	return look_at(&subnets, &segment, entry, vpc = entry->value.flags & VPC_SUBNET_ROUTED ? entry->value.vpc : 0) ? vpc : 0;
}

/* The address is the gateway's in this subnet: one of the prefixes, or the link-local one of its MAC. */
static __always_inline bool is_gateway_of(const struct vpc_subnet *subnet, const struct address *address)
{
	struct address link_local = ipv6_link_local(gateway_mac());

	return address_equal(address, (const struct address *)subnet->gateway4) ||
	       address_equal(address, (const struct address *)subnet->gateway6) || address_equal(address, &link_local);
}

standalone bool is_gateway_address(__u32 segment, const struct address *address)
{
	bool is = false;

	return address && look_at(&subnets, &segment, entry, is = entry->value.flags & VPC_SUBNET_ROUTED && is_gateway_of(&entry->value, address)) && is;
}

#endif
