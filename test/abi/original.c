/*
 * The bytes of a program of 2018, beyond what sloppy.c sends: devices that are there when vpc_open returns and gone
 * when the last descriptor is closed, connections that may be repeated, forwarding entries of 28 bytes. With the
 * argument `example`: two guests on VNI 0, which stay.
 */
#include "vpc.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#define MUX_ENTRY_SET 0xb0050002u
#define MUX_ENTRY_DELETE 0xb0050003u
#define MUX_ENTRY_LIST 0x40050004u
#define MUX_ENTRY_LIST_OF_THE_LIBRARY 0x80050004u

/* The MAC of a device of the host; zeros when there is none. The program runs in the host's network namespace. */
static void mac_of(const char *device, uint8_t mac[6]) {
	char path[64], text[32] = "";
	memset(mac, 0, 6);
	snprintf(path, sizeof path, "/sys/class/net/%s/address", device);
	int fd = open(path, O_RDONLY);
	if (fd < 0) return;
	CHECK(read(fd, text, sizeof text - 1) > 0 && close(fd) == 0);
	CHECK(sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) == 6);
}

static void devices(void) {
	static const struct { int type; const char *device; } kinds[] = {
		{VPCSW, "vpcsw0"}, {ETHLINK, "ethlink0"}, {VMNIC, "vmnic0"}, {HOSTIF, "hostif0"}};
	uint8_t mac[6];
	vpc_id_t absent = new_id(VPCP, 99);
	for (int round = 0; round < 3; round++)
		for (unsigned i = 0; i < 4; i++) {
			vpc_id_t id = new_id(kinds[i].type, 1);
			CHECK(if_nametoindex(kinds[i].device) == 0);
			int fd = open_new(kinds[i].type, 1), copy = dup(fd);
			CHECK(if_nametoindex(kinds[i].device) != 0);
			mac_of(kinds[i].device, mac);
			CHECK(memcmp(mac, id.b + 10, 6) == 0);
			CHECK(close(fd) == 0);
			FAILS(vpc_open(&absent, handle_type(VPCP), VPC_OPEN | VPC_READ), ENOENT);
			CHECK(if_nametoindex(kinds[i].device) != 0); /* the copy holds it */
			CHECK(close(copy) == 0);
			/* By the next request of any kind, the device is gone. */
			FAILS(vpc_open(&absent, handle_type(VPCP), VPC_OPEN | VPC_READ), ENOENT);
			CHECK(if_nametoindex(kinds[i].device) == 0);
		}
}

static void repeated(void) {
	int link = open_new(ETHLINK, 1), mux = open_new(VPCMUX, 1), port = open_new(VPCP, 1), nic = open_new(VMNIC, 1);
	vpc_id_t link_id = new_id(ETHLINK, 1), nic_id = new_id(VMNIC, 1), other_id = new_id(ETHLINK, 2);
	uint8_t mac[6], wan[6];
	size_t length;
	char name[32];
	CHECK(vpc_ctl(link, CMD(SET, ETHLINK, 4), 0, NULL, NULL, NULL) == 0);
	CHECK(vpc_ctl(link, CMD(IN | SET, ETHLINK, 1), 16, "wan\0\0\0\0\0\0\0\0\0\0\0\0", NULL, NULL) == 0);
	CHECK(vpc_ctl(link, CMD(IN | SET, ETHLINK, 1), 3, "wan", NULL, NULL) == 0);
	memset(name, 0x55, sizeof name), length = sizeof name;
	CHECK(vpc_ctl(link, CMD(OUT, ETHLINK, 5), 0, NULL, &length, name) == 0 && length == 16);
	CHECK(memcmp(name, "wan\0\0\0\0\0\0\0\0\0\0\0\0", 16) == 0 && name[16] == 0x55);
	/* It has the MAC of its interface, and so has its device. */
	mac_of("wan", wan), length = sizeof mac;
	CHECK(vpc_ctl(link, MAC_GET, 0, NULL, &length, mac) == 0 && memcmp(mac, wan, 6) == 0);
	mac_of("ethlink0", mac);
	CHECK(memcmp(mac, wan, 6) == 0);
	/* Another interface in its place. */
	CHECK(vpc_ctl(link, CMD(IN | SET, ETHLINK, 1), 7, "wan-far", NULL, NULL) == 0);
	CHECK(vpc_ctl(link, CMD(IN | SET, ETHLINK, 1), 3, "wan", NULL, NULL) == 0);

	CHECK(vpc_ctl(mux, CMD(SET, VPCMUX, 6), 0, NULL, NULL, NULL) == 0);
	CHECK(vpc_ctl(mux, CMD(IN | SET, VPCMUX, 5), 16, &link_id, NULL, NULL) == 0);
	CHECK(vpc_ctl(mux, CMD(IN | SET, VPCMUX, 5), 16, &link_id, NULL, NULL) == 0);
	int other = open_new(ETHLINK, 2);
	CHECK(vpc_ctl(mux, CMD(IN | SET, VPCMUX, 5), 16, &other_id, NULL, NULL) == 0);
	CHECK(vpc_ctl(mux, CMD(IN | SET, VPCMUX, 5), 16, &link_id, NULL, NULL) == 0);

	CHECK(vpc_ctl(port, 0x30020002u, 0, NULL, NULL, NULL) == 0);
	CHECK(vpc_ctl(port, CMD(IN | SET, VPCP, 1), 16, &nic_id, NULL, NULL) == 0);
	CHECK(vpc_ctl(port, 0x30020002u, 0, NULL, NULL, NULL) == 0);
	CHECK(vpc_ctl(port, CMD(IN | SET, VPCP, 1), 16, &nic_id, NULL, NULL) == 0);
	CHECK(vpc_ctl(port, CMD(IN | SET, VPCP, 2), 16, &nic_id, NULL, NULL) == 0);
	CHECK(vpc_ctl(port, CMD(IN | SET, VPCP, 2), 16, &nic_id, NULL, NULL) == 0);
	close(link), close(mux), close(port), close(nic), close(other);
}

