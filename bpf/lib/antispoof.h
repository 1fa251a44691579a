/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whether a guest may call an address its own. Each check returns a drop reason or 0, and 0 for a port without the check. */
#ifndef VPC_ANTISPOOF_H
#define VPC_ANTISPOOF_H

#include "fdb.h"
#include "maps.h"
#include "packet.h"
#include "udp.h"

/* The address is in the port's list. */
static __always_inline bool port_lists(const struct packet *packet, const struct address *address)
{
	struct vpc_port_address_key key = { .stats = packet->source };

	*(struct address *)key.addr = *address;
	return bpf_map_lookup_elem(&port_addresses, &key);
}

/* The senders of a unit that were found right last. Who sends from the same ones again needs no lookup. */
struct senders {
	struct address v6;
	__be32 v4;
	struct mac mac; /* one that is not the unit's own */
	__u16 pad;
};

static __always_inline struct vpc_neighbour *neighbour_of(__u32 segment, const struct address *address)
{
	struct vpc_neighbour_key key = { .segment = segment };

	*(struct address *)key.addr = *address;
	return bpf_map_lookup_elem(&neighbours, &key);
}

/* The MAC is behind the unit that the packet came from. */
static __always_inline bool is_behind_unit(struct __sk_buff *skb, const struct packet *packet, struct mac mac)
{
	struct vpc_dst *dst = fdb_lookup(packet->segment, mac);

	return dst && dst->kind == VPC_DST_LOCAL && dst->ifindex == skb->ifindex;
}

/* The same for the packet's source, which is not the unit's own MAC. What is checked then is checked for this station. */
static __always_inline bool is_further_mac(struct __sk_buff *skb, struct packet *packet, struct senders *last)
{
	if (!(packet->flags & VPC_PORT_MACS))
		return false;
	if (!last || !mac_equal(last->mac, packet->smac)) {
		if (!is_behind_unit(skb, packet, packet->smac))
			return false;
		if (last)
			last->mac = packet->smac;
	}
	packet->own = packet->smac;
	return true;
}

/* A source MAC that no unit of this port has. A sender that is not checked must still be a single station. */
static __always_inline int check_source_mac(struct __sk_buff *skb, struct packet *packet, struct senders *last)
{
	if (!(packet->flags & VPC_PORT_ANTISPOOF))
		return mac_is_multicast(packet->smac) || mac_is_zero(packet->smac) ? VPC_DROP_SOURCE_MAC : 0;
	return mac_equal(packet->smac, packet->own) || is_further_mac(skb, packet, last) ? 0 : VPC_DROP_SOURCE_MAC;
}

/* A checked port may send from an address of its list; one that has no list, from all that the neighbour table gives to nobody else. */
static __always_inline bool may_use(const struct packet *packet, const struct address *address)
{
	struct vpc_neighbour *neighbour;

	if (packet->flags & VPC_PORT_ADDRESSES)
		return port_lists(packet, address);
	neighbour = neighbour_of(packet->segment, address);
	return !neighbour || mac_equal(mac_at(neighbour->mac), packet->own);
}

/* `starting`: the packet is of a kind that a host sends before it has an address. */
static __always_inline int check_source_ipv4(const struct packet *packet, __be32 source, bool starting, struct senders *last)
{
	struct address address = address_of_ipv4(source);

	if (!(packet->flags & VPC_PORT_ANTISPOOF))
		return 0;
	if (!source)
		return starting ? 0 : VPC_DROP_SOURCE_IP;
	if (last && last->v4 == source)
		return 0;
	if (ipv4_is_bogon(source) || !may_use(packet, &address))
		return VPC_DROP_SOURCE_IP;
	if (last)
		last->v4 = source;
	return 0;
}

static __always_inline int check_source_ipv6(const struct packet *packet, const struct address *source, bool starting, struct senders *last)
{
	struct address link_local = ipv6_link_local(packet->own);

	if (!(packet->flags & VPC_PORT_ANTISPOOF))
		return 0;
	if (ipv6_is_unspecified(source))
		return starting ? 0 : VPC_DROP_SOURCE_IP;
	if ((last && address_equal(&last->v6, source)) || address_equal(source, &link_local))
		return 0;
	if (ipv6_is_bogon(source) || !may_use(packet, source))
		return VPC_DROP_SOURCE_IP;
	if (last)
		last->v6 = *source;
	return 0;
}

/* A router's protocol, by which a guest would become the one that others send to. */
static __always_inline bool is_forbidden_vrrp(const struct packet *packet)
{
	return packet->proto == IPPROTO_VRRP && (packet->flags & (VPC_PORT_ANTISPOOF | VPC_PORT_VRRP)) == VPC_PORT_ANTISPOOF;
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
