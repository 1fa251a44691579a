/*
 * Given a switch: listens, says so, and answers the first ARP question for 10.0.0.2 with the MAC that is its argument,
 * all by the same descriptor. The question is JSON; a program that wants no parser finds the packet in it, but this one
 * knows what will be asked.
 */
#include "vpc.h"
#include <poll.h>

#define LISTEN CMD(OUT, VPCSW, 0x107)
#define NEIGHBOUR_SET CMD(IN | SET, VPCSW, 0x102)

struct neighbour {
	uint32_t vni;
	uint8_t mac[6], pad[2], address[16];
};

int main(int argc, char **argv) {
	CHECK(argc == 3 && getenv("VPC_FDS"));
	int fd = atoi(getenv("VPC_FDS"));
	struct neighbour entry = {.vni = (uint32_t)atoi(argv[2]), .address = {[10] = 0xff, 0xff, 10, 0, 0, 2}};
	CHECK(sscanf(argv[1], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", entry.mac, entry.mac + 1, entry.mac + 2, entry.mac + 3, entry.mac + 4, entry.mac + 5) == 6);
	CHECK(vpc_ctl(fd, LISTEN, 0, NULL, NULL, NULL) == 0);
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	CHECK(poll(&ready, 1, 0) == 0);
	puts("listening"), fflush(stdout);
	for (;;) {
		uint32_t head[4];
		char text[4096] = "";
		CHECK(poll(&ready, 1, 10000) == 1 && read(fd, head, 16) == 16);
		CHECK(head[1] == 0 && head[2] == (4 | 1 << 16) && head[3] == 0 && head[0] < sizeof text);
		for (uint32_t got = 0; got < head[0];) {
			ssize_t n = read(fd, text + got, head[0] - got);
			CHECK(n > 0);
			got += (uint32_t)n;
		}
		if (strstr(text, "\"target\":\"10.0.0.2\"")) break;
	}
	CHECK(vpc_ctl(fd, NEIGHBOUR_SET, sizeof entry, &entry, NULL, NULL) == 0);
	puts("answered");
	return 0;
}
