/*
 * Routers, groups and NAT of the scene: GREEN and YELLOW are subnets of one VPC, PINK is of another one, to which GREEN
 * has a route, and which has none back. oracle.h has the stations, groups.c what the policies mean.
 */
#ifndef FUZZ_ROUTED_SCENE_H
#define FUZZ_ROUTED_SCENE_H

#include <string.h>
#include "oracle.h"

#define V4_BITS 96u
#define NAT_HERE 41u
#define NAT_THERE 42u
#define FIRST_CELL_PORT 2048u /* public ports that a station has from the beginning */

static void address_in_net(uint8_t net, bool v4, uint8_t *address)
{
	memset(address, 0, 16);
	if (!v4)
		memcpy(address, (uint8_t[]){ 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, net }, 14);
	else
		memcpy(address + 10, (uint8_t[]){ 0xff, 0xff, 10, 0, net }, 5);
}

static void set_subnet(__u32 segment, __u32 vpc, __u32 table, uint8_t net)
{
	struct vpc_subnet subnet = { .flags = VPC_SUBNET_ROUTED, .vpc = vpc, .route_table = table, .mtu = 1400 };

	address_in_net(net, true, subnet.gateway4);
	address_in_net(net, false, subnet.gateway6);
	subnet.gateway4[15] = subnet.gateway6[15] = 254;
	SET(subnets, vpc_subnet, segment, subnet);
}

/* -- groups -- */

#define RULES(policy_, class_, bits)                                                                         \
	do {                                                                                                 \
		struct vpc_peer_rules_key key_ = { .policy = policy_, .class_id = class_ };                  \
		struct vpc_rule_bits bits_ = { .word = { bits } };                                           \
		struct vpc_peer_rules_entry rules_ = { .key = key_, .value = bits_, .again = key_ };         \
		bpf_map_update_elem(&peer_rules, &key_, &rules_, BPF_ANY);                                   \
	} while (0)

/* A rule for one port of a protocol. */
static void set_rule(__u32 policy, __u16 protocol, __u16 service, __u64 bits)
{
	struct vpc_port_cuts_key cuts = { policy, protocol };
	struct vpc_port_cuts_entry entry = { .key = cuts, .value = { 2, { service, service + 1 } }, .again = cuts };
	struct vpc_port_rules_key row = { policy, protocol, 1 };
	struct vpc_port_rules_entry rules = { .key = row, .value.word = { bits }, .again = row };

	bpf_map_update_elem(&port_cuts, &cuts, &entry, BPF_ANY);
	bpf_map_update_elem(&port_rules, &row, &rules, BPF_ANY);
}

static void set_groups(void)
{
	struct vpc_cidr_key v4 = { .length = 32 + V4_BITS + 24, .vpc = VPC_A }, v6 = { .length = 32 + 112, .vpc = VPC_A };
	struct vpc_member in_yellow = { .class_id = 2 }, member = { .class_id = 1 };

	address_in_net(4, true, v4.addr);
	address_in_net(4, false, v6.addr);
	bpf_map_update_elem(&cidrs, &v4, &in_yellow, BPF_ANY);
	bpf_map_update_elem(&cidrs, &v6, &in_yellow, BPF_ANY);
	for (int i = 0; i < STATIONS; i++)
		if (stations[i].in == NOTHING_IN) {
			struct vpc_member_key key = { .vpc = VPC_A };

			memcpy(key.addr, stations[i].v4, 16);
			SET(members, vpc_member, key, member);
			memcpy(key.addr, stations[i].v6, 16);
			SET(members, vpc_member, key, member);
		}
	RULES(WEB_IN, 0, 1);
	RULES(WEB_IN, 1, 7);
	RULES(WEB_IN, 2, 5);
	set_rule(WEB_IN, IPPROTO_TCP, 80, 1);
	set_rule(WEB_IN, IPPROTO_UDP, 53, 2);
	set_rule(WEB_IN, IPPROTO_ICMP, 0x0800, 4);
	set_rule(WEB_IN, IPPROTO_ICMPV6, 0x8000, 4);
	RULES(FEW_OUT, 0, 3);
	set_rule(FEW_OUT, IPPROTO_UDP, 53, 1);
	set_rule(FEW_OUT, IPPROTO_TCP, 443, 2);
}

/* The groups of a port, and its own map of flows. */
static void set_port_groups(const struct station *s)
{
	static struct port_flows own[STATIONS];
	struct vpc_port_policy policy = { .vpc = s->vpc, .in = s->in, .out = s->out, .tcp_idle_s = 7200,
					  .policy_flags = s->stateless ? VPC_POLICY_STATELESS : 0 };
	__u32 stats = s->stats;
	void *flows_of_port = &own[s - stations];

	register_map(flows_of_port, BPF_MAP_TYPE_HASH, sizeof(struct vpc_flow_key), sizeof(struct vpc_flow), 0);
	bpf_map_update_elem(&port_policies, &stats, &policy, BPF_ANY);
	bpf_map_update_elem(&flows, &stats, &flows_of_port, BPF_ANY);
}

