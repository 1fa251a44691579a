/*
 * Started with one vmnic, by number: it may get and set the number of queues, and nothing more. Arguments: its rights,
 * as a word.
 */
#include "vpc.h"

#define LIMIT CMD(IN, META, 0x101)
#define RIGHTS_GET CMD(OUT, META, 0x102)

struct rights {
	uint32_t flags, count, operations[4];
};

static void expect_rights(int fd, size_t wanted, uint32_t flags, uint32_t count) {
	struct rights seen = {0};
	size_t length = sizeof seen;
	CHECK(vpc_ctl(fd, RIGHTS_GET, 0, NULL, &length, &seen) == 0 && length == wanted && seen.flags == flags && seen.count == count);
}

int main(void) {
	const char *fds = getenv("VPC_FDS");
	CHECK(fds);
	int fd = atoi(fds);
	uint16_t queues = 3;
	uint32_t mtu = 1400;
	size_t length = sizeof queues;
	vpc_id_t id, other = new_id(VMNIC, 7);
	CHECK(getuid() == 65534 && geteuid() == 65534);

	/* It can open nothing else, not even its own object. */
	size_t id_length = sizeof id;
	CHECK(vpc_ctl(fd, ID_GET, 0, NULL, &id_length, &id) == 0);
	FAILS(vpc_open(&id, handle_type(VMNIC), VPC_OPEN | VPC_READ), EPERM);
	FAILS(vpc_open(&other, handle_type(VMNIC), VPC_CREATE | VPC_RW), EPERM);

	expect_rights(fd, 8, VPC_RW, 0xffffffff);
	CHECK(vpc_ctl(fd, NQUEUES_SET, sizeof queues, &queues, NULL, NULL) == 0);
	CHECK(vpc_ctl(fd, MTU_SET, sizeof mtu, &mtu, NULL, NULL) == 0);

	/* Bad limits change nothing. */
	struct rights limit = {VPC_RW, 2, {NQUEUES_GET & 0xffffff, NQUEUES_SET & 0xffffff}};
	FAILS(vpc_ctl(fd, LIMIT, 8, &limit, NULL, NULL), EINVAL);
	FAILS(vpc_ctl(fd, LIMIT, 4, &limit, NULL, NULL), EINVAL);
	FAILS(vpc_ctl(fd, LIMIT, 0, NULL, NULL, NULL), EINVAL);
	limit.operations[1] = 0x00060077;
	FAILS(vpc_ctl(fd, LIMIT, 16, &limit, NULL, NULL), EINVAL);
	limit.flags = 1, limit.operations[1] = NQUEUES_SET & 0xffffff;
	FAILS(vpc_ctl(fd, LIMIT, 16, &limit, NULL, NULL), EINVAL);
	expect_rights(fd, 8, VPC_RW, 0xffffffff);

	int copy = dup(fd);
	limit.flags = VPC_RW;
	CHECK(vpc_ctl(fd, LIMIT, 16, &limit, NULL, NULL) == 0);
	/* For all who hold it. */
	expect_rights(copy, 16, VPC_RW, 2);
	FAILS(vpc_ctl(copy, MTU_SET, sizeof mtu, &mtu, NULL, NULL), EPERM);
	FAILS(vpc_ctl(fd, DESTROY, 0, NULL, NULL, NULL), EPERM);
	queues = 5;
	CHECK(vpc_ctl(fd, NQUEUES_SET, sizeof queues, &queues, NULL, NULL) == 0);

	/* For good: no call brings a removed right back. */
	limit = (struct rights){VPC_RW, 3, {NQUEUES_GET & 0xffffff, MTU_SET & 0xffffff, DESTROY & 0xffffff}};
	CHECK(vpc_ctl(fd, LIMIT, 20, &limit, NULL, NULL) == 0);
	expect_rights(fd, 12, VPC_RW, 1);
	limit = (struct rights){VPC_RW, 0xffffffff, {0}};
	CHECK(vpc_ctl(fd, LIMIT, 8, &limit, NULL, NULL) == 0);
	FAILS(vpc_ctl(fd, NQUEUES_SET, sizeof queues, &queues, NULL, NULL), EPERM);
	length = sizeof queues;
	CHECK(vpc_ctl(fd, NQUEUES_GET, 0, NULL, &length, &queues) == 0 && queues == 5);
	limit = (struct rights){0, 0xffffffff, {0}};
	CHECK(vpc_ctl(fd, LIMIT, 8, &limit, NULL, NULL) == 0);
	FAILS(vpc_ctl(fd, NQUEUES_GET, 0, NULL, &length, &queues), EPERM);
	CHECK(vpc_ctl(fd, ID_GET, 0, NULL, &id_length, &id) == 0);
	expect_rights(fd, 12, 0, 1);
	puts("done");
	return 0;
}
