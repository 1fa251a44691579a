/*
 * What the utility of 2018 does to a vmnic: opens it for READ and sets its queues. The arguments are the vmnic's id, 32
 * hexadecimal digits, and the errno that setting gives, 0 for none.
 */
#include "vpc.h"

int main(int argc, char **argv) {
	CHECK(argc == 3 && strlen(argv[1]) == 32);
	vpc_id_t id;
	for (int i = 0; i < 16; i++) CHECK(sscanf(argv[1] + 2 * i, "%2hhx", &id.b[i]) == 1);
	int reader, none, expected = atoi(argv[2]);
	uint16_t queues = 2, seen;
	size_t length = sizeof seen;
	CHECK((reader = vpc_open(&id, handle_type(VMNIC), VPC_OPEN | VPC_READ)) >= 0);
	if (expected) FAILS(vpc_ctl(reader, NQUEUES_SET, sizeof queues, &queues, NULL, NULL), expected);
	else CHECK(vpc_ctl(reader, NQUEUES_SET, sizeof queues, &queues, NULL, NULL) == 0);
	CHECK(vpc_ctl(reader, NQUEUES_GET, 0, NULL, &length, &seen) == 0 && seen == (expected ? 1 : 2));
	/* A descriptor opened without rights stays without rights. */
	CHECK((none = vpc_open(&id, handle_type(VMNIC), VPC_OPEN)) >= 0);
	FAILS(vpc_ctl(none, NQUEUES_SET, sizeof queues, &queues, NULL, NULL), EPERM);
	puts("done");
	return 0;
}
