/*
 * How the fuzzer's bytes become packets. Each has eight bytes in front: a selector, flags, where its checksum and its
 * linear part lie, how it is to be cut, its length; so one input is a few packets in a row, which meet what the
 * programs remember.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <string.h>
#include "oracle.h"

enum input_flags {
	INPUT_PARTIAL = 1,
	INPUT_LARGE = 2,
	INPUT_SCATTERED = 4,
	INPUT_HONEST_MACS = 8, /* the frame gets its sender's MAC, and a station's as its destination */
	INPUT_SUMMED = 16,
	INPUT_FORWARDED = 64,  /* mux: another host has sent it on */
	INPUT_RAW = 32,        /* underlay: the outer header is the fuzzer's too */
	INPUT_HONEST = 128,    /* in a routed subnet: the packet gets addresses of its sender, and of somebody there is */
};

struct input {
	uint8_t selector, flags, csum_start, csum_offset, cut, linear;
	uint16_t length;
};

#define SELECT_ROUTED 128 /* of a selector: the sender is in a routed subnet */

static const uint32_t gso_types[] = { 0, 1, 1 << 4, 1 << 1, 1 << 17, 1 << 14, 3 << 10, 1 | 3 << 10 };

/* Takes the next packet off the input into `bytes`; false: there is none. */
static bool next_packet(const uint8_t **at, size_t *size, struct input *input, uint8_t *bytes, struct start *start)
{
	if (*size < sizeof(*input) + 14)
		return false;
	memcpy(input, *at, sizeof(*input));
	*at += sizeof(*input);
	*size -= sizeof(*input);
	input->length %= 2000;
	if (input->length < 14 || input->length > *size)
		input->length = *size < 2000 ? (uint16_t)*size : 2000;
	memcpy(bytes, *at, input->length);
	*at += input->length;
	*size -= input->length;
	*start = (struct start){ .bytes = bytes, .length = input->length, .linear = input->length };
	if (input->flags & INPUT_SCATTERED)
		start->linear = input->linear < 14 ? 14 : input->linear;
	start->partial = input->flags & INPUT_PARTIAL;
	start->csum_start = input->csum_start;
	start->csum_offset = input->csum_offset;
	start->summed = input->flags & INPUT_SUMMED;
	if (input->flags & INPUT_LARGE) {
		start->gso_size = 100 + (input->cut & 0xf8);
		start->gso_type = gso_types[input->cut & 7];
	}
	return true;
}

/* The kernel takes no checksum that lies outside of the packet (skb_partial_csum_set). */
static bool kernel_takes(const struct start *start)
{
	return start->length >= 14 && (!start->partial || (start->csum_start + start->csum_offset + 2u <= start->length &&
							   start->csum_start + start->csum_offset + 2u <= start->linear));
}

#endif
