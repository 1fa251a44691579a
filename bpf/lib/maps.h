/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The tables of the datapath, pinned by name so that the programs of all hooks share them. Sizes are defaults: the
 * loader may set others before it creates the maps. Tables that user space fills allocate memory as they grow
 * (BPF_F_NO_PREALLOC).
 */
#ifndef VPC_MAPS_H
#define VPC_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "../abi.h"

#define VPC_MAX_SOURCES 16384 /* ports and muxes of a host */

/* By ifindex of the switch side of a unit, or of a wrapped interface. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VPC_MAX_SOURCES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct vpc_port_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 262144);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_fdb_key);
	__type(value, struct vpc_fdb_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} fdb SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_flood_key);
	__type(value, struct vpc_flood_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flood SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 262144);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_neighbour_key);
	__type(value, struct vpc_neighbour_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} neighbours SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_port_address_key);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} port_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_vtep_key);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} vteps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_tunnel_end);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} tunnel_ends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct vpc_segment_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} segments SEC(".maps");

/* By ifindex of the mux's device, and of its underlay's interface. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct vpc_mux_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} muxes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VPC_MAX_SOURCES);
	__type(key, __u32);
	__type(value, struct vpc_stats);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} stats SEC(".maps");

/* The first dropped packet makes an entry. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_drop_key);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} drops SEC(".maps");

/* The first packet of a queue makes an entry. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_queue_key);
	__type(value, struct vpc_queue);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} queues SEC(".maps");

/*
 * The rate tables are hashes, not arrays, because VPC_STATS_NONE has a bucket too. A program uses 64 tables at most, so
 * kinds of packets that cause no events share too_big_rate, each with a bit of its own in the key.
 */
#define RATE_OF_RELATED 0x40000000u /* ICMP errors about flows of a port */
#define RATE_OF_SERVICE 0x20000000u /* packets of a port to services of the host */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, VPC_MAX_SOURCES);
	__type(key, __u32);
	__type(value, struct vpc_rate);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} drop_rate SEC(".maps"), miss_rate SEC(".maps"), dhcp_rate SEC(".maps"), too_big_rate SEC(".maps");

/* Copies of each port's broadcasts. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VPC_MAX_SOURCES);
	__type(key, __u32);
	__type(value, struct vpc_bucket);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} broadcast_buckets SEC(".maps");

/* What ports may send and get. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VPC_MAX_SOURCES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_limit_key);
	__type(value, struct vpc_limit_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} port_limits SEC(".maps");

/* What they may send and get now. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VPC_MAX_SOURCES);
	__type(key, __u32);
	__type(value, struct vpc_limit_buckets);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} limit_buckets SEC(".maps");

/* What gateways say to DHCP, DHCPv6 and router solicitations: by port, by port, by segment. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VPC_MAX_SOURCES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct vpc_dhcp_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} dhcp_replies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VPC_MAX_SOURCES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct vpc_dhcpv6_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} dhcpv6_replies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct vpc_ra_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ra_replies SEC(".maps");

/* Ports whose guests reach services of the host. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VPC_MAX_SOURCES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct vpc_service_port_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} service_ports SEC(".maps");

/* Guests that have asked them lately. Each packet to a service writes it anew, so an eviction loses nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, VPC_MAX_SOURCES);
	__type(key, struct vpc_service_guest_key);
	__type(value, struct vpc_service_guest_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} service_guests SEC(".maps");

/* struct vpc_event. Drops have a ring of their own, so that they never take the room of questions. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} drop_events SEC(".maps"), questions SEC(".maps");

#endif
