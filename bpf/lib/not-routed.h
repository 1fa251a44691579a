/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Packets that a gateway does not pass on, and what it tells their senders. */
#ifndef VPC_NOT_ROUTED_H
#define VPC_NOT_ROUTED_H

#include "gateway.h"
#include "too-big.h"

/*
 * Why a packet to the gateway's MAC goes nowhere; `mtu` of what does not fit; the route as struct vpc_event names it.
 */
struct unroutable {
	int reason;
	__u32 mtu;
	__u32 route;
};

/* The gateway's own address in the sender's subnet, for its own packets. False: it has none of the family. */
static __noinline bool gateway_address(const struct packet *packet, struct address *address)
{
	struct vpc_subnet subnet;

	if (!subnet_of(packet->segment, &subnet))
		return false;
	*address = *(const struct address *)(packet->type == ETH_P_IP ? subnet.gateway4 : subnet.gateway6);
	return !ipv6_is_unspecified(address);
}

/* The ICMP error of the gateway for a packet that it does not forward; type 0: none. */
static __always_inline struct icmp_error routing_error(const struct packet *packet, int reason, __u32 mtu)
{
	bool v4 = packet->type == ETH_P_IP;

	switch (reason) {
	case VPC_DROP_NO_ROUTE:
		return v4 ? (struct icmp_error){ .type = ICMP_UNREACHABLE, .code = ICMP_NET_UNREACHABLE } :
			    (struct icmp_error){ .type = ICMPV6_UNREACHABLE, .code = ICMPV6_NO_ROUTE };
	case VPC_DROP_NO_HOST:
		return v4 ? (struct icmp_error){ .type = ICMP_UNREACHABLE, .code = ICMP_HOST_UNREACHABLE } :
			    (struct icmp_error){ .type = ICMPV6_UNREACHABLE, .code = ICMPV6_ADDRESS_UNREACHABLE };
	case VPC_DROP_NO_PUBLIC_ADDRESS:
		return v4 ? (struct icmp_error){ .type = ICMP_UNREACHABLE, .code = ICMP_PROHIBITED } :
			    (struct icmp_error){ .type = ICMPV6_UNREACHABLE, .code = ICMPV6_PROHIBITED };
	case VPC_DROP_TTL_EXCEEDED:
		return (struct icmp_error){ .type = v4 ? ICMP_TIME_EXCEEDED : ICMPV6_TIME_EXCEEDED };
	case VPC_DROP_TOO_BIG:
		return too_big_error(packet, mtu);
	case VPC_DROP_TO_GATEWAY:
		return v4 ? (struct icmp_error){ .type = ICMP_UNREACHABLE, .code = ICMP_PORT_UNREACHABLE } :
			    (struct icmp_error){ .type = ICMPV6_UNREACHABLE, .code = ICMPV6_PORT_UNREACHABLE };
	default:
		return (struct icmp_error){};
	}
}

/* Drops a packet that is not passed on, and has the gateway tell its sender where it may. */
standalone int not_routed(struct __sk_buff *skb, struct packet *packet, __u32 reason, __u32 mtu, __u32 route)
{
	struct refusal *refusal = refusal_of_cpu();
	struct icmp_error error;

	if (!packet)
		return TC_ACT_SHOT;
	if (refusal)
		refusal->route = route;
	error = routing_error(packet, reason, mtu);
	if (!error.type || !gateway_address(packet, &error.source))
		return drop(skb, packet, reason);
	return drop_with_error(skb, packet, reason, &error);
}

#endif
