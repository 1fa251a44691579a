/* Many threads of many processes at once, each with objects of its own and one that all share. */
#include "vpc.h"
#include <pthread.h>
#include <sys/wait.h>

enum { PROCESSES = 4, THREADS = 8, ROUNDS = 25 };
static int shared;

static void *work(void *argument) {
	int n = (int)(intptr_t)argument;
	for (int i = 0; i < ROUNDS; i++) {
		vpc_id_t id = new_id(VPCP, n * ROUNDS + i + 10), seen;
		size_t length = sizeof seen;
		int fd = open_new(VPCP, n * ROUNDS + i + 10);
		CHECK(vpc_ctl(fd, ID_GET, 0, NULL, &length, &seen) == 0 && memcmp(&id, &seen, 16) == 0);
		uint8_t mac[6];
		length = sizeof mac;
		CHECK(vpc_ctl(shared, MAC_GET, 0, NULL, &length, mac) == 0 && length == 6);
		CHECK(close(fd) == 0);
		FAILS(vpc_ctl(-1, MAC_GET, 0, NULL, &length, mac), EBADF);
	}
	return NULL;
}

int main(void) {
	shared = open_new(VPCP, 1);
	for (int p = 0; p < PROCESSES; p++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child > 0) continue;
		pthread_t threads[THREADS];
		for (int t = 0; t < THREADS; t++) CHECK(pthread_create(&threads[t], NULL, work, (void *)(intptr_t)t) == 0);
		for (int t = 0; t < THREADS; t++) CHECK(pthread_join(threads[t], NULL) == 0);
		_exit(0);
	}
	for (int p = 0; p < PROCESSES; p++) {
		int status;
		CHECK(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	puts("done");
	return 0;
}
