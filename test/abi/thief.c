/*
 * A launcher that has its own calls supervised and takes them itself at the same time, so that vpcd waits for one that
 * never comes. Argument: the socket of vpcd. Run it as a user who may open nothing but management handles.
 */
#include "vpc.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static int listener;

static void *steal(void *argument) {
	(void)argument;
	for (;;) {
		struct seccomp_notif call = {0};
		struct pollfd ready = {.fd = listener, .events = POLLIN};
		/* At the same time as vpcd: the later of the two waits for a call that is gone. */
		poll(&ready, 1, -1);
		for (volatile int i = rand() % 20000; i > 0; i--) {}
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0) continue;
		struct seccomp_notif_resp answer = {.id = call.id, .error = -EIO};
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

static void request(int fd, uint32_t kind, uint32_t word, const void *payload, uint32_t length) {
	uint32_t head[4] = {length, 1, kind | 1 << 16, word}, reply[4];
	CHECK(write(fd, head, 16) == 16 && write(fd, payload, length) == (ssize_t)length);
	CHECK(recv(fd, reply, 16, MSG_WAITALL) == 16 && reply[3] == 0);
}

int main(int argc, char **argv) {
	CHECK(argc == 2);
	int vpcd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
	CHECK(connect(vpcd, (struct sockaddr *)&address, sizeof address) == 0);
	struct sock_filter filter[] = {
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 581, 0, 1),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, filter};
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	CHECK(listener >= 0);
	struct {
		vpc_id_t id;
		uint64_t type, flags;
	} open = {new_id(MGMT, 1), handle_type(MGMT), VPC_CREATE | VPC_READ};
	request(vpcd, 1, 0, &open, sizeof open);
	request(vpcd, 2, CMD(IN, MGMT, 0x105), &listener, 4);
	pthread_t thread;
	for (int i = 0; i < 2; i++) CHECK(pthread_create(&thread, NULL, steal, NULL) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		for (int i = 0; i < 3000; i++) vpc_ctl(0, MAC_GET, 0, NULL, NULL, NULL);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	puts("done");
	fflush(stdout);
	_exit(0);
}
