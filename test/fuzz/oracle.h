/* The scene's stations, and the property that every delivered frame must have: its sender may have sent it. */
#ifndef FUZZ_ORACLE_H
#define FUZZ_ORACLE_H

#include "kernel.h"

#define RED 5001u
#define BLUE 5002u
#define MUX_STATS 7u
#define MUX_IFINDEX 20u
#define UNDERLAY_IFINDEX 21u
#define IPV4(a, b, c, d) ((uint32_t)(a) | (b) << 8 | (c) << 16 | (uint32_t)(d) << 24) /* network order */
#define UPLINK_IFINDEX 22u /* of RED */
#define UPLINK_STATS 8u
#define LISTEN IPV4(192, 0, 2, 1)
#define STATIONS 7

struct station {
	uint32_t ifindex, stats, segment;
	uint16_t vlan;
	bool checked, listed;
	uint32_t vtep; /* 0: a unit of this host */
	uint8_t mac[6];
	uint8_t v4[16], v6[16]; /* as in the tables */
};

extern const struct station stations[STATIONS];

/* A run begins: what hosts chose for themselves is forgotten. */
void begin_judging(void);
/*
 * Who sends the packet in work: a unit, or for a frame out of a tunnel a VNI and the VTEP that it came from.
 * `forwarded`: its outer TTL says that another host has sent it on, which any VTEP of the VNI may do.
 */
void from_unit(const struct station *sender);
void from_vtep(uint32_t vni, uint32_t vtep, bool forwarded);

#endif
