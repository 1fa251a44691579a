/* Who is there when a program is fuzzed, for its tables and for the oracle; see scene.h and routed-scene.h. */
#include "oracle.h"
#include <string.h>

#define IN_VPC(of, owner, net, last, ...)                                                               \
	{                                                                                               \
		.segment = of, .vpc = owner, .mac = { 2, 0, 0, 0, net, last },                         \
		.v4 = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, net, last },                   \
		.v6 = { 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, net, 0, last }, __VA_ARGS__           \
	}
#define UNIT(number) .ifindex = 10 + number, .stats = number
#define STATION(of, net, last, ...) IN_VPC(of, of + 1, net, last, __VA_ARGS__)
#define GUEST(of, net, last, owner, ...) IN_VPC(of, owner, net, last, .checked = true, .listed = true, __VA_ARGS__)

const struct station stations[STATIONS] = {
	STATION(RED, 0, 1, UNIT(1), .checked = true, .listed = true),
	STATION(RED, 0, 2, UNIT(2), .checked = true),
	STATION(RED, 0, 3, UNIT(3)),
	STATION(RED, 0, 4, UNIT(4), .vlan = 7, .checked = true, .listed = true),
	STATION(BLUE, 0, 5, UNIT(5), .checked = true),
	STATION(RED, 0, 9, .checked = true, .vtep = IPV4(192, 0, 2, 2)),
	STATION(RED, 0, 10, .checked = true, .vtep = IPV4(192, 0, 2, 3)),
	GUEST(GREEN, 3, 1, VPC_A, UNIT(11), .in = WEB_IN, .nat = NAT_SHARED),
	IN_VPC(GREEN, VPC_A, 3, 2, UNIT(12), .listed = true, .nat = NAT_OWN, .public_last = 2),
	GUEST(GREEN, 3, 3, VPC_A, UNIT(13), .nat = NAT_SHARED),
	GUEST(YELLOW, 4, 1, VPC_A, UNIT(14), .in = NOTHING_IN, .out = FEW_OUT, .nat = NAT_ELSEWHERE, .public_last = 9),
	GUEST(YELLOW, 4, 2, VPC_A, UNIT(15), .in = WEB_IN, .out = FEW_OUT, .stateless = true, .nat = NAT_OWN, .public_last = 4),
	GUEST(PINK, 5, 1, VPC_P, UNIT(16)),
	GUEST(YELLOW, 4, 9, VPC_A, .vtep = IPV4(192, 0, 2, 2), .nat = NAT_OWN, .public_last = 3),
	GUEST(PINK, 5, 9, VPC_P, .vtep = IPV4(192, 0, 2, 3)),
};

const uint8_t gateway[6] = { 0x02, 0x76, 0x70, 0x63, 0x00, 0x01 };

bool is_routed(uint32_t of) { return (of >= GREEN && of <= PINK) || of == OUTSIDE; }

void public_address(uint8_t last, bool v4, uint8_t *address)
{
	const uint8_t four[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100, last };
	const uint8_t six[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last };

	memcpy(address, v4 ? four : six, 16);
}

static const struct station *routed_station(uint32_t number) { return &stations[PLAIN_STATIONS + number % (STATIONS - PLAIN_STATIONS)]; }

/* Addresses of interest to a packet of a routed subnet. */
static void pick_address(uint32_t number, bool v4, uint8_t *address)
{
	static const uint8_t others[][4] = { { 10, 0, 66, 1 }, { 10, 0, 77, 1 }, { 10, 0, 3, 254 }, { 192, 0, 2, 3 }, { 203, 0, 113, 7 }, { 10, 0, 4, 77 } };
	const struct station *station = routed_station(number / 3);

	memset(address, 0, 16);
	if (number % 3 == 0) {
		memcpy(address, v4 ? station->v4 : station->v6, 16);
	} else if (number % 3 == 1) {
		public_address((uint8_t)(number / 3 % 10), v4, address);
	} else {
		const uint8_t *other = others[number / 3 % 6];

		memcpy(address + 12, other, 4);
		address[10] = address[11] = v4 ? 0xff : 0;
		address[0] = v4 ? 0 : other[0] == 10 ? 0xfd : 0x20;
		if (!v4 && other[0] == 10)
			memcpy(address + 12, (uint8_t[]){ 0, other[2], 0, other[3] }, 4);
	}
}

static void fix_header(uint8_t *ip, uint32_t length)
{
	uint32_t header = (ip[0] & 15) * 4u, sum;

	if (header < 20 || header > length)
		return;
	ip[10] = ip[11] = 0;
	sum = 0xffff - sum_of(ip, header);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

void make_honest(uint8_t *bytes, uint32_t length, const struct station *from)
{
	uint8_t *ip = bytes + 14, address[16];
	bool v4 = bytes[12] == 8 && bytes[13] == 0, v6 = bytes[12] == 0x86 && bytes[13] == 0xdd;

	memcpy(bytes + 6, from->mac, 6);
	if (!(bytes[0] & 1))
		memcpy(bytes, bytes[5] & 1 ? gateway : routed_station(bytes[5] >> 1)->mac, 6);
	if (v4 && length >= 34) {
		pick_address(ip[19], true, address);
		memcpy(ip + 12, from->v4 + 12, 4);
		memcpy(ip + 16, address + 12, 4);
		fix_header(ip, length - 14);
	} else if (v6 && length >= 54) {
		pick_address(ip[39], false, address);
		memcpy(ip + 8, from->v6, 16);
		memcpy(ip + 24, address, 16);
	}
}

void make_outside(uint8_t *bytes, uint32_t length)
{
	uint8_t *ip = bytes + 14, address[16];
	bool v4 = bytes[12] == 8 && bytes[13] == 0, v6 = bytes[12] == 0x86 && bytes[13] == 0xdd;

	if (v4 && length >= 34) {
		pick_address(ip[15], true, address);
		memcpy(ip + 12, address + 12, 4);
		public_address(ip[19] % 10, true, address);
		memcpy(ip + 16, address + 12, 4);
		fix_header(ip, length - 14);
	} else if (v6 && length >= 54) {
		pick_address(ip[23], false, address);
		memcpy(ip + 8, address, 16);
		public_address(ip[39] % 10, false, ip + 24);
	}
}