static void entries(void) {
	int mux = open_new(VPCMUX, 1);
	/* VNI 5001 as its tool sends it, no tag, a MAC, 192.0.2.7 at the mux's own port. */
	uint8_t entry[28] = {0, 0x13, 0x89, 0, 0, 0, 2, 0, 0, 0, 0, 7, 16, 2, 0, 0, 192, 0, 2, 7};
	uint8_t list[4 + 2 * 28];
	size_t length = 4;
	uint32_t count = 9;
	CHECK(vpc_ctl(mux, MUX_ENTRY_LIST, 0, NULL, &length, &count) == 0 && length == 4 && count == 0);
	CHECK(vpc_ctl(mux, MUX_ENTRY_SET, sizeof entry, entry, NULL, NULL) == 0);
	CHECK(vpc_ctl(mux, MUX_ENTRY_SET, sizeof entry, entry, NULL, NULL) == 0);
	length = 4;
	CHECK(vpc_ctl(mux, MUX_ENTRY_LIST, 0, NULL, &length, &count) == 0 && length == 4 && count == 1);
	length = sizeof list;
	CHECK(vpc_ctl(mux, MUX_ENTRY_LIST_OF_THE_LIBRARY, 0, NULL, &length, list) == 0 && length == 4 + 28);
	CHECK(list[0] == 1 && list[1] == 0 && memcmp(list + 4, entry, sizeof entry) == 0);
	length = 20;
	FAILS(vpc_ctl(mux, MUX_ENTRY_LIST, 0, NULL, &length, list), ENOSPC);
	CHECK(length == 20);
	FAILS(vpc_ctl(mux, MUX_ENTRY_SET, 32, list, NULL, NULL), EINVAL);
	entry[4] = 7; /* a VLAN tag, which a mux does not support */
	FAILS(vpc_ctl(mux, MUX_ENTRY_SET, sizeof entry, entry, NULL, NULL), EINVAL);
	entry[4] = 0;
	CHECK(vpc_ctl(mux, MUX_ENTRY_DELETE, sizeof entry, entry, NULL, NULL) == 0);
	FAILS(vpc_ctl(mux, MUX_ENTRY_DELETE, sizeof entry, entry, NULL, NULL), ENOENT);
	close(mux);
}

/* What comes in on a device, until it begins with these bytes. */
static void expect_frame(int packets, const uint8_t *frame, size_t length) {
	uint8_t seen[2048];
	struct pollfd ready = {.fd = packets, .events = POLLIN};
	do CHECK(poll(&ready, 1, 5000) == 1);
	while (recv(packets, seen, sizeof seen, 0) < (ssize_t)length || memcmp(seen, frame, length) != 0);
}

