/* A descriptor behaves like any other: dup, fork, exec, SCM_RIGHTS, poll, and the last close. */
#include "vpc.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void expect_queues(int fd, uint16_t wanted) {
	uint16_t queues = 0;
	size_t length = sizeof queues;
	CHECK(vpc_ctl(fd, NQUEUES_GET, 0, NULL, &length, &queues) == 0 && queues == wanted);
}

static void set_queues(int fd, uint16_t queues) { CHECK(vpc_ctl(fd, NQUEUES_SET, sizeof queues, &queues, NULL, NULL) == 0); }

static void wait_for(pid_t pid) {
	int status;
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void send_fd(int to, int fd) {
	char byte = 'x', control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	CHECK(sendmsg(to, &message, 0) == 1);
}

static int receive_fd(int from) {
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	int fd;
	CHECK(recvmsg(from, &message, 0) == 1 && CMSG_FIRSTHDR(&message));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
	return fd;
}

/* The socket protocol on the same descriptor: a CTL frame of "queue count get", and its REPLY. */
static void speak_frames(int fd, uint16_t wanted) {
	uint32_t frame[4] = {0, 7, 2 | 1 << 16, NQUEUES_GET}, reply[4];
	uint16_t queues;
	CHECK(write(fd, frame, sizeof frame) == sizeof frame);
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	CHECK(poll(&ready, 1, 5000) == 1);
	CHECK(read(fd, reply, sizeof reply) == sizeof reply);
	CHECK(reply[0] == 2 && reply[1] == 7 && reply[2] == (3 | 1 << 16) && reply[3] == 0);
	CHECK(read(fd, &queues, 2) == 2 && queues == wanted);
}

int main(int argc, char **argv) {
	if (argc == 2) { /* what was started below, by exec: the descriptor's number is its argument */
		expect_queues(atoi(argv[1]), 5);
		set_queues(atoi(argv[1]), 6);
		return 0;
	}
	vpc_id_t id = new_id(VMNIC, 1);
	int fd = open_new(VMNIC, 1), sockets[2];
	set_queues(fd, 2);

	int copy = dup(fd), high = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	CHECK(copy > fd && high >= 100 && close(fd) == 0);
	FAILS(vpc_ctl(fd, NQUEUES_GET, 0, NULL, NULL, NULL), EBADF);
	expect_queues(copy, 2), expect_queues(high, 2);
	CHECK(dup2(copy, fd) == fd && close(copy) == 0);
	speak_frames(fd, 2);

	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		set_queues(fd, 3);
		_exit(0); /* the parent's stays open */
	}
	wait_for(child);
	expect_queues(fd, 3);

	/* Passed to a process that has no other way to it, and closed here. */
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(fd), close(high);
		int got = receive_fd(sockets[1]);
		set_queues(got, 5);
		send_fd(sockets[1], got);
		_exit(0);
	}
	send_fd(sockets[0], fd);
	close(fd), close(high);
	/* In transit only the message holds it. */
	wait_for(child);
	fd = receive_fd(sockets[0]);
	expect_queues(fd, 5);

	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char number[12];
		snprintf(number, sizeof number, "%d", fd);
		CHECK(fcntl(fd, F_SETFD, 0) == 0); /* passed over exec only on request */
		execl("/proc/self/exe", "share", number, NULL);
		_exit(1);
	}
	wait_for(child);
	expect_queues(fd, 6);

	/* A child that still has it keeps the object. */
	int pipes[2];
	CHECK(pipe(pipes) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char c;
		close(pipes[1]);
		CHECK(read(pipes[0], &c, 1) == 0);
		_exit(0);
	}
	close(fd);
	int again = vpc_open(&id, handle_type(VMNIC), VPC_OPEN | VPC_READ);
	CHECK(again >= 0 && close(again) == 0);
	close(pipes[1]);
	wait_for(child);
	FAILS(vpc_open(&id, handle_type(VMNIC), VPC_OPEN | VPC_READ), ENOENT);
	puts("done");
	return 0;
}
