/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whether a guest may use an address. Each check returns a drop reason or 0, and 0 for a port without the check. */
#ifndef VPC_ANTISPOOF_H
#define VPC_ANTISPOOF_H

#include "fdb.h"
#include "gateway.h"
#include "learned.h"
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

/* The senders of a unit that passed the checks last. A packet from the same ones needs no lookup. */
struct senders {
	struct address v6;
	struct mac mac; /* one that is not the unit's own */
	__u16 pad;
	__be32 v4;
};

/* The MAC is behind the unit that the packet came from. */
static __always_inline bool is_behind_unit(struct __sk_buff *skb, const struct packet *packet, struct mac mac)
{
	struct vpc_dst dst;

	return fdb_lookup(packet->segment, mac, &dst) && dst.kind == VPC_DST_LOCAL && dst.ifindex == skb->ifindex;
}

/* The same for the packet's source, which is not the unit's own MAC. The next checks are then for this station. */
static __noinline bool is_further_mac(struct __sk_buff *skb, struct packet *packet, struct senders *last)
{
	if (!(packet->flags & VPC_PORT_MACS))
		return false;
	if (!last || !mac_same(&last->mac, &packet->smac)) {
		if (!is_behind_unit(skb, packet, packet->smac))
			return false;
		if (last)
			last->mac = packet->smac;
	}
	packet->own = packet->smac;
	return true;
}

/* The source MAC is a station's and, of a unit, not the gateway's. */
static __noinline bool is_single_station(const struct packet *packet)
{
	if (packet->hook == HOOK_UNIT && is_gateway_mac(packet->smac))
		return false;
	return !mac_is_multicast(packet->smac) && !mac_is_zero(packet->smac);
}

/* A source MAC that no unit of this port has. Even an unchecked sender must be a single station, and no gateway. */
static __always_inline int check_source_mac(struct __sk_buff *skb, struct packet *packet, struct senders *last)
{
	if (unlikely(!(packet->flags & VPC_PORT_ANTISPOOF)))
		return is_single_station(packet) ? 0 : VPC_DROP_SOURCE_MAC;
	return likely(mac_same(&packet->smac, &packet->own)) || is_further_mac(skb, packet, last) ? 0 : VPC_DROP_SOURCE_MAC;
}

/* The tables give the address to nobody else. */
static __always_inline bool is_nobody_elses(const struct packet *packet, const struct address *address)
{
	struct mac owner;

	return !neighbour_of(packet->segment, address, &owner) || mac_equal(owner, packet->own);
}

/* A link-local address that is derived from the MAC of another station of the segment. */
static __always_inline bool is_of_station(const struct packet *packet, const struct address *address)
{
	if (!ipv6_is_link_local(address) || !ipv6_is_eui64(address))
		return false;
	return fdb_knows(packet->segment, mac_of_eui64(address));
}

/*
 * A link-local address that is neither listed nor derived from the MAC. Hosts choose such addresses by RFC 7217, and
 * nobody can predict them. The first user keeps an address. One that is derived from another MAC belongs to that
 * station.
 */
static __noinline bool may_choose(const struct packet *packet, const struct address *address)
{
	struct mac owner;

	if (packet->hook != HOOK_UNIT || !ipv6_is_link_local(address) || ipv6_is_eui64(address))
		return false;
	if (neighbour_of(packet->segment, address, &owner))
		return mac_equal(owner, packet->own);
	return choose_link_local(packet->segment, packet->source, &packet->own, address);
}

/*
 * A checked port may send from the addresses of its list and from link-local ones of its own choice. Without a list, it
 * may send from all addresses that nobody else has.
 */
static __always_inline bool may_use(const struct packet *packet, const struct address *address)
{
	if (!(packet->flags & VPC_PORT_ADDRESSES))
		return is_nobody_elses(packet, address) && !is_of_station(packet, address) && !is_gateway_address(packet->segment, address);
	return port_lists(packet, address) || may_choose(packet, address);
}

/* `starting`: the packet is of a kind that a host sends before it has an address. */
static __always_inline int check_source_ipv4(const struct packet *packet, __be32 source, bool starting, struct senders *last)
{
	struct address address;

	if (!(packet->flags & VPC_PORT_ANTISPOOF))
		return 0;
	if (!source)
		return starting ? 0 : VPC_DROP_SOURCE_IP;
	if (last && likely(last->v4 == source))
		return 0;
	address = address_of_ipv4(source);
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

/* A router's protocol, which would make a guest the router of others. */
static __always_inline bool is_forbidden_vrrp(const struct packet *packet)
{
	return packet->proto == IPPROTO_VRRP && (packet->flags & (VPC_PORT_ANTISPOOF | VPC_PORT_VRRP)) == VPC_PORT_ANTISPOOF;
}

/*
 * Whether a guest may bind this address to its MAC. A listed address it may bind even if another port has it as well:
 * the last port to announce it has it.
 */
static __always_inline bool may_claim(const struct packet *packet, const struct address *address)
{
	struct address link_local = ipv6_link_local(packet->own);

	return address_equal(address, &link_local) ? is_nobody_elses(packet, address) : may_use(packet, address);
}

/*
 * A unit of this host owns an address and keeps it, with one exception. A sender behind a VTEP announces to everybody
 * in the tunnel that the address has moved to it. Then the address moves if the unit's port lists it. (The other host
 * has checked that its guest's list has it too.)
 */
static __noinline bool keeps(const struct packet *packet, const struct address *address, const struct mac *owner)
{
	struct vpc_port_address_key key = {};
	struct vpc_dst dst;

	if (!fdb_lookup(packet->segment, *owner, &dst) || dst.kind != VPC_DST_LOCAL)
		return false;
	if (packet->hook != HOOK_MUX || !packet->remote_source || !packet->announcement || !mac_is_multicast(packet->dmac))
		return true;
	key.stats = dst.stats;
	*(struct address *)key.addr = *address;
	return !bpf_map_lookup_elem(&port_addresses, &key);
}

/*
 * Whether the sender of an ARP or ND message may bind this address to a MAC. Nobody may bind a gateway's: each host
 * answers for it. For guests see may_claim. A sender in the tunnel or on the wire cannot have an address of a unit of
 * this host, unless the address moves.
 */
static __always_inline bool is_honest_claim(const struct packet *packet, const struct address *address)
{
	struct mac owner;

	if (is_gateway_address(packet->segment, address))
		return false;
	if (packet->flags & VPC_PORT_ANTISPOOF)
		return may_claim(packet, address);
	if (packet->hook == HOOK_UNIT)
		return true;
	return !neighbour_of(packet->segment, address, &owner) || mac_equal(owner, packet->smac) || !keeps(packet, address, &owner);
}

#endif
