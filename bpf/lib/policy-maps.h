/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The tables of security groups and flows: see abi.h. */
#ifndef VPC_POLICY_MAPS_H
#define VPC_POLICY_MAPS_H

#include "maps.h"
#include "scratch.h"

#define FLOW_QUOTA 16384 /* of a map in `flows` that nobody has given another size */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VPC_MAX_SOURCES);
	__type(key, __u32);
	__type(value, struct vpc_port_policy);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} port_policies SEC(".maps");

/*
 * Until when, in seconds of the clock of flows, a TCP connection that is under way becomes a flow of a port: for a
 * while after the port was attached or its flows were imported.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VPC_MAX_SOURCES);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} pickups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 262144);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_member_key);
	__type(value, struct vpc_member_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} members SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_cidr_key);
	__type(value, struct vpc_member);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} cidrs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_peer_rules_key);
	__type(value, struct vpc_peer_rules_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} peer_rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_port_cuts_key);
	__type(value, struct vpc_port_cuts_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} port_cuts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 262144);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_port_rules_key);
	__type(value, struct vpc_port_rules_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} port_rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 262144);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_rule_key);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} rule_numbers SEC(".maps");

/* An entry is made when the rule first allows a flow. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} rule_hits SEC(".maps");

/* Numbers that rise: a decision about a peer is good as long as the sum of everybody's and the peer's is the same. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VPC_PEER_EPOCHS);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} peer_epochs SEC(".maps");

/* Flows that are confirmed, by port: the size of a port's map is its quota, which no other port can use up. */
struct port_flows {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FLOW_QUOTA);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, sizeof(struct vpc_flow_key));
	__uint(value_size, sizeof(struct vpc_flow));
};

/*
 * Its size is the largest that table `ports` can have. What is in here is not compared when vpcd starts: a `flows` of
 * another struct vpc_flow must have another name.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 262144);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct port_flows);
} flows SEC(".maps");

/* All others. A flood makes flows that nobody confirms: they evict one another, and none of those in `flows`. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 262144);
	__type(key, struct vpc_young_key);
	__type(value, struct vpc_flow);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} young SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct vpc_frag_key);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} frags SEC(".maps");

/* The last refusal by a policy or a route on this CPU: the event of the drop reports it. */
struct refusal {
	__u32 port, policy, rule, direction, state;
	__u32 route; /* as in struct vpc_event */
	__u32 nat;
};

static __always_inline struct refusal *refusal_of_cpu(void)
{
	return scratch_of(SCRATCH_REFUSAL, struct refusal);
}

#endif
