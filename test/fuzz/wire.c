/* Fuzzes vpc_wire: packets from outside, on a wire that has public addresses. */
#include "kernel.h"
#define asm if (0) __asm__
#include "../../bpf/wire.bpf.c"
#undef asm
#include "registrations.h"
#include "scene.h"
#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static uint8_t bytes[LARGEST_PACKET];
	struct __sk_buff *skb;
	struct input input;
	struct start start;

	begin_scene();
	while (next_packet(&at, &size, &input, bytes, &start)) {
		if (!kernel_takes(&start))
			continue;
		start.ifindex = WIRE_IFINDEX;
		start.pkt_type = input.selector & 3 ? PACKET_HOST : 3;
		if (input.flags & INPUT_HONEST)
			make_outside(bytes, start.length);
		from_wire();
		skb = packet_arrives(&start);
		packet_is_there(0);
		packet_leaves(vpc_wire(skb));
	}
	return 0;
}
