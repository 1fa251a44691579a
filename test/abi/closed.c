/*
 * What was closed is gone when the same program asks next, by the socket protocol as well: frames on the descriptors
 * that vpc_open gave.
 */
#include "vpc.h"

#define MGMT_COUNT CMD(IN | OUT, MGMT, 1)

static void exchange(int fd, const void *request, size_t length, void *reply, size_t room) {
	CHECK(write(fd, request, length) == (ssize_t)length);
	for (size_t got = 0; got < room;) {
		ssize_t n = read(fd, (char *)reply + got, room - got);
		CHECK(n > 0);
		got += (size_t)n;
	}
}

/* How many ports there are, by a CTL frame and its REPLY. */
static uint32_t ports(int mgmt, uint32_t sequence) {
	struct { uint32_t head[4]; uint16_t type; } __attribute__((packed)) request = {{2, sequence, 2 | 1 << 16, MGMT_COUNT}, VPCP};
	struct { uint32_t head[4], count; } reply;
	exchange(mgmt, &request, sizeof request, &reply, sizeof reply);
	CHECK(reply.head[0] == 4 && reply.head[1] == sequence && reply.head[3] == 0);
	return reply.count;
}

int main(void) {
	vpc_id_t id = new_id(MGMT, 1);
	int mgmt = vpc_open(&id, handle_type(MGMT), VPC_CREATE | VPC_READ);
	uint32_t sequence = 0, late = 0;
	CHECK(mgmt >= 0);
	for (int i = 0; i < 3000; i++) {
		int port = open_new(VPCP, 1);
		CHECK(ports(mgmt, ++sequence) == 1);
		CHECK(close(port) == 0);
		late += ports(mgmt, ++sequence);
	}
	if (late) printf("%u of 3000 were still there\n", late);
	else puts("done");
	return 0;
}
