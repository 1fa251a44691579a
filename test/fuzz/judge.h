/* What the parts of the oracle share; no program sees it. */
#ifndef FUZZ_JUDGE_H
#define FUZZ_JUDGE_H

#include "oracle.h"

static inline uint16_t u16(const uint8_t *bytes) { return (uint16_t)(bytes[0] << 8 | bytes[1]); }

extern const struct station *sender; /* null: a tunnel, or the wire */
extern uint32_t segment, from;
extern bool sent_on;

_Noreturn void fault(const char *what);
#define must(condition, what)         \
	do {                          \
		if (!(condition))     \
			fault(what);  \
	} while (0)

const struct station *unit_at(uint32_t ifindex);
const struct station *station_of(const uint8_t *mac);
const struct station *owner_of(const uint8_t *address);
bool may_use(const uint8_t *address);
void judge_unit(const struct frame *frame, const struct station *unit);
void judge_inner(const uint8_t *bytes, uint32_t length);
void judge_uplink(const uint8_t *bytes, uint32_t length);
void judge_vtep(const uint8_t *source);

void begin_routed(void);
void judge_routed(const struct frame *frame);

/* What is above IP: see upper.c. */
struct upper {
	const uint8_t *ip, *bytes;
	uint32_t ip_length, length;
	uint8_t protocol, ttl;
	bool v4, is_fragment, is_later;
	uint32_t id;            /* of a fragment */
	uint8_t from[16], to[16];
};
/* False: it is no whole IP packet. */
bool read_frame_upper(const uint8_t *frame, uint32_t length, struct upper *upper);
bool is_icmp(const struct upper *upper);
bool is_icmp_error(const struct upper *upper);

/* With the pseudo header, if the protocol has one. */
uint32_t upper_sum(const struct upper *upper);

/* The groups of a port, by rules alone: see groups.c. They remember what may be answered. */
bool groups_allow(const struct station *port, bool out, const uint8_t *frame, uint32_t length);
void begin_groups(void);

/* Whose a port of the shared public address is: see ports.c. Null: nobody's that is known. */
void begin_ports(void);
const struct station *owner_of_port(uint8_t protocol, uint16_t port);

#endif