/* -- routes -- */

#ifdef VPC_ROUTE_H
static void set_route(__u32 table, uint8_t net, enum vpc_route_kind kind, __u32 vpc)
{
	struct vpc_route_key v4 = { .length = 32 + (net ? V4_BITS + 24 : V4_BITS), .table = VPC_ROUTES_IPV4(table) };
	struct vpc_route_key v6 = { .length = 32 + (net ? 112 : 0), .table = VPC_ROUTES_IPV6(table) };
	struct vpc_route route = { .kind = kind, .vpc = vpc };

	address_in_net(net, true, v4.addr);
	if (net)
		address_in_net(net, false, v6.addr);
	else
		memset(v4.addr + 12, 0, 4);
	if (kind == VPC_ROUTE_INSTANCE)
		memcpy(route.addr, stations[8].v4, 16);
	SET(routes, vpc_route, v4, route);
	if (kind == VPC_ROUTE_INSTANCE)
		memcpy(route.addr, stations[8].v6, 16);
	SET(routes, vpc_route, v6, route);
}

static void set_routes(void)
{
	set_route(1, 3, VPC_ROUTE_LOCAL, 0);
	set_route(1, 4, VPC_ROUTE_LOCAL, 0);
	set_route(1, 5, VPC_ROUTE_PEER, VPC_P);
	set_route(1, 66, VPC_ROUTE_BLACKHOLE, 0);
	set_route(1, 77, VPC_ROUTE_INSTANCE, 0);
	set_route(1, 0, VPC_ROUTE_IGW, 0);
	set_route(2, 3, VPC_ROUTE_LOCAL, 0);
	set_route(2, 4, VPC_ROUTE_LOCAL, 0);
	set_route(2, 0, VPC_ROUTE_IGW, 0);
	set_route(3, 5, VPC_ROUTE_LOCAL, 0);
	set_route(3, 0, VPC_ROUTE_IGW, 0);
}

static void set_host(const struct station *s, const uint8_t *address)
{
	struct vpc_host_key key = { .vpc = s->vpc };
	struct vpc_host host = { .segment = s->segment };

	memcpy(key.addr, address, 16);
	memcpy(host.mac, s->mac, 6);
	SET(hosts, vpc_host, key, host);
}
#endif

/* -- NAT -- */

#ifdef VPC_NAT_LEAVE_H
static struct nat_cells_of_one cells_here;

static void set_float(__u32 vpc, const uint8_t *inside, __u32 nat, uint8_t last, bool v4)
{
	struct vpc_host_key key = { .vpc = vpc };
	struct vpc_float floating = { .nat = nat };

	if (inside)
		memcpy(key.addr, inside, 16);
	else if (v4)
		key.addr[10] = key.addr[11] = 0xff;
	public_address(last, v4, floating.addr);
	SET(floats, vpc_float, key, floating);
}

static void set_public(uint8_t last, const uint8_t *inside, bool v4)
{
	struct vpc_public_key key = { .wire = WIRE_IFINDEX };
	struct vpc_public public = { .kind = inside ? VPC_PUBLIC_FLOAT : VPC_PUBLIC_BLOCKS, .nat = NAT_HERE, .vpc = VPC_A };

	public_address(last, v4, key.addr);
	if (inside)
		memcpy(public.inside, inside, 16);
	SET(public_addresses, vpc_public, key, public);
}

static void set_nats(void)
{
	struct vpc_nat here = { .vpc = VPC_A, .wire = WIRE_IFINDEX, .mtu = 1500, .mac = { 2, 0, 0, 0, 99, 1 } };
	struct vpc_nat there = { .vpc = VPC_A, .host = { .kind = VPC_DST_REMOTE, .mtu = 1450, .ifindex = MUX_IFINDEX, .stats = MUX_STATS, .vtep.family = 4 } };
	__u32 number = NAT_HERE, other = NAT_THERE, host = NAT_HOST;
	void *cells = &cells_here;

	memcpy(there.host.vtep.addr, &host, 4);
	SET(nats, vpc_nat, number, here);
	SET(nats, vpc_nat, other, there);
	register_map(cells, INNER_ARRAY, sizeof(__u32), sizeof(struct vpc_nat_cell), VPC_NAT_CELL(2, 0, 0));
	bpf_map_update_elem(&nat_cells, &number, &cells, BPF_ANY);
	for (int v4 = 0; v4 <= 1; v4++) {
		set_float(VPC_A, 0, NAT_HERE, SHARED_LAST, v4);
		set_public(SHARED_LAST, 0, v4);
		for (int i = PLAIN_STATIONS; i < STATIONS; i++) {
			const struct station *s = &stations[i];
			const uint8_t *inside = v4 ? s->v4 : s->v6;

			if (s->nat == NAT_OWN || s->nat == NAT_ELSEWHERE)
				set_float(VPC_A, inside, s->nat == NAT_OWN ? NAT_HERE : NAT_THERE, s->public_last, v4);
			if (s->nat == NAT_OWN)
				set_public(s->public_last, inside, v4);
		}
	}
}

