/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whether a guest may call an address its own. Each check returns a drop reason or 0, and 0 for a port without the check. */
#ifndef VPC_ANTISPOOF_H
#define VPC_ANTISPOOF_H

#include "fdb.h"
#include "maps.h"
#include "packet.h"

/* The address is in the port's list. */
static __always_inline bool port_lists(const struct packet *packet, const struct address *address)
{
	struct vpc_port_address_key key = { .stats = packet->source };

	*(struct address *)key.addr = *address;
	return bpf_map_lookup_elem(&port_addresses, &key);
}

/* The same, without a lookup for the last address that was in it. `last` is where that is kept, or null. */
static __always_inline bool port_lists_again(const struct packet *packet, const struct address *address, struct address *last)
{
	if (last && address_equal(last, address))
		return true;
	if (!port_lists(packet, address))
		return false;
	if (last)
		*last = *address;
	return true;
}

static __always_inline struct vpc_neighbour *neighbour_of(__u32 segment, const struct address *address)
{
	struct vpc_neighbour_key key = { .segment = segment };

	*(struct address *)key.addr = *address;
	return bpf_map_lookup_elem(&neighbours, &key);
}

/* A source MAC that no unit of this port has. A sender that is not checked must still be a single station. */
static __always_inline int check_source_mac(const struct packet *packet)
{
	if (packet->flags & VPC_PORT_ANTISPOOF)
		return mac_equal(packet->smac, packet->own) ? 0 : VPC_DROP_SOURCE_MAC;
	return mac_is_multicast(packet->smac) || mac_is_zero(packet->smac) ? VPC_DROP_SOURCE_MAC : 0;
}

/* `starting`: the packet is of a kind that a host sends before it has an address. `last`: see port_lists_again. */
static __always_inline int check_source_ipv4(const struct packet *packet, __be32 source, bool starting, struct address *last)
{
	struct address address = address_of_ipv4(source);

	if (!(packet->flags & VPC_PORT_ANTISPOOF))
		return 0;
	if (!source)
		return starting ? 0 : VPC_DROP_SOURCE_IP;
	if (packet->flags & VPC_PORT_ADDRESSES)
		return port_lists_again(packet, &address, last) ? 0 : VPC_DROP_SOURCE_IP;
	return ipv4_is_bogon(source) ? VPC_DROP_SOURCE_IP : 0;
}

static __always_inline int check_source_ipv6(const struct packet *packet, const struct address *source, bool starting, struct address *last)
{
	struct address link_local = ipv6_link_local(packet->own);

	if (!(packet->flags & VPC_PORT_ANTISPOOF))
		return 0;
	if (ipv6_is_unspecified(source))
		return starting ? 0 : VPC_DROP_SOURCE_IP;
	if (ipv6_is_bogon(source))
		return VPC_DROP_SOURCE_IP;
	if (!(packet->flags & VPC_PORT_ADDRESSES) || address_equal(source, &link_local) || port_lists_again(packet, source, last))
		return 0;
	return VPC_DROP_SOURCE_IP;
}

/*
 * Whether a guest may bind this address to its MAC: the port's list must allow it, and where there is
 * none, the neighbour table must not give it to somebody else.
 */
static __always_inline bool may_claim(const struct packet *packet, const struct address *address)
{
	struct address link_local = ipv6_link_local(packet->own);
	struct vpc_neighbour *neighbour;

	if (packet->flags & VPC_PORT_ADDRESSES && !address_equal(address, &link_local) && !port_lists(packet, address))
		return false;
	neighbour = neighbour_of(packet->segment, address);
	return !neighbour || mac_equal(mac_at(neighbour->mac), packet->own);
}

/*
 * Whether the sender of an ARP or ND message may bind this address to a MAC. A guest: see may_claim. Who speaks out of the tunnel or from
 * the wire cannot have an address that the table gives to a unit of this host.
 */
static __always_inline bool is_honest_claim(const struct packet *packet, const struct address *address)
{
	struct vpc_neighbour *neighbour;

	if (packet->flags & VPC_PORT_ANTISPOOF)
		return may_claim(packet, address);
	if (packet->hook == HOOK_UNIT)
		return true;
	neighbour = neighbour_of(packet->segment, address);
	return !neighbour || mac_equal(mac_at(neighbour->mac), packet->smac) ||
	       !fdb_is_local(packet->segment, mac_at(neighbour->mac));
}

#endif
