/* Started with descriptors that the library opened: each is known although vpcd did not make it. Prints the ids. */
#include "vpc.h"

int main(void) {
	char *fds = getenv("VPC_FDS");
	CHECK(fds);
	for (char *fd = strtok(fds, " "); fd; fd = strtok(NULL, " ")) {
		vpc_id_t id;
		size_t length = sizeof id;
		CHECK(vpc_ctl(atoi(fd), ID_GET, 0, NULL, &length, &id) == 0);
		for (int i = 0; i < 16; i++) printf("%02x", id.b[i]);
		puts("");
	}
	/* Sockets that are not vpcd's, connected to something else. */
	int pair[2];
	size_t length = 16;
	char out[16];
	extern int socketpair(int, int, int, int *), socket(int, int, int);
	CHECK(socketpair(1, 1, 0, pair) == 0);
	FAILS(vpc_ctl(pair[0], ID_GET, 0, NULL, &length, out), ENOTTY);
	FAILS(vpc_ctl(socket(1, 1, 0), ID_GET, 0, NULL, &length, out), ENOTTY);
	FAILS(vpc_ctl(socket(2, 1, 0), ID_GET, 0, NULL, &length, out), ENOTTY);
	return 0;
}
