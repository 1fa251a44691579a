// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Forgets flows that are idle. vpcd runs it for each port that is in security groups, every ten seconds. While vpcd is
 * away, a port's map may fill up; further flows stay in `young` then.
 */
#include "lib/flow-life.h"

struct sweep {
	__u32 now_s;
	__u32 expired;
};

struct bpf_map;

static long expire_one(struct bpf_map *map, struct vpc_flow_key *key, struct vpc_flow *flow, struct sweep *sweep)
{
	if (!is_over(flow, key->protocol, sweep->now_s))
		return 0;
	bpf_map_delete_elem(map, key);
	sweep->expired++;
	return 0;
}

/* Of one port: args->port. args->expired says how many flows were forgotten. */
SEC("syscall")
int vpc_expire(struct vpc_expire *args)
{
	struct sweep sweep = { .now_s = bpf_ktime_get_ns() / 1000000000ull }; /* this type has no coarse clock */
	__u32 port = args->port;
	void *own = flows_of(port);

	if (own)
		bpf_for_each_map_elem(own, expire_one, &sweep, 0);
	args->expired = sweep.expired;
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
