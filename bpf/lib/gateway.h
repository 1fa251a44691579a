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

/* The service of the host that has the address: its flag of a subnet, or 0. */
static __always_inline __u32 service_at(const struct address *address)
{
	__u32 last = bpf_ntohl(address->w[3]);

	if (address->w[1])
		return 0;
	if (!address->w[0] && address->w[2] == bpf_htonl(0xffff))
		return last == VPC_METADATA_IPV4 ? VPC_SUBNET_METADATA : last == VPC_DNS_IPV4 ? VPC_SUBNET_DNS : 0;
	if (address->w[0] != bpf_htonl(VPC_SERVICE_IPV6) || address->w[2])
		return 0;
	return last == VPC_METADATA_IPV6 ? VPC_SUBNET_METADATA : last == VPC_DNS_IPV6 ? VPC_SUBNET_DNS : 0;
}

/* Whether the segment is a subnet with one of these flags. */
standalone bool subnet_has(__u32 segment, __u32 flags)
{
	bool has = false;

	return look_at(&subnets, &segment, entry, has = entry->value.flags & flags) && has;
}

/* The VPC that the segment is routed in; 0: none. It and the next one leave the stack alone. */
standalone __u32 vpc_of(__u32 segment)
{
	__u32 vpc = 0;

	return look_at(&subnets, &segment, entry, vpc = entry->value.flags & VPC_SUBNET_ROUTED ? entry->value.vpc : 0) ? vpc : 0;
}

/*
 * The address is the gateway's in this subnet: one of the prefixes, the link-local one of its MAC, or that of a service
 * of the host.
 */
static __always_inline bool is_gateway_of(const struct vpc_subnet *subnet, const struct address *address)
{
	struct address link_local = ipv6_link_local(gateway_mac());

	if (subnet->flags & service_at(address))
		return true;
	if (!(subnet->flags & VPC_SUBNET_ROUTED))
		return false;
	return address_equal(address, (const struct address *)subnet->gateway4) ||
	       address_equal(address, (const struct address *)subnet->gateway6) || address_equal(address, &link_local);
}

standalone bool is_gateway_address(__u32 segment, const struct address *address)
{
	bool is = false;

	return address && look_at(&subnets, &segment, entry, is = is_gateway_of(&entry->value, address)) && is;
}

#endif