/* The block that a station would take first is another's already. */
static void take_first_block(const struct station *of, const struct station *owner, bool v4)
{
	struct vpc_nat_cell block = { .last_s = seconds_now(), .vpc = VPC_A, .state = VPC_NAT_BLOCK_TAKEN };
	struct vpc_nat_guest_key key = { .nat = NAT_HERE, .vpc = VPC_A };
	__u32 number, place;

	memcpy(key.inside, v4 ? of->v4 : of->v6, 16);
	number = nat_hash(&key, sizeof(key) / sizeof(__u32), 0) % VPC_NAT_ADDRESS_BLOCKS;
	memcpy(block.inside, v4 ? owner->v4 : owner->v6, 16);
	place = VPC_NAT_CELL(!v4, VPC_NAT_TCP, number);
	bpf_map_update_elem(&cells_here, &place, &block, BPF_ANY);
	note_port(owner, IPPROTO_UDP, (uint16_t)(VPC_NAT_FIRST_PORT + number * VPC_NAT_BLOCK));
}

/* The first station without groups has three public ports, of which everybody is a peer: a run may change them. */
static void set_cells(void)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP };
	const struct station *owner = &stations[9];

	for (__u32 v4 = 0; v4 <= 1; v4++) {
		struct vpc_nat_head head = { .taken = 3, .addresses = 2 };
		__u32 place = VPC_NAT_CELL(!v4, VPC_NAT_TCP, VPC_NAT_HEAD);

		public_address(SHARED_LAST, v4, head.addr);
		bpf_map_update_elem(&cells_here, &place, &head, BPF_ANY);
		for (__u32 plane = 0; plane < VPC_NAT_PLANES; plane++) {
			struct vpc_nat_cell cell = { .last_s = seconds_now(), .peers = ~0ull, .vpc = VPC_A, .port = bpf_htons(5000 + plane),
						     .state = VPC_FLOW_ESTABLISHED };

			place = VPC_NAT_CELL(!v4, plane, FIRST_CELL_PORT + plane);
			memcpy(cell.inside, v4 ? owner->v4 : owner->v6, 16);
			bpf_map_update_elem(&cells_here, &place, &cell, BPF_ANY);
			note_port(owner, v4 || plane != VPC_NAT_ICMP ? protocols[plane] : IPPROTO_ICMPV6, (uint16_t)(FIRST_CELL_PORT + plane));
		}
		struct vpc_nat_cell block = { .last_s = seconds_now(), .vpc = VPC_A, .state = VPC_NAT_BLOCK_TAKEN };

		memcpy(block.inside, v4 ? owner->v4 : owner->v6, 16);
		place = VPC_NAT_CELL(!v4, VPC_NAT_TCP, (FIRST_CELL_PORT - VPC_NAT_FIRST_PORT) / VPC_NAT_BLOCK);
		bpf_map_update_elem(&cells_here, &place, &block, BPF_ANY);
		take_first_block(&stations[7], owner, v4);
		take_first_block(owner, &stations[7], v4);
	}
}
#else
static void set_cells(void)
{
}
#endif

/* Hosts that route into all subnets of a VPC. */
static void set_vpc_vtep(__u32 vpc, __be32 vtep)
{
	struct vpc_vtep_key key = { .stats = MUX_STATS, .segment = VPC_SEGMENT_OF_VPC | vpc };
	__u32 one = 1;

	*(struct address *)key.addr = address_of_ipv4(vtep);
	bpf_map_update_elem(&vteps, &key, &one, BPF_ANY);
}

static void set_routed_scene(void)
{
	set_subnet(GREEN, VPC_A, 1, 3);
	set_subnet(YELLOW, VPC_A, 2, 4);
	set_subnet(PINK, VPC_P, 3, 5);
	for (__u32 last = 2; last <= 3; last++) {
		set_vpc_vtep(VPC_A, IPV4(192, 0, 2, last));
		set_vpc_vtep(VPC_P, IPV4(192, 0, 2, last));
	}
	set_groups();
	for (int i = PLAIN_STATIONS; i < STATIONS; i++) {
#ifdef VPC_ROUTE_H
		set_host(&stations[i], stations[i].v4);
		set_host(&stations[i], stations[i].v6);
#endif
		if (stations[i].in != OPEN)
			set_port_groups(&stations[i]);
	}
#ifdef VPC_ROUTE_H
	set_routes();
#endif
#ifdef VPC_NAT_LEAVE_H
	set_nats();
#endif
}

#endif
