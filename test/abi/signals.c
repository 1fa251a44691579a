/* Thousands of signals: a call is done or not done, and its result says which. */
#include "vpc.h"
#include <signal.h>
#include <sys/time.h>

static volatile int signals;
static void count(int number) { (void)number, signals++; }

int main(int argc, char **argv) {
	int restart = argc > 1 && strcmp(argv[1], "restart") == 0;
	struct sigaction action = {.sa_handler = count, .sa_flags = restart ? SA_RESTART : 0};
	struct itimerval every = {{0, 200}, {0, 200}};
	CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &every, NULL) == 0);
	for (int i = 0; i < 2000; i++) {
		vpc_id_t id = new_id(VPCP, 1), seen;
		size_t length = sizeof seen;
		int fd, called;
		while ((fd = vpc_open(&id, handle_type(VPCP), VPC_CREATE | VPC_RW)) < 0) CHECK(!restart && errno == EINTR);
		while ((called = vpc_ctl(fd, ID_GET, 0, NULL, &length, &seen)) < 0) CHECK(!restart && errno == EINTR);
		CHECK(length == 16 && memcmp(&id, &seen, 16) == 0);
		CHECK(close(fd) == 0);
	}
	CHECK(signals > 100);
	puts("done");
	return 0;
}
