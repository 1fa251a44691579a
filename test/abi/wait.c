/*
 * Opens a switch, says so, waits for its input to end, and then says what became of its calls. With an argument: runs
 * that below itself.
 */
#include "vpc.h"
#include <sys/socket.h>

int main(int argc, char **argv) {
	vpc_id_t id = new_id(VPCSW, 1);
	uint8_t mac[6];
	size_t length = sizeof mac;
	char c;
	int fd = vpc_open(&id, handle_type(VPCSW), VPC_CREATE | VPC_RW);
	printf("open %d\n", fd < 0 ? errno : 0), fflush(stdout);
	if (argc > 1) {
		execvp(argv[1], argv + 1);
		return 1;
	}
	while (read(0, &c, 1) == 1) {}
	int ctl = vpc_ctl(fd, MAC_GET, 0, NULL, &length, mac) < 0 ? errno : 0;
	int open = vpc_open(&id, handle_type(VPCSW), VPC_OPEN | VPC_READ) < 0 ? errno : 0;
	printf("ctl %d open %d ended %d\n", ctl, open, recv(fd, &c, 1, MSG_DONTWAIT) >= 0);
	return 7;
}
