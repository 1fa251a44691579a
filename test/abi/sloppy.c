/*
 * What callers of 2018 did: numbers as varints in buffers of two bytes, commands without their in and out bits,
 * sockaddrs of BSD.
 */
#include "vpc.h"
#include <arpa/inet.h>
#include <netinet/in.h>

#define MGMT_COUNT 0x00070001u        /* all three as they were sent: without IN and OUT */
#define FTE_LIST 0x00050004u
#define CONNECTED_GET 0x00050007u
#define MGMT_HEADERS CMD(IN | OUT, MGMT, 2)
#define MUX_LISTEN CMD(IN | SET, VPCMUX, 1)
#define MUX_CONNECT CMD(IN | SET, VPCMUX, 5)
#define LISTEN_GET CMD(OUT, VPCMUX, 8)

/* Go's binary.PutUvarint and Uvarint. */
static size_t put_varint(uint8_t *buffer, uint64_t value) {
	size_t n = 0;
	for (; value >= 0x80; value >>= 7) buffer[n++] = (uint8_t)(value | 0x80);
	buffer[n++] = (uint8_t)value;
	return n;
}

static uint64_t varint(const uint8_t *buffer) {
	uint64_t value = 0;
	for (int shift = 0;; shift += 7, buffer++) {
		value |= (uint64_t)(*buffer & 0x7f) << shift;
		if (*buffer < 0x80) return value;
	}
}

static uint32_t count(int mgmt, int type) {
	uint8_t in[2] = {0}, out[4] = {0};
	size_t length = sizeof out;
	put_varint(in, (uint64_t)type);
	CHECK(vpc_ctl(mgmt, MGMT_COUNT, sizeof in, in, &length, out) == 0 && length == 4);
	return (uint32_t)varint(out);
}

static void mgmt(void) {
	vpc_id_t id = new_id(MGMT, 1), first = new_id(VPCSW, 1), second = new_id(VPCSW, 2);
	int fd = vpc_open(&id, handle_type(MGMT), VPC_CREATE | VPC_READ);
	CHECK(fd >= 0 && count(fd, VPCSW) == 0);
	int a = open_new(VPCSW, 1), b = open_new(VPCSW, 2);
	CHECK(count(fd, VPCSW) == 2 && count(fd, VMNIC) == 0 && count(fd, 10) == 2);
	uint8_t type[2] = {VPCSW, 0}, headers[10 * 24];
	size_t length = sizeof headers;
	CHECK(vpc_ctl(fd, MGMT_HEADERS, 2, type, &length, headers) == 0 && length == 48);
	CHECK(varint(headers) == VPCSW && varint(headers + 4) == 0 && memcmp(headers + 8, &first, 16) == 0);
	CHECK(varint(headers + 24) == VPCSW && varint(headers + 28) == 1 && memcmp(headers + 32, &second, 16) == 0);
	length = 24;
	FAILS(vpc_ctl(fd, MGMT_HEADERS, 2, type, &length, headers), ENOSPC);
	CHECK(length == 24); /* never more than was given: callers slice their buffer by it */
	type[0] = 77;
	FAILS(vpc_ctl(fd, MGMT_HEADERS, 2, type, &length, headers), EINVAL);
	close(a), close(b), close(fd);
}

static void numbers(void) {
	int nic = open_new(VMNIC, 1), port = open_new(VPCP, 1), link = open_new(ETHLINK, 1);
	uint8_t varint2[2] = {0}, out[8] = {0};
	size_t length = put_varint(varint2, 3);
	CHECK(vpc_ctl(nic, NQUEUES_SET, sizeof varint2, varint2, NULL, NULL) == 0);
	CHECK(vpc_ctl(nic, NQUEUES_SET, length, varint2, NULL, NULL) == 0); /* one byte */
	length = 2;
	CHECK(vpc_ctl(nic, NQUEUES_GET, 0, NULL, &length, out) == 0 && varint(out) == 3);
	CHECK(vpc_ctl(port, CMD(IN | SET, VPCP, 6), 2, varint2, NULL, NULL) == 0);
	CHECK(vpc_ctl(link, CMD(IN | SET, ETHLINK, 7), 2, varint2, NULL, NULL) == 0);
	uint32_t vni = htonl(5001), seen = 0;
	CHECK(vpc_ctl(port, CMD(IN | SET, VPCP, 4), 4, &vni, NULL, NULL) == 0);
	length = 4;
	CHECK(vpc_ctl(port, CMD(OUT, VPCP, 3), 0, NULL, &length, &seen) == 0 && seen == vni);
	vni = 5001; /* not swapped: beyond 24 bits */
	FAILS(vpc_ctl(port, CMD(IN | SET, VPCP, 4), 4, &vni, NULL, NULL), EINVAL);
	uint64_t up = 1;
	int sw = open_new(VPCSW, 1);
	CHECK(vpc_ctl(sw, CMD(IN | SET, VPCSW, 6), sizeof up, &up, NULL, NULL) == 0);
	up = 0, length = sizeof up;
	CHECK(vpc_ctl(sw, CMD(OUT, VPCSW, 5), 0, NULL, &length, &up) == 0 && up == 1);
	close(nic), close(port), close(link), close(sw);
}

