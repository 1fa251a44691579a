/*
 * Calls per second by system call: arguments are the rounds of vpc_ctl, of vpc_open with close, and of vpc_open that
 * creates, with close.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const uint64_t type = 1ull << 60 | 1ull << 48;
static uint8_t id[16] = {0xbe, [9] = 1, [10] = 2};

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int open_switch(long flags) {
	long fd = syscall(580, id, type, flags);
	if (fd >= 0) return (int)fd;
	perror("vpc_open");
	exit(1);
}

int main(int argc, char **argv) {
	if (argc != 4) return 2;
	int held = open_switch(13), rounds = atoi(argv[1]);
	double start = now();
	for (int i = 0; i < rounds; i++) {
		uint8_t mac[6];
		size_t length = sizeof mac;
		if (syscall(581, held, 0x40090005u, 0ul, NULL, &length, mac) < 0) return perror("vpc_ctl"), 1;
	}
	double ctl = rounds / (now() - start);
	rounds = atoi(argv[2]), start = now();
	for (int i = 0; i < rounds; i++) close(open_switch(6));
	double open = rounds / (now() - start);
	id[15] = 1, rounds = atoi(argv[3]), start = now();
	for (int i = 0; i < rounds; i++) close(open_switch(13));
	printf("{\"ctl\": %.0f, \"open\": %.0f, \"create\": %.0f}\n", ctl, open, rounds / (now() - start));
	return 0;
}
