/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How long flows live, and where a port's are. */
#ifndef VPC_FLOW_LIFE_H
#define VPC_FLOW_LIFE_H

#include <stdbool.h>
#include <linux/in.h>
#include "policy-maps.h"

#ifndef IPPROTO_ICMPV6
#define IPPROTO_ICMPV6 58
#endif
/* Seconds that a flow lives without a packet. */
#define IDLE_TCP_OPENING 20
#define IDLE_CLOSING 10
#define IDLE_UDP 30
#define IDLE_UDP_STREAM 180
#define IDLE_ICMP 30
#define IDLE_OTHER 30
#define IDLE_OTHER_STREAM 600
#define IDLE_DENIED 300

static __always_inline __u32 seconds_now(void)
{
	return bpf_ktime_get_coarse_ns() / 1000000000ull;
}

static __always_inline __u32 idle_of(const struct vpc_flow *flow, __u8 protocol)
{
	bool stream = flow->state == VPC_FLOW_ESTABLISHED;

	if (flow->state == VPC_FLOW_CLOSING)
		return IDLE_CLOSING;
	if (flow->state == VPC_FLOW_DENIED)
		return IDLE_DENIED;
	switch (protocol) {
	case IPPROTO_TCP:
		return stream ? flow->tcp_idle_s : IDLE_TCP_OPENING;
	case IPPROTO_UDP:
		return stream ? IDLE_UDP_STREAM : IDLE_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return IDLE_ICMP;
	default:
		return stream ? IDLE_OTHER_STREAM : IDLE_OTHER;
	}
}

static __always_inline bool is_over(const struct vpc_flow *flow, __u8 protocol, __u32 now_s)
{
	/* A packet that passes meanwhile may be of a later second. */
	return (__s32)(now_s - flow->last_s) > (__s32)idle_of(flow, protocol);
}

static __always_inline void *flows_of(__u32 port)
{
	return bpf_map_lookup_elem(&flows, &port);
}

#endif
