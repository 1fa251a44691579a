/*
 * Owns one vmnic's queue count and nothing more. It is started without privileges, with one descriptor:
 *
 *     cc -o set-queues set-queues.c
 *     vpc exec --user=nobody --no-open --open=vmnic:ID:rw -- ./set-queues 4
 *
 * The first thing that it does is to give away what it does not need. From then on nobody who has this descriptor, this
 * program included, can do more by it than count the queues and set their number.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VPC_CTL 581
#define READ_AND_WRITE (4 | 8)
#define META_LIMIT 0x80090101u
#define META_DESTROY 0x30090001u
#define QUEUES_GET 0x40060001u
#define QUEUES_SET 0xb0060002u
#define TYPE_AND_NUMBER 0x00ffffffu

static long vpc_ctl(int fd, uint32_t command, size_t inlen, const void *in, size_t *outlen, void *out) {
	return syscall(VPC_CTL, fd, command, inlen, in, outlen, out);
}

static int failed(const char *what) {
	perror(what);
	return 1;
}

int main(int argc, char **argv) {
	const char *fds = getenv("VPC_FDS");
	if (argc != 2 || fds == NULL) {
		fprintf(stderr, "usage: vpc exec --open=vmnic:ID:rw -- %s QUEUES\n", argv[0]);
		return 2;
	}
	int vmnic = atoi(fds);
	uint16_t queues = (uint16_t)atoi(argv[1]);

	const struct {
		uint32_t rights, count, operations[2];
	} limit = {READ_AND_WRITE, 2, {QUEUES_GET & TYPE_AND_NUMBER, QUEUES_SET & TYPE_AND_NUMBER}};
	if (vpc_ctl(vmnic, META_LIMIT, sizeof limit, &limit, NULL, NULL) < 0) return failed("limit");

	if (vpc_ctl(vmnic, QUEUES_SET, sizeof queues, &queues, NULL, NULL) < 0) return failed("set the number of queues");
	size_t length = sizeof queues;
	if (vpc_ctl(vmnic, QUEUES_GET, 0, NULL, &length, &queues) < 0) return failed("count the queues");
	printf("user %d: the vmnic has %d queues\n", (int)getuid(), queues);

	if (vpc_ctl(vmnic, META_DESTROY, 0, NULL, NULL, NULL) < 0) perror("destroy the vmnic");
	return 0;
}
