/* Fuzzes vpc_underlay: packets as they arrive on the underlay's interface. */
#include "kernel.h"
#define asm if (0) __asm__
#include "../../bpf/underlay.bpf.c"
#undef asm
#include "registrations.h"
#include "scene.h"
#include "input.h"

static const uint32_t outer_sources[] = { IPV4(192, 0, 2, 2), IPV4(192, 0, 2, 3), IPV4(192, 0, 2, 99), IPV4(192, 0, 2, 1) };
static const uint32_t vnis[] = { RED, BLUE, 77, RED }, routed_vnis[] = { GREEN, YELLOW, PINK, YELLOW };

/* Both VTEPs, and one that no table has, have lately come through the host's stack. */
static void hear(void)
{
	for (int i = 0; i < 3; i++) {
		struct peer_key key = peer_of_ipv4(MUX_STATS, 0, outer_sources[i]);
		struct heard at = { .at_ns = bpf_ktime_get_coarse_ns() };

		SET(heard, heard, key, at);
	}
}

/* Puts a right outer header in front of the frame. */
static uint32_t encapsulate(uint8_t *packet, const uint8_t *frame, uint32_t length, uint32_t vni, uint32_t vtep)
{
	struct vxlan_frame outer = { .flags = bpf_htonl(VXLAN_FLAGS), .vni = bpf_htonl(vni << 8) };
	uint32_t total = length + VXLAN_OVERHEAD;

	outer.eth.h_proto = bpf_htons(ETH_P_IP);
	outer.ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP, .tot_len = bpf_htons(total - ETH_HLEN),
				   .saddr = vtep, .daddr = LISTEN };
	outer.ip.check = (__u16)~sum_ipv4(&outer.ip);
	outer.udp = (struct udp){ .sport = bpf_htons(50000), .dport = bpf_htons(4789), .len = bpf_htons(total - ETH_HLEN - 20) };
	memcpy(packet, &outer.eth, VXLAN_OVERHEAD);
	memcpy(packet + VXLAN_OVERHEAD, frame, length);
	return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static uint8_t bytes[LARGEST_PACKET], packet[LARGEST_PACKET];
	struct input input;
	struct start start;

	begin_scene();
	while (next_packet(&at, &size, &input, bytes, &start)) {
		uint32_t vtep = outer_sources[input.selector & 3], vni = (input.selector & SELECT_ROUTED ? routed_vnis : vnis)[input.selector >> 2 & 3];
		struct __sk_buff *skb;

		if (input.selector & 64)
			hear();
		start.ifindex = UNDERLAY_IFINDEX;
		if (input.flags & INPUT_HONEST_MACS) {
			memcpy(bytes + 6, stations[bytes[11] % PLAIN_STATIONS].mac, 6);
			memcpy(bytes, stations[bytes[5] % PLAIN_STATIONS].mac, 6);
		}
		if (input.selector & SELECT_ROUTED && input.flags & INPUT_HONEST)
			make_honest(bytes, start.length, &stations[STATIONS - 1 - bytes[11] % 2]);
		if (!(input.flags & INPUT_RAW)) {
			start.length = encapsulate(packet, bytes, start.length, vni, vtep);
			start.linear += VXLAN_OVERHEAD;
			start.csum_start += VXLAN_OVERHEAD;
			start.bytes = packet;
		} else if (start.length > 64) {
			memcpy(&vtep, bytes + 26, 4);
			vni = (uint32_t)(bytes[46] << 16 | bytes[47] << 8 | bytes[48]);
		}
		if (!kernel_takes(&start))
			continue;
		/* The direct way takes nothing that another host has sent on. */
		from_vtep(vni, vtep, false);
		skb = packet_arrives(&start);
		packet_is_there(VXLAN_OVERHEAD);
		packet_leaves(vpc_underlay(skb));
	}
	return 0;
}
