// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * From the services of the host to guests: ingress of the host's end of the veth into their namespace. The destination
 * address says which port the packet is for (abi-guests.h). All that is no answer of a service to a guest is dropped.
 */
#include "lib/forward.h"
#include "lib/inspect.h"
#include "lib/nat-rewrite.h"
#include "lib/service-address.h"
#include "lib/watch.h"

/* What an answer is sent by. */
struct answering {
	struct vpc_service_guest_key key;
	struct vpc_service_guest guest;
	struct vpc_dst dst;
};

/* Reads port, place and a part of the incarnation of an address by which services know a guest. */
static __always_inline bool parse_guest(const struct address *address, bool v4, struct vpc_service_guest_key *key)
{
	__u32 last = bpf_ntohl(address->w[3]);

	if (v4) {
		key->port = last >> 8 & (VPC_GUEST_PORTS - 1);
		key->place = last >> 4 & (VPC_GUEST_PLACES - 1);
		key->incarnation = last & 15;
		return (last & 0xffc00000) == VPC_GUEST_IPV4;
	}
	key->port = last >> 4;
	key->place = (last & (VPC_GUEST_PLACES - 1)) | VPC_GUEST_PLACES;
	key->incarnation = bpf_ntohl(address->w[2]);
	return address->w[0] == bpf_htonl(VPC_GUEST_IPV6) && !address->w[1] && key->port < VPC_GUEST_PORTS;
}

/* Finds the guest, and where it is. Returns a drop reason or 0. */
static __noinline int find_guest(const struct address *address, bool v4, struct answering *to)
{
	struct vpc_service_port port;

	if (!parse_guest(address, v4, &to->key) || !read_entry(&service_ports, &to->key.port, &port))
		return VPC_DROP_NO_HOST;
	if ((port.incarnation ^ to->key.incarnation) & (v4 ? 15 : ~0u))
		return VPC_DROP_NO_HOST;
	to->key.incarnation = port.incarnation;
	if (!read_entry(&service_guests, &to->key, &to->guest))
		return VPC_DROP_NO_HOST;
	if (!fdb_lookup(to->guest.segment, mac_at(to->guest.mac), &to->dst) || to->dst.kind != VPC_DST_LOCAL || to->dst.stats != to->key.port)
		return VPC_DROP_UNKNOWN_MAC;
	return 0;
}

/* An answer from the port of a service, or an ICMP error that says that nobody is there. */
static __noinline bool is_answer(struct __sk_buff *skb, const struct packet *packet)
{
	struct address from;
	__be16 start;

	if (!is_plain(packet) || !read_address(skb, packet, true, &from) || bpf_skb_load_bytes(skb, packet->upper, &start, sizeof(start)))
		return false;
	if (packet->proto == IPPROTO_ICMP)
		return service_at(&from) && start == bpf_htons(ICMP_UNREACHABLE << 8 | ICMP_PORT_UNREACHABLE);
	if (packet->proto == IPPROTO_ICMPV6)
		return service_at(&from) && start == bpf_htons(ICMPV6_UNREACHABLE << 8 | ICMPV6_PORT_UNREACHABLE);
	return serves_port(service_at(&from), packet->proto, start);
}

/* Finds whom an answer is for. Returns a drop reason or 0. */
standalone int find_asker(struct __sk_buff *skb, const struct packet *packet, struct answering *to)
{
	struct address known;

	if (!packet || !to)
		return VPC_DROP_MALFORMED;
	if (!is_answer(skb, packet) || !read_address(skb, packet, false, &known))
		return VPC_DROP_HOST_STACK;
	return find_guest(&known, packet->type == ETH_P_IP, to);
}

/* Gives an answer the guest's own address. Returns a drop reason or 0. */
static __noinline int restore_address(struct __sk_buff *skb, const struct packet *packet, const struct vpc_service_guest *guest)
{
	struct nat_change change = { .address = *(const struct address *)guest->addr, .is_dest = true };

	return nat_rewrite(skb, packet, &change);
}

/* Makes it a frame of the guest's segment. Returns a drop reason or 0. */
static __noinline int restore_frame(struct __sk_buff *skb, struct packet *packet, const struct vpc_service_guest *guest)
{
	struct mac macs[2] = { mac_at(guest->mac), gateway_mac() };

	packet->dmac = macs[0];
	packet->smac = macs[1];
	packet->segment = guest->segment;
	return bpf_skb_store_bytes(skb, 0, macs, sizeof(macs), 0) ? VPC_DROP_ENCAP_FAILED : 0;
}

SEC("tc")
int vpc_service(struct __sk_buff *skb)
{
	struct packet packet = { .hook = HOOK_SERVICE, .source = VPC_STATS_NONE };
	struct answering to = {};
	int reason = parse_ethernet(skb, &packet);

	if (!reason)
		reason = inspect(skb, &packet, 0);
	if (!reason)
		reason = find_asker(skb, &packet, &to);
	if (!reason)
		reason = restore_address(skb, &packet, &to.guest);
	if (!reason)
		reason = restore_frame(skb, &packet, &to.guest);
	if (!reason && !fits(skb, &packet, to.dst.mtu))
		reason = VPC_DROP_TOO_BIG;
	if (reason)
		return drop(skb, &packet, reason);
	watch_switch(skb, &packet);
	return deliver_fitting(skb, &packet, &to.dst);
}

char _license[] SEC("license") = "Dual BSD/GPL";
