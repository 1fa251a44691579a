/*
 * What security groups let pass, by their rules alone: for the oracle. A packet passes when a rule of its direction
 * allows it, or when it belongs to what an allowed packet has begun. The rules are written down here once more.
 */
#include "judge.h"
#include <string.h>

#define MOST 64

/* What a packet is to a port: `inside` is the port's unit. */
struct talk {
	const struct station *port;
	uint8_t protocol, type;
	uint8_t inside[16], outside[16];
	uint16_t inside_port, outside_port;
};

struct begun {
	const struct station *port;
	bool out;
	uint8_t protocol, from[16], to[16];
	uint32_t id;
};

static struct talk talks[MOST];
static struct begun firsts[MOST];
static int talk_count, first_count;

void begin_groups(void) { talk_count = first_count = 0; }

static bool is_in_yellow(const uint8_t *peer)
{
	const uint8_t four[15] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 4 };
	const uint8_t six[14] = { 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4 };

	return !memcmp(peer, four, 15) || !memcmp(peer, six, 14);
}

/* The group of the second rule has one member. */
static bool is_member(const uint8_t *peer)
{
	for (int i = 0; i < STATIONS; i++)
		if (stations[i].in == NOTHING_IN && (!memcmp(peer, stations[i].v4, 16) || !memcmp(peer, stations[i].v6, 16)))
			return true;
	return false;
}

static bool rule_allows(enum policy policy, uint8_t protocol, uint16_t service, const uint8_t *peer)
{
	switch (policy) {
	case OPEN:
		return true;
	case WEB_IN:
		return (protocol == 6 && service == 80) || (protocol == 17 && service == 53 && is_member(peer)) ||
		       (protocol == 1 && service == 0x0800 && is_in_yellow(peer)) ||
		       (protocol == 58 && service == 0x8000 && is_in_yellow(peer));
	case FEW_OUT:
		return (protocol == 17 && service == 53) || (protocol == 6 && service == 443);
	default:
		return false;
	}
}

static bool has_ports(uint8_t protocol) { return protocol == 6 || protocol == 17 || protocol == 132 || protocol == 136 || protocol == 33; }

/* The request that an ICMP message is or answers; 0: neither. */
static uint8_t request_of(uint8_t type, bool v4)
{
	if (!v4)
		return type == 128 || type == 129 ? 128 : 0;
	return type == 0 || type == 8 ? 8 : type >= 13 && type <= 18 ? type - (type % 2 == 0) : 0;
}

static bool is_request(uint8_t type, bool v4) { return request_of(type, v4) == type; }

static void set_talk(struct talk *talk, const struct station *port, const struct upper *upper, bool out)
{
	uint16_t source = 0, dest = 0;

	memset(talk, 0, sizeof(*talk));
	talk->port = port;
	talk->protocol = upper->protocol;
	memcpy(talk->inside, out ? upper->from : upper->to, 16);
	memcpy(talk->outside, out ? upper->to : upper->from, 16);
	if (has_ports(upper->protocol) && upper->length >= 4) {
		source = u16(upper->bytes);
		dest = u16(upper->bytes + 2);
	}
	talk->inside_port = out ? source : dest;
	talk->outside_port = out ? dest : source;
	if (is_icmp(upper) && upper->length >= 4) {
		talk->type = request_of(upper->bytes[0], upper->v4);
		if (!talk->type)
			talk->type = upper->bytes[0];
		talk->inside_port = upper->length >= 8 ? u16(upper->bytes + 4) : 0;
	}
}

static bool is_known(const struct talk *talk)
{
	for (int i = 0; i < talk_count; i++)
		if (!memcmp(&talks[i], talk, sizeof(*talk)))
			return true;
	return talk_count == MOST;
}

/* The packet that an error is about went the other way. */
static bool error_is_known(const struct station *port, const struct upper *error, bool out)
{
	uint8_t frame[14 + 2000] = { [12] = error->v4 ? 8 : 0x86, [13] = error->v4 ? 0 : 0xdd };
	uint32_t length = error->length - 8;
	struct upper quoted;
	struct talk talk;

	if (error->length < 28 || length > 2000)
		return false;
	memcpy(frame + 14, error->bytes + 8, length);
	if (!read_frame_upper(frame, 14 + length, &quoted))
		return false;
	set_talk(&talk, port, &quoted, !out);
	return is_known(&talk);
}

static bool first_has_passed(const struct station *port, const struct upper *upper, bool out)
{
	for (int i = 0; i < first_count; i++) {
		const struct begun *b = &firsts[i];

		if (b->port == port && b->out == out && b->id == upper->id && (!upper->v4 || b->protocol == upper->protocol) &&
		    !memcmp(b->from, upper->from, 16) && !memcmp(b->to, upper->to, 16))
			return true;
	}
	return first_count == MOST;
}

static void note_first(const struct station *port, const struct upper *upper, bool out)
{
	struct begun *b = &firsts[first_count];

	if (first_count == MOST)
		return;
	first_count++;
	*b = (struct begun){ .port = port, .out = out, .protocol = upper->protocol, .id = upper->id };
	memcpy(b->from, upper->from, 16);
	memcpy(b->to, upper->to, 16);
}

/* Neighbour discovery, and a guest's talk with a DHCP server. */
static bool is_free(const struct upper *upper, bool out)
{
	uint16_t source, dest;

	if (!upper->v4 && upper->protocol == 58 && upper->length)
		return upper->bytes[0] >= 133 && upper->bytes[0] <= 137;
	if (upper->protocol != 17 || upper->length < 4)
		return false;
	source = u16(upper->bytes + (out ? 0 : 2));
	dest = u16(upper->bytes + (out ? 2 : 0));
	return upper->v4 ? source == 68 && dest == 67 : source == 546 && dest == 547;
}

/* A packet that begins something passes by a rule; what it begins is remembered. */
static bool begins(const struct station *port, const struct upper *upper, const struct talk *talk, bool out, bool to_many)
{
	uint16_t service = is_icmp(upper) ? u16(upper->bytes) : out ? talk->outside_port : talk->inside_port;

	if (!rule_allows(out ? port->out : port->in, upper->protocol, service, talk->outside))
		return false;
	if (to_many || port->stateless || talk_count == MOST)
		return true;
	if (upper->protocol == 6 && (upper->length < 14 || (upper->bytes[13] & 0x17) != 2))
		return true;
	if (!is_icmp(upper) || is_request(upper->bytes[0], upper->v4))
		talks[talk_count++] = *talk;
	return true;
}

bool groups_allow(const struct station *port, bool out, const uint8_t *frame, uint32_t length)
{
	bool to_many = frame[0] & 1, allowed;
	struct upper upper;
	struct talk talk;

	if (port->in == OPEN || !read_frame_upper(frame, length, &upper))
		return true;
	if (upper.is_later)
		return first_has_passed(port, &upper, out);
	if (is_free(&upper, out))
		return true;
	if (is_icmp_error(&upper))
		allowed = port->stateless || error_is_known(port, &upper, out);
	else {
		set_talk(&talk, port, &upper, out);
		allowed = (!port->stateless && is_known(&talk)) || begins(port, &upper, &talk, out, to_many);
	}
	if (allowed && upper.is_fragment)
		note_first(port, &upper, out);
	return allowed;
}
