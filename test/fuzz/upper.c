/* Reads what is above IP, as a receiver does: for the oracle. */
#include "judge.h"
#include <string.h>

static bool is_extension(uint8_t next)
{
	return next == 0 || next == 43 || next == 44 || next == 51 || next == 60 || next == 135 || next == 139 || next == 140;
}

static bool read_v4(struct upper *upper)
{
	const uint8_t *ip = upper->ip;
	uint32_t header = (ip[0] & 15) * 4u, says;

	if (upper->ip_length < 20 || ip[0] >> 4 != 4 || header < 20 || header > upper->ip_length)
		return false;
	says = u16(ip + 2);
	if (says >= header && says < upper->ip_length)
		upper->ip_length = says;
	upper->from[10] = upper->from[11] = upper->to[10] = upper->to[11] = 0xff;
	memcpy(upper->from + 12, ip + 12, 4);
	memcpy(upper->to + 12, ip + 16, 4);
	upper->ttl = ip[8];
	upper->protocol = ip[9];
	upper->is_later = u16(ip + 6) & 0x1fff;
	upper->is_fragment = u16(ip + 6) & 0x3fff;
	upper->id = u16(ip + 4);
	upper->bytes = ip + header;
	upper->length = upper->ip_length - header;
	return true;
}

static bool read_v6(struct upper *upper)
{
	const uint8_t *ip = upper->ip;
	uint32_t at = 40;
	uint8_t next, kind;

	if (upper->ip_length < 40 || ip[0] >> 4 != 6)
		return false;
	if (u16(ip + 4) && 40u + u16(ip + 4) < upper->ip_length)
		upper->ip_length = 40u + u16(ip + 4);
	memcpy(upper->from, ip + 8, 16);
	memcpy(upper->to, ip + 24, 16);
	upper->ttl = ip[7];
	for (next = ip[6]; is_extension(next) && !upper->is_later && at + 8 <= upper->ip_length; next = kind) {
		kind = ip[at];
		if (next == 44) {
			upper->is_later = u16(ip + at + 2) & 0xfff8;
			upper->is_fragment = u16(ip + at + 2) & 0xfff9;
			upper->id = (uint32_t)u16(ip + at + 4) << 16 | u16(ip + at + 6);
		}
		at += next == 44 ? 8 : next == 51 ? (ip[at + 1] + 2u) * 4 : (ip[at + 1] + 1u) * 8;
	}
	upper->protocol = next;
	upper->bytes = ip + at;
	upper->length = upper->ip_length > at ? upper->ip_length - at : 0;
	return true;
}

bool read_frame_upper(const uint8_t *frame, uint32_t length, struct upper *upper)
{
	memset(upper, 0, sizeof(*upper));
	if (length < 14)
		return false;
	upper->ip = frame + 14;
	upper->ip_length = length - 14;
	upper->v4 = u16(frame + 12) == 0x0800;
	return upper->v4 ? read_v4(upper) : u16(frame + 12) == 0x86dd && read_v6(upper);
}

bool is_icmp(const struct upper *upper) { return upper->protocol == (upper->v4 ? 1 : 58) && !upper->is_later && upper->length >= 4; }

bool is_icmp_error(const struct upper *upper)
{
	uint8_t type;

	if (!is_icmp(upper))
		return false;
	type = upper->bytes[0];
	return upper->v4 ? type == 3 || type == 4 || type == 11 || type == 12 : type < 128;
}

uint32_t upper_sum(const struct upper *upper)
{
	uint8_t protocol = upper->protocol;
	bool has_pseudo = protocol == 6 || protocol == 17 || protocol == 136 || protocol == 33 || protocol == 58;
	uint32_t pseudo = !has_pseudo ? 0 : protocol + upper->length + (upper->v4 ? sum_of(upper->ip + 12, 8) : sum_of(upper->ip + 8, 32));
	uint32_t sum = pseudo + sum_of(upper->bytes, upper->length);

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff ? 0 : sum;
}
