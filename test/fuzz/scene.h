/*
 * Who is there when a program is fuzzed: included behind the program, whose tables it fills. In segment 5001: `a` with
 * addresses of its own, `b` without a list, `free` without checks, `tagged` with VLAN 7; behind two VTEPs `far` and
 * `farther`. `other` is alone in 5002. 5001 has an uplink. routed-scene.h has the subnets with routers.
 */
#ifndef FUZZ_SCENE_H
#define FUZZ_SCENE_H

#include <string.h>
#include "oracle.h"

/* A value names its key, before and behind. */
#define SET(map, kind, k, v)                                                               \
	do {                                                                               \
		struct kind##_entry entry_ = { .key = (k), .value = (v), .again = (k) };   \
		bpf_map_update_elem(&map, &entry_.key, &entry_, BPF_ANY);                  \
	} while (0)

#include "routed-scene.h"

static void set_flood(__u32 segment, __u32 page, int count, const struct vpc_dst *dst)
{
	static struct vpc_flood value;
	struct vpc_flood_key key = { segment, page };

	memset(&value, 0, sizeof(value));
	value.count = count;
	memcpy(value.dst, dst, count * sizeof(*dst));
	SET(flood, vpc_flood, key, value);
}

static struct vpc_dst dst_of(const struct station *s)
{
	struct vpc_dst dst = { .kind = s->vtep ? VPC_DST_REMOTE : VPC_DST_LOCAL, .flags = s->in == OPEN ? 0 : VPC_DST_POLICY, .vlan = s->vlan, .mtu = 1450, .stats = s->vtep ? MUX_STATS : s->stats,
			       .ifindex = s->vtep ? MUX_IFINDEX : s->ifindex };

	if (s->vtep) {
		dst.vtep.family = 4;
		memcpy(dst.vtep.addr, &s->vtep, 4);
	}
	return dst;
}

static void set_station(const struct station *s)
{
	struct vpc_fdb_key key = { .segment = s->segment };
	struct vpc_neighbour_key v4 = { .segment = s->segment }, v6 = { .segment = s->segment };
	struct vpc_neighbour neighbour = {};
	struct vpc_dst dst = dst_of(s);
	__u32 one = 1;

	memcpy(key.mac, s->mac, 6);
	memcpy(neighbour.mac, s->mac, 6);
	memcpy(v4.addr, s->v4, 16);
	memcpy(v6.addr, s->v6, 16);
	SET(fdb, vpc_fdb, key, dst);
	SET(neighbours, vpc_neighbour, v4, neighbour);
	SET(neighbours, vpc_neighbour, v6, neighbour);
	if (s->listed) {
		struct vpc_port_address_key address = { .stats = s->stats };

		memcpy(address.addr, s->v4, 16);
		bpf_map_update_elem(&port_addresses, &address, &one, BPF_ANY);
		memcpy(address.addr, s->v6, 16);
		bpf_map_update_elem(&port_addresses, &address, &one, BPF_ANY);
	}
	if (!s->vtep) {
		struct vpc_port port = { .segment = s->segment, .stats = s->stats, .vlan = s->vlan, .vpc = s->vpc,
					 .flags = VPC_PORT_UP | (s->checked ? VPC_PORT_ANTISPOOF : 0) | (s->listed ? VPC_PORT_ADDRESSES : 0) |
						  (s->in == OPEN ? 0 : VPC_PORT_POLICY) };

		memcpy(port.mac, s->mac, 6);
		SET(ports, vpc_port, s->ifindex, port);
	}
}

static void set_vtep(__u32 segment, __be32 vtep)
{
	struct vpc_vtep_key key = { .stats = MUX_STATS, .segment = segment };
	__u32 one = 1;

	*(struct address *)key.addr = address_of_ipv4(vtep);
	bpf_map_update_elem(&vteps, &key, &one, BPF_ANY);
}

/* Only a mux sends to the mux's port of these. */
static void reserve(__be32 address)
{
	struct vpc_tunnel_end end = { .port = 4789, .kind = VPC_END_PORT };
	__u32 one = 1;

	*(struct address *)end.addr = address_of_ipv4(address);
	bpf_map_update_elem(&tunnel_ends, &end, &one, BPF_ANY);
	end.kind = VPC_END_ADDRESS;
	end.port = 0;
	bpf_map_update_elem(&tunnel_ends, &end, &one, BPF_ANY);
}

static void set_segment(__u32 segment)
{
	struct vpc_segment value = { .flags = VPC_SEGMENT_UP | VPC_SEGMENT_FLOOD_UNKNOWN, .switch_unit = segment };
	struct vpc_dst uplink = { .kind = VPC_DST_UPLINK, .mtu = 1500, .ifindex = UPLINK_IFINDEX, .stats = UPLINK_STATS };
	struct vpc_dst local[STATIONS + 1], remote[STATIONS];
	int locals = 0, remotes = 0;

	if (segment == RED)
		value.uplink = local[locals++] = uplink;
	SET(segments, vpc_segment, segment, value);
	for (int i = 0; i < STATIONS; i++) {
		if (stations[i].segment != segment)
			continue;
		if (stations[i].vtep) {
			remote[remotes++] = dst_of(&stations[i]);
			set_vtep(segment, stations[i].vtep);
		} else {
			local[locals++] = dst_of(&stations[i]);
		}
	}
	set_flood(segment, 0, locals, local);
	set_flood(segment, VPC_FLOOD_REMOTE, remotes, remote);
}

static void set_scene(void)
{
	struct vpc_mux mux = { .stats = MUX_STATS, .flags = VPC_MUX_DIRECT_IN | VPC_MUX_DIRECT_OUT, .listen = { .family = 4, .port = 4789 } };
	__u32 device = MUX_IFINDEX, underlay = UNDERLAY_IFINDEX, listen = LISTEN;

	register_maps();
	memcpy(mux.listen.addr, &listen, 4);
	SET(muxes, vpc_mux, device, mux);
	SET(muxes, vpc_mux, underlay, mux);
	for (int i = 0; i < STATIONS; i++)
		set_station(&stations[i]);
	for (int last = 1; last <= 3; last++)
		reserve(IPV4(192, 0, 2, last));
	for (__u32 segment = RED; segment <= PINK; segment++)
		set_segment(segment);
	set_routed_scene();
	tables_are_set();
}

#ifdef VPC_GENERATION_H
/* A run begins without what an earlier one has left. */
static void forget(void)
{
	static __u32 current;
	__u32 zero = 0;

	++current;
	bpf_map_update_elem(&generation, &zero, &current, BPF_ANY);
}
#else
static void forget(void)
{
}
#endif

static void begin_scene(void)
{
	static uint64_t now = 1000000000000;
	static bool set;

	if (!set)
		set_scene();
	set = true;
	begin_run(now += 10000000000);
	begin_judging();
	set_cells();
	forget();
}

#endif
