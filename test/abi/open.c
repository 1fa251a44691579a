/* vpc_open(2): every result of the table, and life by references. */
#include "vpc.h"
#include <fcntl.h>
#include <sys/resource.h>

int main(void) {
	vpc_id_t id = new_id(VPCSW, 1), multicast = new_id(VPCSW, 2), other = new_id(VMNIC, 1);
	multicast.b[10] |= 1;
	uint64_t sw = handle_type(VPCSW);
	int before = dup(0);

	FAILS(vpc_open(&id, sw, VPC_OPEN | VPC_RW), ENOENT);
	int fd = vpc_open(&id, sw, VPC_CREATE | VPC_RW);
	CHECK(fd == before + 1); /* the lowest free one, as from open(2) */
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
	FAILS(vpc_open(&id, sw, VPC_CREATE | VPC_RW), EEXIST);
	FAILS(vpc_open(&id, sw, VPC_CREATE | VPC_OPEN | VPC_RW), EINVAL);
	FAILS(vpc_open(&id, sw, 16 | VPC_OPEN), EINVAL);
	FAILS(vpc_open(&id, sw, 1ull << 40 | VPC_OPEN), EINVAL);
	FAILS(vpc_open(&id, sw, VPC_RW), EINVAL);
	FAILS(vpc_open(&multicast, sw, VPC_CREATE | VPC_RW), EINVAL);
	FAILS(vpc_open(&other, sw, VPC_CREATE | VPC_RW), EINVAL);
	FAILS(vpc_open(&id, 2ull << 60 | 1ull << 48, VPC_OPEN | VPC_READ), EOPNOTSUPP);
	FAILS(vpc_open(&id, 0x11ull << 56 | 1ull << 48, VPC_OPEN | VPC_READ), EOPNOTSUPP);
	FAILS(vpc_open(&id, 1ull << 48, VPC_OPEN | VPC_READ), EOPNOTSUPP);
	FAILS(vpc_open(&id, sw | 1, VPC_OPEN | VPC_READ), EINVAL);
	FAILS(vpc_open(&id, 1ull << 60 | 200ull << 48, VPC_OPEN | VPC_READ), EOPNOTSUPP);
	FAILS(vpc_open(&id, handle_type(META), VPC_OPEN | VPC_READ), EOPNOTSUPP);
	FAILS(vpc_open(NULL, sw, VPC_OPEN | VPC_READ), EFAULT);

	/* As clients in C write it: the version in bits 59..56. */
	int in_c = vpc_open(&id, 0x0101000000000000, VPC_OPEN | VPC_READ);
	CHECK(in_c >= 0 && close(in_c) == 0);
	int second = vpc_open(&id, sw, VPC_OPEN | VPC_READ);
	CHECK(second >= 0);
	CHECK(close(fd) == 0);
	int third = vpc_open(&id, sw, VPC_OPEN | VPC_READ);
	CHECK(third >= 0 && close(second) == 0 && close(third) == 0);
	/* The last one is closed: the object is gone at once. */
	FAILS(vpc_open(&id, sw, VPC_OPEN | VPC_READ), ENOENT);
	/* Nor a device; of a port, which has none, many times. */
	vpc_id_t port = new_id(VPCP, 1);
	for (int i = 0; i < 20; i++) {
		CHECK((fd = vpc_open(&id, sw, VPC_CREATE | VPC_RW)) >= 0 && close(fd) == 0);
		FAILS(vpc_open(&other, handle_type(VPCSW), VPC_OPEN), EINVAL);
	}
	for (int i = 0; i < 500; i++) CHECK((fd = vpc_open(&port, handle_type(VPCP), VPC_CREATE | VPC_RW)) >= 0 && close(fd) == 0);
	/* As many descriptors as the program may have: EMFILE, and the object that was made for it is gone again. */
	struct rlimit limit;
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = (rlim_t)before + 1;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	FAILS(vpc_open(&id, sw, VPC_CREATE | VPC_RW), EMFILE);
	FAILS(vpc_open(&id, sw, VPC_OPEN | VPC_RW), ENOENT);
	CHECK(close(before) == 0 && vpc_open(&id, sw, VPC_CREATE | VPC_RW) == before);
	puts("done");
	return 0;
}
