/* Fuzzes vpc_mux: frames that the vxlan device took out of a tunnel. */
#include "kernel.h"
#define asm if (0) __asm__
#include "../../bpf/mux.bpf.c"
#undef asm
#include "registrations.h"
#include "scene.h"
#include "input.h"

static const uint32_t outer_sources[] = { IPV4(192, 0, 2, 2), IPV4(192, 0, 2, 3), IPV4(192, 0, 2, 99), 0 };
static const uint32_t vnis[] = { RED, BLUE, 77, RED }, routed_vnis[] = { GREEN, YELLOW, PINK, YELLOW };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static uint8_t bytes[LARGEST_PACKET];
	struct input input;
	struct start start;

	begin_scene();
	while (next_packet(&at, &size, &input, bytes, &start)) {
		uint32_t vtep = outer_sources[input.selector & 3], vni = (input.selector & SELECT_ROUTED ? routed_vnis : vnis)[input.selector >> 2 & 3];
		struct __sk_buff *skb;

		if (!kernel_takes(&start))
			continue;
		start.ifindex = MUX_IFINDEX;
		start.tunnelled = true;
		start.key = (struct bpf_tunnel_key){ .tunnel_id = vni, .remote_ipv4 = bpf_ntohl(vtep), .local_ipv4 = bpf_ntohl(LISTEN),
							   .tunnel_ttl = input.flags & INPUT_FORWARDED ? FORWARDED_TTL : TUNNEL_TTL };
		if (input.flags & INPUT_HONEST_MACS) {
			memcpy(bytes + 6, stations[bytes[11] % PLAIN_STATIONS].mac, 6);
			if (!(bytes[0] & 1))
				memcpy(bytes, stations[bytes[5] % PLAIN_STATIONS].mac, 6);
		}
		if (input.selector & SELECT_ROUTED && input.flags & INPUT_HONEST)
			make_honest(bytes, start.length, &stations[STATIONS - 1 - bytes[11] % 2]);
		from_vtep(vni, vtep, start.key.tunnel_ttl > TUNNEL_TTL);
		skb = packet_arrives(&start);
		packet_is_there(0);
		packet_leaves(vpc_mux(skb));
	}
	return 0;
}
