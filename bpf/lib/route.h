/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where a router sends a packet: the route with the longest prefix, and the station that it leads to. */
#ifndef VPC_ROUTE_H
#define VPC_ROUTE_H

#include "gateway.h"
#include "learned.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_route_key);
	__type(value, struct vpc_route_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 262144);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_host_key);
	__type(value, struct vpc_host_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} hosts SEC(".maps");

#define ROUTE_TABLE_BITS 32u

/* The bits of a word that a prefix fixes which has `bits` bits from this word on. */
static __always_inline __u32 fixed_bits(__s32 bits)
{
	if (bits <= 0)
		return 0;
	return bits >= 32 ? 0xffffffff : bpf_htonl(~(0xffffffff >> bits));
}

/* A prefix has an address. */
static __always_inline bool covers(const struct vpc_route_key *prefix, const struct vpc_route_key *wanted)
{
	const __u32 *a = (const __u32 *)prefix->addr, *b = (const __u32 *)wanted->addr;
	__u32 difference = prefix->table ^ wanted->table;

#pragma unroll
	for (__s32 i = 0; i < 4; i++)
		difference |= (a[i] ^ b[i]) & fixed_bits((__s32)(prefix->length - ROUTE_TABLE_BITS) - 32 * i);
	return !difference;
}

/*
 * What is asked and answered on the way to a station. It lies in a slot of a table, because the stack has no room for
 * it.
 */
struct routing {
	struct vpc_subnet subnet;  /* of the sender; at last that of the station */
	struct vpc_route_key wanted, found;
	struct vpc_route route;
	struct vpc_host_key key;   /* of the station */
	struct vpc_host host;
};

/*
 * Finds the route for the wanted address; kind NONE: there is none. The entry names its prefix, as all do (entry.h):
 * one that went to another prefix meanwhile is looked for again.
 */
static __noinline int find_route(struct routing *routing)
{
	for (int turn = 0; turn < READ_TURNS; turn++) {
		__u32 generation = generation_now();
		struct vpc_route_entry *entry = bpf_map_lookup_elem(&routes, &routing->wanted);

		if (!entry)
			break;
		routing->found = entry->key;
		routing->route = entry->value;
		if (covers(&routing->found, &routing->wanted) && is_still(entry, &routing->found) && generation_now() == generation)
			return 0;
	}
	routing->route.kind = VPC_ROUTE_NONE;
	routing->found.length = 0;
	return 0;
}

/* The route that was found, as struct vpc_event names it. */
static __always_inline __u32 route_number(const struct routing *routing)
{
	return routing->found.length ? routing->found.length - ROUTE_TABLE_BITS + 1 : 0;
}

/* An address moves by its announcement (learned.h), for those who route to it as well. */
static __noinline int follow_move(struct vpc_host *host, const struct address *address)
{
	struct vpc_neighbour_key place = neighbour_key(host->segment, address);
	struct learned other;

	if (read_learned(&place, &other) && mac_equal(other.was, mac_at(host->mac)))
		*(struct mac *)host->mac = mac_at(other.now.mac);
	return 0;
}

static __noinline bool read_host(struct routing *routing)
{
	return read_entry(&hosts, &routing->key, &routing->host);
}

static __noinline optional int record_route(const struct routing *routing, __u32 segment)
{
	record_stage(VPC_TRACE_ROUTE, routing->found.addr, routing->route.addr, routing->route.kind, route_number(routing),
		     routing->found.table, routing->route.vpc, segment);
	return 0;
}

/* `reason`: why there is none, or 0. */
static __noinline optional int record_station(const struct routing *routing, int reason)
{
	struct address mac = {};

	if (reason && reason != VPC_DROP_NO_HOST)
		return 0;
	if (!reason)
		mac = address_of_mac(mac_at(routing->host.mac));
	record_stage(VPC_TRACE_STATION, routing->key.addr, &mac, routing->key.vpc, reason ? 0 : routing->host.segment, !reason);
	return 0;
}

/* Finds the station that a packet goes to next; of a route to the outside there is none. Returns a drop reason or 0. */
static __noinline optional int find_station(struct routing *routing)
{
	struct vpc_host_key *key = &routing->key;

	find_route(routing);
	key->vpc = routing->subnet.vpc;
	*(struct address *)key->addr = *(struct address *)routing->wanted.addr;
	switch (routing->route.kind) {
	case VPC_ROUTE_LOCAL:
		break;
	case VPC_ROUTE_INSTANCE:
		*(struct address *)key->addr = *(struct address *)routing->route.addr;
		break;
	case VPC_ROUTE_PEER:
		key->vpc = routing->route.vpc;
		break;
	case VPC_ROUTE_IGW:
		return 0;
	case VPC_ROUTE_BLACKHOLE:
		return VPC_DROP_ROUTE_BLACKHOLE;
	default:
		return VPC_DROP_NO_ROUTE;
	}
	if (!read_host(routing))
		return VPC_DROP_NO_HOST;
	follow_move(&routing->host, (struct address *)key->addr);
	return 0;
}

#endif
