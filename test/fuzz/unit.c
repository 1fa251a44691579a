/* Fuzzes vpc_unit: packets of guests. */
#include "kernel.h"
#define asm if (0) __asm__
#include "../../bpf/unit.bpf.c"
#undef asm
#include "registrations.h"
#include "scene.h"
#include "input.h"

#define UNITS 5

/* The kernel has shown the paths to both VTEPs. */
static void show_paths(void)
{
	for (int i = UNITS; i < STATIONS; i++) {
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
		const struct station *sender = &stations[(input.selector & 63) % UNITS];

		if (!kernel_takes(&start))
			continue;
		start.ifindex = sender->ifindex;
		if (input.selector & 64)
			show_paths();
		if (input.flags & INPUT_HONEST_MACS) {
			memcpy(bytes + 6, sender->mac, 6);
			if (!(bytes[0] & 1))
				memcpy(bytes, stations[bytes[5] % STATIONS].mac, 6);
		}
		from_unit(sender);
		packet_leaves(vpc_unit(packet_arrives(&start)));
	}
	return 0;
}
