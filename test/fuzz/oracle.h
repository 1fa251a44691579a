/* The scene's stations, and the property that every delivered frame must have: its sender may have sent it. */
#ifndef FUZZ_ORACLE_H
#define FUZZ_ORACLE_H

#include "kernel.h"

#define RED 5001u
#define BLUE 5002u
#define GREEN 5003u  /* these three have routers: see routed-scene.h */
#define YELLOW 5004u
#define PINK 5005u
#define OUTSIDE 0xffffffffu /* instead of a segment, for packets from a wire */
#define VPC_A 9001u /* of GREEN and YELLOW */
#define VPC_P 9002u /* of PINK, to which GREEN alone has a route */
#define MUX_STATS 7u
#define MUX_IFINDEX 50u
#define UNDERLAY_IFINDEX 51u
#define IPV4(a, b, c, d) ((uint32_t)(a) | (b) << 8 | (c) << 16 | (uint32_t)(d) << 24) /* network order */
#define UPLINK_IFINDEX 52u /* of RED */
#define UPLINK_STATS 8u
#define WIRE_IFINDEX 53u   /* with public addresses of VPC_A */
#define LISTEN IPV4(192, 0, 2, 1)
#define NAT_HOST IPV4(192, 0, 2, 3) /* has the wire of the other NAT */
#define SHARED_LAST 1u     /* last byte of the public address that is shared by ports */
#define STATIONS 15
#define PLAIN_STATIONS 7   /* the first ones: of RED and BLUE */

/* Policies of groups; what they allow is in groups.c, and in routed-scene.h as tables. */
enum policy { OPEN, WEB_IN = 101, NOTHING_IN = 102, FEW_OUT = 103 };

enum nat { NO_NAT, NAT_SHARED, NAT_OWN, NAT_ELSEWHERE };

struct station {
	uint32_t ifindex, stats, segment, vpc;
	uint16_t vlan;
	bool checked, listed;
	uint32_t vtep; /* 0: a unit of this host */
	uint8_t mac[6];
	uint8_t v4[16], v6[16]; /* as in the tables */
	enum policy in, out;    /* `in` is OPEN: it is in no group */
	bool stateless;
	enum nat nat;
	uint8_t public_last;    /* of its own public addresses; 0: it has none */
};

extern const struct station stations[STATIONS];
extern const uint8_t gateway[6];

/* A run begins: what hosts chose for themselves is forgotten. */
void begin_judging(void);
/*
 * Who sends the packet in work: a unit, or for a frame out of a tunnel a VNI and the VTEP that it came from.
 * `forwarded`: its outer TTL says that another host has sent it on, which any VTEP of the VNI may do.
 */
void from_unit(const struct station *sender);
void from_vtep(uint32_t vni, uint32_t vtep, bool forwarded);
void from_wire(void);
/* The packet is there now, behind `outer` bytes of an outer header, and no program has seen it. */
void packet_is_there(uint32_t outer);

/* Give a frame the addresses of its sender, and a destination that its own bytes choose. */
void make_honest(uint8_t *bytes, uint32_t length, const struct station *from);
void make_outside(uint8_t *bytes, uint32_t length);

bool is_routed(uint32_t segment);
void public_address(uint8_t last, bool v4, uint8_t *address);
/* Sums of 16-bit words, carries added; 0 for 0xffff as well. */
uint32_t sum_of(const uint8_t *bytes, uint32_t length);
/* A port of the shared public address is a station's. */
void note_port(const struct station *owner, uint8_t protocol, uint16_t port);

#endif
