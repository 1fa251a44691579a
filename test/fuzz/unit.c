/* Fuzzes vpc_unit: packets of guests. */
#include "kernel.h"
#define asm if (0) __asm__
#include "../../bpf/unit.bpf.c"
#undef asm
#include "registrations.h"
#include "scene.h"
#include "input.h"

#define UNITS 5
#define ROUTED_UNITS 6

/* The kernel has shown the paths to both VTEPs. */
static void show_paths(void)
{
	for (int i = 0; i < STATIONS; i++) {
		if (!stations[i].vtep)
			continue;
		struct peer_key key = peer_of_ipv4(MUX_STATS, 0, stations[i].vtep);
		struct path path = { .learned_ns = bpf_ktime_get_coarse_ns(), .ifindex = UNDERLAY_IFINDEX, .mtu = 1500, .dport = bpf_htons(4789),
				     .saddr = LISTEN, .daddr = stations[i].vtep };

		path.eth.h_proto = bpf_htons(ETH_P_IP);
		SET(paths, path, key, path);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static uint8_t bytes[LARGEST_PACKET];
	struct input input;
	struct start start;

	begin_scene();
	while (next_packet(&at, &size, &input, bytes, &start)) {
		bool routed = input.selector & SELECT_ROUTED;
		const struct station *who = routed ? &stations[PLAIN_STATIONS + (input.selector & 63) % ROUTED_UNITS] :
						     &stations[(input.selector & 63) % UNITS];
		struct __sk_buff *skb;

		if (!kernel_takes(&start))
			continue;
		start.ifindex = who->ifindex;
		if (input.selector & 64)
			show_paths();
		if (input.flags & INPUT_HONEST_MACS) {
			memcpy(bytes + 6, who->mac, 6);
			if (!(bytes[0] & 1))
				memcpy(bytes, stations[bytes[5] % PLAIN_STATIONS].mac, 6);
		}
		if (routed && input.flags & INPUT_HONEST)
			make_honest(bytes, start.length, who);
		from_unit(who);
		skb = packet_arrives(&start);
		packet_is_there(0);
		packet_leaves(vpc_unit(skb));
	}
	return 0;
}
