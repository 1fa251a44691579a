/*
 * Whose the ports of a shared public address are, as the packets show it: for the oracle. A port is one station's, and
 * so is a block of ports, for all protocols.
 */
#include "judge.h"

#define BLOCK 64

static struct {
	const struct station *station;
	uint8_t protocol;
	uint16_t port;
} owners[64];
static int count;

void begin_ports(void) { count = 0; }

const struct station *owner_of_port(uint8_t protocol, uint16_t port)
{
	for (int i = 0; i < count; i++)
		if (owners[i].port == port && owners[i].protocol == protocol)
			return owners[i].station;
	return 0;
}

void note_port(const struct station *owner, uint8_t protocol, uint16_t port)
{
	const struct station *known = owner_of_port(protocol, port);

	must(port >= 1024, "has a public port that is nobody's");
	must(!known || known == owner, "has the public port of another station");
	for (int i = 0; i < count; i++)
		must(owners[i].station == owner || (owners[i].port - 1024) / BLOCK != (port - 1024) / BLOCK, "has a port of another station's block");
	if (known || count == 64)
		return;
	owners[count].station = owner;
	owners[count].protocol = protocol;
	owners[count++].port = port;
}
