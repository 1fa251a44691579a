/*
 * Random commands, lengths, pointers, descriptors and flags. The seed is the argument. The program must live, and so
 * must vpcd.
 */
#include "vpc.h"
#include <sys/mman.h>

static uint64_t state;
static uint64_t next(void) {
	state ^= state << 13, state ^= state >> 7, state ^= state << 17;
	return state;
}
static uint64_t below(uint64_t n) { return next() % n; }

enum { ROOM = 4096 };
static uint8_t room[ROOM], guard[ROOM];
static int fds[8];

static void *pointer(void) {
	switch (below(8)) {
	case 0: return NULL;
	case 1: return (void *)next();
	case 2: return (void *)(next() >> 17);
	case 3: return (void *)~below(64);
	default: return room + below(ROOM);
	}
}

static size_t length(void) {
	switch (below(8)) {
	case 0: return next();
	case 1: return below(1 << 25);
	case 2: return below(64);
	case 3: return 0;
	default: return (size_t[]){1, 2, 4, 6, 8, 12, 16, 24, 28, 32}[below(10)];
	}
}

static uint32_t command(void) {
	if (below(6) == 0) return (uint32_t)next();
	uint32_t type = (uint32_t[]){VPCSW, VPCP, VPCMUX, VMNIC, MGMT, ETHLINK, META, META, HOSTIF}[below(9)];
	uint32_t op = (uint32_t)(below(4) == 0 ? 0x100 + below(16) : below(12));
	return CMD((uint32_t)below(16) << 28, type, op);
}

int main(int argc, char **argv) {
	int rounds = argc > 2 ? atoi(argv[2]) : 3000;
	state = argc > 1 ? strtoull(argv[1], NULL, 0) | 1 : 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	static const int types[] = {VPCSW, VPCP, VPCMUX, VMNIC, ETHLINK, HOSTIF, MGMT, VPCSW};
	memset(fds, 0xff, sizeof fds);
	for (int i = 0; i < rounds; i++) {
		int slot = (int)below(8);
		if (fds[slot] < 0 || below(40) == 0) {
			vpc_id_t id = new_id(types[slot], slot);
			if (fds[slot] >= 0) close(fds[slot]);
			fds[slot] = vpc_open(&id, handle_type(types[slot]), VPC_CREATE | VPC_RW);
		}
		if (below(10) == 0) {
			int fd = vpc_open(pointer(), below(2) ? handle_type((int)below(16)) : next(), below(2) ? below(16) : next());
			if (fd >= 0) close(fd);
			continue;
		}
		for (int k = 0; k < 32; k++) room[below(ROOM)] = (uint8_t)next();
		size_t outlen = length();
		int fd = below(12) == 0 ? (int)next() : fds[slot];
		/* A capacity that is a lie is the caller's own harm: give at most what there is. */
		if (outlen > ROOM) outlen = below(ROOM);
		uint8_t *out = below(4) == 0 ? pointer() : room;
		if (out >= room && out < room + ROOM && outlen > (size_t)(room + ROOM - out)) outlen = (size_t)(room + ROOM - out);
		vpc_ctl(fd, command(), length(), pointer(), below(8) == 0 ? pointer() : &outlen, out);
	}
	for (int i = 0; i < ROOM; i++) CHECK(guard[i] == 0);
	puts("done");
	return 0;
}
