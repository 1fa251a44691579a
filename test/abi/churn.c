/* Opens and closes as often as the argument says: one in ten creates an object, the others open the existing one. */
#include "vpc.h"

int main(int argc, char **argv) {
	int rounds = argc > 1 ? atoi(argv[1]) : 1000, held = open_new(VPCP, 1);
	vpc_id_t id = new_id(VPCP, 1);
	for (int i = 0; i < rounds; i++) {
		int fd = i % 10 ? vpc_open(&id, handle_type(VPCP), VPC_OPEN | VPC_READ) : open_new(VPCP, 2);
		CHECK(fd == held + 1 && close(fd) == 0);
	}
	puts("done");
	return 0;
}