static void answers(void) {
	int sw = open_new(VPCSW, 1), guest = open_new(HOSTIF, 1);
	vpc_id_t port_id = new_id(VPCP, 1), guest_id = new_id(HOSTIF, 1);
	uint32_t vni = htonl(5001);
	CHECK(vpc_ctl(sw, CMD(IN | SET, VPCSW, 0x101), 4, &vni, NULL, NULL) == 0);
	CHECK(vpc_ctl(sw, CMD(IN | SET, VPCSW, 1), 16, &port_id, NULL, NULL) == 0);
	int port = vpc_open(&port_id, handle_type(VPCP), VPC_OPEN | VPC_RW);
	CHECK(port >= 0 && vpc_ctl(port, CMD(IN | SET, VPCP, 1), 16, &guest_id, NULL, NULL) == 0);
	/*
	 * Version 0x42, kind 1, VNI 5001, no tag, the guest's MAC; 10.0.0.9 is at 02:00:00:00:00:09. Then the same of fd00::9.
	 */
	uint8_t arp[30] = {0x42, 0, 0, 0, 1, 0, 0, 0, 0x89, 0x13, [20] = 10, 0, 0, 9, 2, 0, 0, 0, 0, 9};
	uint8_t nd[42] = {0x42, 0, 0, 0, 2, 0, 0, 0, 0x89, 0x13, [20] = 0xfd, [35] = 9, 2, 0, 0, 0, 0, 9};
	memcpy(arp + 14, guest_id.b + 10, 6), memcpy(nd + 14, guest_id.b + 10, 6);
	CHECK(vpc_ctl(sw, 0xb0010008u, sizeof arp, arp, NULL, NULL) == 0);
	CHECK(vpc_ctl(sw, 0xb0010009u, sizeof nd, nd, NULL, NULL) == 0);
	uint8_t list[3 * 28];
	size_t length = sizeof list;
	CHECK(vpc_ctl(sw, CMD(OUT, VPCSW, 0x104), 0, NULL, &length, list) == 0 && length == 2 * 28);
	for (int i = 0; i < 2; i++) CHECK(memcmp(list + 28 * i, "\x89\x13\0\0\2\0\0\0\0\x09", 10) == 0 && list[28 * i + 27] == 9);
	arp[0] = 0x41;
	FAILS(vpc_ctl(sw, 0xb0010008u, sizeof arp, arp, NULL, NULL), EINVAL);
	FAILS(vpc_ctl(sw, 0xb0010009u, sizeof arp, arp, NULL, NULL), EINVAL);
	FAILS(vpc_ctl(sw, 0xb001000au, sizeof arp, arp, NULL, NULL), EOPNOTSUPP);

	/* The later revision: VNI, tag, length, and a frame, which comes out of the guest's interface. */
	struct sockaddr_ll on = {.sll_family = AF_PACKET, .sll_protocol = htons(0x88b5), .sll_ifindex = (int)if_nametoindex("hostif0")};
	int packets = socket(AF_PACKET, SOCK_RAW, htons(0x88b5));
	CHECK(system("ip link set hostif0 up") == 0 && packets >= 0 && bind(packets, (struct sockaddr *)&on, sizeof on) == 0);
	uint8_t answer[8 + 60] = {0x89, 0x13, 0, 0, 0, 0, 60, 0}, *frame = answer + 8;
	memcpy(frame, guest_id.b + 10, 6), memcpy(frame + 6, "\2\0\0\0\0\x09\x88\xb5hello", 13);
	CHECK(vpc_ctl(sw, 0xb0010008u, sizeof answer, answer, NULL, NULL) == 0);
	expect_frame(packets, frame, 60);
	memset(frame, 0xff, 6);
	CHECK(vpc_ctl(sw, 0xb0010008u, sizeof answer, answer, NULL, NULL) == 0);
	expect_frame(packets, frame, 60);
	memcpy(frame, "\2\0\0\0\0\x33", 6);
	FAILS(vpc_ctl(sw, 0xb0010008u, sizeof answer, answer, NULL, NULL), ENOENT);
	close(packets), close(port), close(guest), close(sw);
}

/* The documented example, with hostifs: a switch without a VNI, two interfaces in two ports. */
static void example(void) {
	int sw = open_new(VPCSW, 1);
	CHECK(vpc_ctl(sw, COMMIT, 0, NULL, NULL, NULL) == 0);
	for (int n = 1; n <= 2; n++) {
		vpc_id_t port_id = new_id(VPCP, n), guest_id = new_id(HOSTIF, n);
		int guest = open_new(HOSTIF, n);
		CHECK(vpc_ctl(guest, COMMIT, 0, NULL, NULL, NULL) == 0);
		CHECK(vpc_ctl(sw, CMD(IN | SET, VPCSW, 1), 16, &port_id, NULL, NULL) == 0);
		int port = vpc_open(&port_id, handle_type(VPCP), VPC_OPEN | VPC_RW);
		CHECK(port >= 0 && vpc_ctl(port, CMD(IN | SET, VPCP, 1), 16, &guest_id, NULL, NULL) == 0);
		CHECK(vpc_ctl(port, COMMIT, 0, NULL, NULL, NULL) == 0);
	}
}

int main(int argc, char **argv) {
	if (argc == 2 && strcmp(argv[1], "example") == 0) example();
	else devices(), repeated(), entries(), answers();
	puts("done");
	return 0;
}
