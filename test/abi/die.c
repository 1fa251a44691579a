/* Processes that are killed in the middle of a call, over and over. None of their objects may stay. */
#include "vpc.h"
#include <signal.h>
#include <sys/wait.h>

int main(int argc, char **argv) {
	int rounds = argc > 1 ? atoi(argv[1]) : 200;
	for (int i = 0; i < rounds; i++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0)
			for (int n = 0;; n++) {
				int fd = open_new(n % 2 ? VPCSW : VMNIC, n);
				uint32_t mtu = 1400;
				vpc_ctl(fd, MTU_SET, sizeof mtu, &mtu, NULL, NULL);
				if (n % 3) close(fd);
			}
		usleep((unsigned)(i * 37 % 4000));
		int status;
		CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	}
	puts("done");
	return 0;
}