static void expect_listening(int mux, const char *wanted) {
	char text[100] = "";
	size_t length = sizeof text;
	CHECK(vpc_ctl(mux, LISTEN_GET, 0, NULL, &length, text) == 0 && length == strlen(wanted));
	CHECK(memcmp(text, wanted, length) == 0);
}

static void addresses(void) {
	int mux = open_new(VPCMUX, 1), link = open_new(ETHLINK, 1);
	vpc_id_t link_id = new_id(ETHLINK, 1), seen;
	uint8_t bsd[16] = {16, 2, 4789 >> 8, 4789 & 255, 192, 0, 2, 1};
	uint8_t bsd6[28] = {28, 28, 4789 >> 8, 4789 & 255, 0, 0, 0, 0, 0xfd, 0, [23] = 1};
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(4790)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(4790)};
	size_t length = sizeof seen;
	inet_pton(AF_INET, "192.0.2.1", &in4.sin_addr);
	inet_pton(AF_INET6, "fd00::1", &in6.sin6_addr);
	CHECK(vpc_ctl(link, CMD(IN | SET, ETHLINK, 1), 3, "wan", NULL, NULL) == 0);
	CHECK(vpc_ctl(mux, MUX_CONNECT, 16, &link_id, NULL, NULL) == 0);
	CHECK(vpc_ctl(mux, CONNECTED_GET, 0, NULL, &length, &seen) == 0 && length == 16 && memcmp(&seen, &link_id, 16) == 0);
	length = sizeof seen;
	CHECK(vpc_ctl(mux, FTE_LIST, 0, NULL, &length, &seen) == 0 && length == 4);
	CHECK(vpc_ctl(mux, MUX_LISTEN, sizeof bsd, bsd, NULL, NULL) == 0);
	expect_listening(mux, "192.0.2.1:4789");
	CHECK(vpc_ctl(mux, MUX_LISTEN, sizeof in4, &in4, NULL, NULL) == 0);
	expect_listening(mux, "192.0.2.1:4790");
	CHECK(vpc_ctl(mux, MUX_LISTEN, sizeof bsd6, bsd6, NULL, NULL) == 0);
	expect_listening(mux, "[fd00::1]:4789");
	CHECK(vpc_ctl(mux, MUX_LISTEN, sizeof in6, &in6, NULL, NULL) == 0);
	expect_listening(mux, "[fd00::1]:4790");
	/* The library of 2018 writes the high byte of 4789 twice, and others leave the port out. */
	bsd[2] = bsd[3] = 0x12;
	CHECK(vpc_ctl(mux, MUX_LISTEN, sizeof bsd, bsd, NULL, NULL) == 0);
	expect_listening(mux, "192.0.2.1:4789");
	CHECK(vpc_ctl(mux, MUX_LISTEN, sizeof in4, &in4, NULL, NULL) == 0);
	bsd[2] = bsd[3] = 0;
	CHECK(vpc_ctl(mux, MUX_LISTEN, sizeof bsd, bsd, NULL, NULL) == 0);
	expect_listening(mux, "192.0.2.1:4789");
	in4.sin_port = 0;
	FAILS(vpc_ctl(mux, MUX_LISTEN, sizeof in4, &in4, NULL, NULL), EINVAL);
	bsd[4] = 198;
	FAILS(vpc_ctl(mux, MUX_LISTEN, sizeof bsd, bsd, NULL, NULL), EADDRNOTAVAIL);
	FAILS(vpc_ctl(mux, MUX_LISTEN, 8, bsd, NULL, NULL), EINVAL);
	char name[16] = "";
	length = sizeof name;
	CHECK(vpc_ctl(link, CMD(OUT, ETHLINK, 5), 0, NULL, &length, name) == 0 && length >= 3 && strcmp(name, "wan") == 0);
	close(mux), close(link);
}

int main(void) {
	mgmt();
	numbers();
	addresses();
	puts("done");
	return 0;
}
