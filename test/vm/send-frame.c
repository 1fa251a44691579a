/* send-frame INTERFACE HEX [COUNT]: sends a raw Ethernet frame, whatever stands in it. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	unsigned char frame[9216];
	size_t length = argc > 2 ? strlen(argv[2]) / 2 : 0;
	struct sockaddr_ll to = {.sll_family = AF_PACKET};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	if (argc < 3 || length > sizeof(frame)) {
		fprintf(stderr, "usage: send-frame INTERFACE HEX [COUNT]\n");
		return 2;
	}
	for (size_t i = 0; i < length; i++)
		sscanf(argv[2] + 2 * i, "%2hhx", &frame[i]);
	to.sll_ifindex = if_nametoindex(argv[1]);
	for (int left = argc > 3 ? atoi(argv[3]) : 1; left > 0; left--) {
		if (sendto(fd, frame, length, 0, (struct sockaddr *)&to, sizeof(to)) < 0) {
			perror("send-frame");
			return 1;
		}
	}
	return 0;
}
