/* Pointers outside of the program's memory: EFAULT, and no other effect. */
#include "vpc.h"
#include <sys/mman.h>

int main(void) {
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(two != MAP_FAILED && munmap(two + page, page) == 0);
	uint8_t *edge = two + page;
	void *bad[] = {NULL, (void *)1, (void *)8, (void *)0xffffffff81000000, (void *)0xffffffffffffffff, (void *)0x7ffffffff000,
	               (void *)0x8000000000000000, (void *)0x10000000000000, edge, edge - 1};
	vpc_id_t id = new_id(VMNIC, 1);
	int fd = open_new(VMNIC, 1);
	uint8_t mac[6] = {2, 0, 0, 0, 0, 9}, out[64];
	size_t length;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		FAILS(vpc_open(bad[i], handle_type(VMNIC), VPC_OPEN | VPC_READ), EFAULT);
		FAILS(vpc_ctl(fd, MAC_SET, sizeof mac, bad[i], NULL, NULL), EFAULT);
		length = sizeof out;
		FAILS(vpc_ctl(fd, MAC_GET, 0, NULL, &length, bad[i]), EFAULT);
		FAILS(vpc_ctl(fd, MAC_GET, 0, NULL, bad[i], out), EFAULT);
	}
	/* A mapped page without access. */
	void *none = mmap(NULL, page, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	length = sizeof out;
	FAILS(vpc_ctl(fd, MAC_GET, 0, NULL, &length, none), EFAULT);
	/* Values that fit to the last byte before the edge work. */
	memcpy(edge - 16, &id, 16);
	int second = vpc_open((vpc_id_t *)(edge - 16), handle_type(VMNIC), VPC_OPEN | VPC_READ);
	CHECK(second >= 0);
	length = 6;
	CHECK(vpc_ctl(second, MAC_GET, 0, NULL, &length, edge - 6) == 0 && memcmp(edge - 6, id.b + 10, 6) == 0);
	/* Unaligned, and in the middle of its own input. */
	memcpy(edge - 20, mac, 6);
	CHECK(vpc_ctl(fd, MAC_SET, 6, edge - 20, NULL, NULL) == 0);
	memset(edge - 31, 0, 8), edge[-31] = 6;
	CHECK(vpc_ctl(fd, MAC_GET, 0, NULL, (size_t *)(edge - 31), edge - 33) == 0 && memcmp(edge - 33, mac, 2) == 0);
	puts("done");
	return 0;
}
