/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The tables of NAT: see abi-nat.h. */
#ifndef VPC_NAT_H
#define VPC_NAT_H

#include "entry.h"
#include "packet.h"

/* By stats index. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VPC_MAX_SOURCES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct vpc_nat_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} nats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_public_key);
	__type(value, struct vpc_public_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} public_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_host_key);
	__type(value, struct vpc_float_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} floats SEC(".maps");

/* False: there is no such NAT. */
standalone bool nat_of(__u32 number, struct vpc_nat *nat)
{
	return nat && read_entry(&nats, &number, nat);
}

/* What a wire of this host has an address for. False: it does not have it. */
standalone bool public_of(const struct vpc_public_key *key, struct vpc_public *found)
{
	return key && found && read_entry(&public_addresses, key, found);
}

/* The public address of a station. False: it has none of its own. */
standalone bool float_of(const struct vpc_host_key *key, struct vpc_float *found)
{
	return key && found && read_entry(&floats, key, found);
}

#endif
