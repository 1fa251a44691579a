/* vpc_ctl(2): values in and out by pointer, rights in the command and in the descriptor, lengths. */
#include "vpc.h"

int main(void) {
	int fd = open_new(VMNIC, 1);
	vpc_id_t id = new_id(VMNIC, 1), seen;
	uint8_t mac[6];
	uint16_t queues = 4;
	uint32_t mtu = 1400, type = 0;
	size_t length = sizeof seen;

	CHECK(vpc_ctl(fd, ID_GET, 0, NULL, &length, &seen) == 0 && length == 16 && memcmp(&id, &seen, 16) == 0);
	length = sizeof mac;
	CHECK(vpc_ctl(fd, MAC_GET, 0, NULL, &length, mac) == 0 && length == 6 && memcmp(mac, id.b + 10, 6) == 0);
	length = 64;
	char large[64];
	memset(large, 0x55, sizeof large);
	CHECK(vpc_ctl(fd, TYPE_GET, 0, NULL, &length, large) == 0 && length >= 2 && length <= 8 && large[0] == VMNIC);
	CHECK(large[length] == 0x55); /* bytes after the output stay as they are */
	length = sizeof type;
	CHECK(vpc_ctl(fd, TYPE_GET, 0, NULL, &length, &type) == 0 && type == VMNIC);

	CHECK(vpc_ctl(fd, NQUEUES_SET, sizeof queues, &queues, NULL, NULL) == 0);
	queues = 0, length = sizeof queues;
	CHECK(vpc_ctl(fd, NQUEUES_GET, 0, NULL, &length, &queues) == 0 && length == 2 && queues == 4);
	CHECK(vpc_ctl(fd, MTU_SET, sizeof mtu, &mtu, NULL, NULL) == 0);
	mtu = 0, length = sizeof mtu;
	CHECK(vpc_ctl(fd, MTU_GET, 0, NULL, &length, &mtu) == 0 && mtu == 1400);

	/* A buffer of one byte gets one byte of a type. */
	memset(large, 0x55, sizeof large), length = 1;
	CHECK(vpc_ctl(fd, TYPE_GET, 0, NULL, &length, large) == 0 && length == 1 && large[0] == VMNIC && large[1] == 0x55);

	/* A short buffer: ENOSPC, the length stays, and no byte is written. An empty buffer asks for the length. */
	length = 5, memset(large, 0x55, sizeof large);
	FAILS(vpc_ctl(fd, MAC_GET, 0, NULL, &length, large), ENOSPC);
	CHECK(length == 5 && large[0] == 0x55);
	length = 0;
	FAILS(vpc_ctl(fd, MAC_GET, 0, NULL, &length, large), ENOSPC);
	CHECK(length == 6 && large[0] == 0x55);

	/* Lengths are strict, and bounded. */
	FAILS(vpc_ctl(fd, NQUEUES_SET, 3, large, NULL, NULL), EINVAL);
	FAILS(vpc_ctl(fd, NQUEUES_SET, 0, NULL, NULL, NULL), EINVAL);
	FAILS(vpc_ctl(fd, COMMIT, 2, &queues, NULL, NULL), EINVAL);
	FAILS(vpc_ctl(fd, MAC_SET, 1ul << 25, large, NULL, NULL), EINVAL);
	FAILS(vpc_ctl(fd, MAC_SET, ~0ul, large, NULL, NULL), EINVAL);
	FAILS(vpc_ctl(fd, CMD(OUT, VPCSW, 4), 0, NULL, &length, large), EOPNOTSUPP);
	FAILS(vpc_ctl(fd, CMD(OUT, META, 99), 0, NULL, &length, large), EOPNOTSUPP);
	FAILS(vpc_ctl(fd, NQUEUES_SET & ~0x20000000u, 2, &queues, NULL, NULL), EINVAL);

	/* A descriptor of something else, and no descriptor at all. */
	FAILS(vpc_ctl(0, MAC_GET, 0, NULL, &length, large), ENOTTY);
	FAILS(vpc_ctl(999, MAC_GET, 0, NULL, &length, large), EBADF);
	FAILS(vpc_ctl(-1, MAC_GET, 0, NULL, &length, large), EBADF);

	/* READ alone does not mutate; a descriptor without rights only identifies itself. */
	int reader = vpc_open(&id, handle_type(VMNIC), VPC_OPEN | VPC_READ), none = vpc_open(&id, handle_type(VMNIC), VPC_OPEN);
	CHECK(reader >= 0 && none >= 0);
	length = sizeof queues;
	CHECK(vpc_ctl(reader, NQUEUES_GET, 0, NULL, &length, &queues) == 0);
	FAILS(vpc_ctl(reader, NQUEUES_SET, sizeof queues, &queues, NULL, NULL), EPERM);
	FAILS(vpc_ctl(reader, DESTROY, 0, NULL, NULL, NULL), EPERM);
	FAILS(vpc_ctl(none, NQUEUES_GET, 0, NULL, &length, &queues), EPERM);

	/* Destroyed: it is out of service at once, also for others who hold it. */
	CHECK(vpc_ctl(fd, DESTROY, 0, NULL, NULL, NULL) == 0);
	length = sizeof queues;
	FAILS(vpc_ctl(reader, NQUEUES_GET, 0, NULL, &length, &queues), ESTALE);
	length = sizeof seen;
	CHECK(vpc_ctl(reader, ID_GET, 0, NULL, &length, &seen) == 0);
	FAILS(vpc_open(&id, handle_type(VMNIC), VPC_OPEN | VPC_READ), ENOENT);
	puts("done");
	return 0;
}
