/* What a program of 2018 had of the interface: the two calls, and the numbers that it needs. Nothing of ours. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { VPC_CREATE = 1, VPC_OPEN = 2, VPC_READ = 4, VPC_WRITE = 8, VPC_RW = 12 };
enum { VPCSW = 1, VPCP = 2, VPCMUX = 5, VMNIC = 6, MGMT = 7, ETHLINK = 8, META = 9, HOSTIF = 11 };

#define IN 0x80000000u
#define OUT 0x40000000u
#define SET 0x30000000u /* mutate, privileged */
#define CMD(bits, type, op) ((bits) | (uint32_t)(type) << 16 | (op))

#define DESTROY CMD(SET, META, 1)
#define TYPE_GET CMD(OUT, META, 2)
#define COMMIT CMD(SET, META, 3)
#define MAC_SET CMD(IN | SET, META, 4)
#define MAC_GET CMD(OUT, META, 5)
#define MTU_SET CMD(IN | SET, META, 6)
#define MTU_GET CMD(OUT, META, 7)
#define ID_GET CMD(OUT, META, 8)
#define NQUEUES_GET CMD(OUT, VMNIC, 1)
#define NQUEUES_SET CMD(IN | SET, VMNIC, 2)

typedef struct { uint8_t b[16]; } vpc_id_t;

static inline int vpc_open(const vpc_id_t *id, uint64_t type, uint64_t flags) { return (int)syscall(580, id, type, flags); }

static inline int vpc_ctl(int fd, uint32_t command, size_t inlen, const void *in, size_t *outlen, void *out) {
	return (int)syscall(581, fd, command, inlen, in, outlen, out);
}

static inline uint64_t handle_type(int type) { return 1ull << 60 | (uint64_t)type << 48; }

/* An id of a type that nobody else has: this process, and a number. */
static inline vpc_id_t new_id(int type, int n) {
	vpc_id_t id = {{0xc0, 0xff, 0xee}};
	uint32_t pid = (uint32_t)getpid();
	memcpy(id.b + 3, &pid, 4);
	id.b[9] = (uint8_t)type;
	id.b[10] = 2;
	memcpy(id.b + 11, &pid, 2);
	id.b[13] = (uint8_t)(n >> 16), id.b[14] = (uint8_t)(n >> 8), id.b[15] = (uint8_t)n;
	return id;
}

/* Stop with the place and the errno when a check fails. */
#define CHECK(what)                                                                                                                                \
	do {                                                                                                                                       \
		if (!(what)) {                                                                                                                     \
			int seen = errno;                                                                                                          \
			printf("%s:%d: not so: %s (errno %d %s)\n", __FILE__, __LINE__, #what, seen, strerror(seen));                              \
			exit(1);                                                                                                                   \
		}                                                                                                                                  \
	} while (0)

/* A call that must fail, and how. */
#define FAILS(call, code) CHECK((errno = 0, (call)) == -1 && errno == (code))

static inline int open_new(int type, int n) {
	vpc_id_t id = new_id(type, n);
	int fd = vpc_open(&id, handle_type(type), VPC_CREATE | VPC_RW);
	CHECK(fd >= 0);
	return fd;
}
