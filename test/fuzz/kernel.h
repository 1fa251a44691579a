/*
 * The kernel as the programs see it, in a few lines of C: tables, one packet, and the helpers that work on it. What a
 * program sends anywhere is handed to delivered().
 */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include <stdbool.h>
#include <stdint.h>
#include "shadow/bpf/bpf_helpers.h"
#undef asm

#define LARGEST_PACKET 4096u

/* How the packet of a run begins. */
struct start {
	const uint8_t *bytes;
	uint32_t length;
	uint32_t linear;      /* bytes that lie in the packet's head; a program sees no others before it asks */
	uint32_t ifindex;
	uint32_t gso_size, gso_type;
	uint32_t pkt_type;
	bool partial;         /* a checksum is left to be filled in: */
	uint16_t csum_start;  /* from the packet's first byte on */
	uint16_t csum_offset;
	bool summed;          /* the device has verified the checksum */
	bool tunnelled;       /* out of a tunnel, whose header this is: */
	struct bpf_tunnel_key key;
	bool key_is_ipv6;
};

/* A frame on its way out of the programs, as it will be when all that was left to be done to it has been done. */
struct frame {
	const uint8_t *bytes;
	uint32_t length;
	uint32_t ifindex;     /* the device */
	bool ingress;         /* into that device's own ingress: to the host's stack */
	uint16_t tag;         /* VLAN tag that the kernel puts in front; 0: none */
	bool has_tag;
	bool has_key;         /* for a tunnel device: */
	struct bpf_tunnel_key key;
};

/* The packet as it was before the programs, with its checksums filled in. */
extern uint8_t sent_bytes[LARGEST_PACKET];
extern uint32_t sent_length;

/* A checksum is left to be filled in. */
bool packet_is_partial(void);
struct __sk_buff *packet_arrives(const struct start *start);
/* Evaluates what the program returned. */
void packet_leaves(int action);
/* The property; ends the process when it does not hold. */
void delivered(const struct frame *frame);

void register_map(void *map, uint32_t type, uint32_t key_size, uint32_t value_size, uint32_t max_entries);
/* Forgets what the programs have written into the tables, not what the scene has. */
void begin_run(uint64_t now_ns);
/* From here on all writes are the programs'. */
void tables_are_set(void);

#define REGISTER_MAP(map) \
	register_map(&map, sizeof(*map.type) / sizeof(int), sizeof(*map.key), sizeof(*map.value), sizeof(*map.max_entries) / sizeof(int))
#define REGISTER_MAPS(map) register_map(&map, BPF_MAP_TYPE_ARRAY_OF_MAPS, sizeof(*map.key), sizeof(void *), 1)
#define INNER_ARRAY 1000u /* no number of the kernel */
#define REGISTER_RING(map) register_map(&map, BPF_MAP_TYPE_RINGBUF, 0, 0, 0)

#endif
