/*
 * States which packets may leave the routed subnets, or come to their stations: for the oracle. From a subnet to
 * another only by a route, to the outside only with the sender's public address, in and out only past the groups, and
 * with checksums that are as right as they were.
 */
#include "judge.h"
#include <string.h>

enum leads { NOWHERE, TO_VPC, TO_ROUTER, OUTWARD };

/* The packet as it was sent, and as it is delivered. */
static const uint8_t *sent;
static uint32_t sent_size;
static struct upper before, after;
static bool sent_is_ip, sent_may_leave;

void begin_routed(void)
{
	begin_groups();
	begin_ports();
}

void from_wire(void)
{
	sender = 0;
	segment = OUTSIDE;
}

void packet_is_there(uint32_t outer)
{
	sent = sent_bytes + outer;
	sent_size = sent_length > outer ? sent_length - outer : 0;
	sent_is_ip = read_frame_upper(sent, sent_size, &before);
	sent_may_leave = !sender || !is_routed(segment) || sent_size < 14 || groups_allow(sender, true, sent, sent_size);
}

static uint32_t vpc_of_segment(uint32_t of)
{
	return of == GREEN || of == YELLOW || of == OUTSIDE ? VPC_A : of == PINK ? VPC_P : 0;
}

static const struct station *owner_in(uint32_t vpc, const uint8_t *address)
{
	for (int i = PLAIN_STATIONS; i < STATIONS; i++)
		if (stations[i].vpc == vpc && (!memcmp(stations[i].v4, address, 16) || !memcmp(stations[i].v6, address, 16)))
			return &stations[i];
	return 0;
}

static bool is_v4(const uint8_t *address) { return !memcmp(address, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12); }

/* Last byte of a public address on the wire of this host; 0: it is none. */
static uint8_t public_last(const uint8_t *address)
{
	uint8_t public[16];

	for (uint8_t last = 1; last <= 4; last++) {
		public_address(last, is_v4(address), public);
		if (!memcmp(public, address, 16))
			return last;
	}
	return 0;
}

static const struct station *has_public(uint8_t last)
{
	for (int i = PLAIN_STATIONS; i < STATIONS; i++)
		if (stations[i].nat == NAT_OWN && stations[i].public_last == last)
			return &stations[i];
	return 0;
}

/* The net of an address of a subnet; 0: it is outside. */
static uint8_t net_of(const uint8_t *address)
{
	if (is_v4(address))
		return address[12] == 10 && address[13] == 0 ? address[14] : 0;
	return !memcmp(address, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0", 13) && !address[14] ? address[13] : 0;
}

/* Where the routes of a subnet lead. */
static enum leads leads(uint32_t of, const uint8_t *address, uint32_t *vpc)
{
	uint8_t net = net_of(address);

	*vpc = vpc_of_segment(of);
	if (of == PINK)
		return net == 5 ? TO_VPC : OUTWARD;
	if (net == 3 || net == 4)
		return TO_VPC;
	if (of == YELLOW)
		return OUTWARD;
	if (net == 5)
		*vpc = VPC_P;
	return net == 5 ? TO_VPC : net == 66 ? NOWHERE : net == 77 ? TO_ROUTER : OUTWARD;
}

/* -- checksums -- */

static bool has_pseudo_header(uint8_t protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 136 || protocol == 33 || protocol == 58;
}

/* What was right is right: sums over the header and what is above it are as they were. */
static void judge_sums(void)
{
	if (before.v4)
		must(sum_of(before.ip, (before.ip[0] & 15) * 4u) == sum_of(after.ip, (after.ip[0] & 15) * 4u), "has another sum of its IPv4 header");
	must(before.length == after.length && before.protocol == after.protocol, "has another length");
	if (before.protocol == (before.v4 ? 58 : 1))
		return;
	if (before.is_later || (!has_pseudo_header(before.protocol) && !is_icmp(&before))) {
		must(!memcmp(before.bytes, after.bytes, before.length), "has another content");
		return;
	}
	if (before.protocol == 17 && before.length >= 8 && !u16(before.bytes + 6))
		must(!u16(after.bytes + 6), "has come to have a checksum");
	else
		must(upper_sum(&before) == upper_sum(&after), "has another sum above IP");
}

static bool is_right(const struct upper *upper)
{
	return !upper->is_fragment && (!upper->v4 || !sum_of(upper->ip, (upper->ip[0] & 15) * 4u)) && !upper_sum(upper);
}

/* What a gateway says to the sender itself. */
static void judge_answer(const uint8_t *bytes, uint32_t length)
{
	must(length >= 14 && !memcmp(bytes, sent + 6, 6), "answers somebody else");
	if (sent_is_ip && is_right(&before) && read_frame_upper(bytes, length, &after) && (is_icmp(&after) || after.protocol == 17))
		must(is_right(&after), "answers with a wrong checksum");
}

/* -- ways -- */

struct way {
	const uint8_t *bytes; /* the frame, without outer headers */
	uint32_t length;
	uint32_t segment;
	const struct station *unit; /* null: it goes to a VTEP: */
	uint32_t vtep;
};

static struct way way_of(const struct frame *frame)
{
	struct way way = { frame->bytes, frame->length, 0, unit_at(frame->ifindex), 0 };

	if (way.unit) {
		must(way.unit->vlan == (frame->has_tag ? frame->tag & 0xfff : 0), "has not the tag of the port");
		way.segment = way.unit->segment;
	} else if (frame->ifindex == MUX_IFINDEX) {
		must(frame->has_key, "goes to a tunnel without a key");
		way.segment = frame->key.tunnel_id;
		way.vtep = __builtin_bswap32(frame->key.remote_ipv4);
	} else {
		must(frame->ifindex == UNDERLAY_IFINDEX && frame->length > 64 && u16(frame->bytes + 12) == 0x0800 && frame->bytes[23] == 17 &&
			     u16(frame->bytes + 36) == 4789,
		     "leaves by no device of its segment");
		way.segment = (uint32_t)(frame->bytes[46] << 16 | frame->bytes[47] << 8 | frame->bytes[48]);
		memcpy(&way.vtep, frame->bytes + 30, 4);
		way.bytes += 50;
		way.length -= 50;
	}
	must(way.length >= 14, "is shorter than an Ethernet header");
	return way;
}

static void judge_sender_vtep(void)
{
	if (sender || segment == OUTSIDE)
		return;
	if (memcmp(sent + 6, gateway, 6))
		judge_vtep(sent + 6);
	else
		must(from == IPV4(192, 0, 2, 2) || from == IPV4(192, 0, 2, 3), "came from no host that routes into the subnet");
}

/* To one station: the one that the frame's MAC says. Else to all of the sender's subnet. */
static const struct station *station_at(const struct way *way)
{
	for (int i = PLAIN_STATIONS; i < STATIONS; i++)
		if (stations[i].segment == way->segment && !memcmp(stations[i].mac, way->bytes, 6) && stations[i].vtep == way->vtep)
			return way->unit && way->unit != &stations[i] ? 0 : &stations[i];
	return 0;
}

/* A frame within a subnet. */
static void judge_bridged(const struct way *way)
{
	must(way->segment == segment, "is of another segment");
	must(sender || way->unit, "goes from a tunnel into a tunnel");
	if (!(way->bytes[0] & 1))
		must(station_at(way), "is for another station");
	judge_inner(way->bytes, way->length);
}

/* What comes of the source on the way out. */
static void judge_public(const struct station *inside)
{
	uint8_t last = public_last(after.from);
	uint16_t port = before.length >= 8 && is_icmp(&before) ? u16(after.bytes + 4) : after.length >= 4 ? u16(after.bytes) : 0;

	must(inside && is_v4(after.from) == is_v4(before.from), "leaves without being of a station");
	must(last == (inside->nat == NAT_OWN ? inside->public_last : inside->nat == NAT_SHARED ? SHARED_LAST : 0), "has a public address of others");
	if (last == SHARED_LAST && !after.is_later && !is_icmp_error(&after))
		note_port(inside, after.protocol, port);
}

static void judge_hops(void)
{
	must(!sender || (before.ttl >= 2 && after.ttl == before.ttl - 1), "has not lost one hop");
	must(sender || after.ttl == before.ttl, "has lost a hop twice");
}

/* Whom a packet to a public address of this host is for. Null: nobody knows yet. */
static const struct station *whom_public_means(void)
{
	uint8_t last = public_last(before.to);
	uint16_t port = before.length < 4 || before.is_later ? 0 : u16(before.bytes + 2);

	if (last != SHARED_LAST)
		return has_public(last);
	return before.is_later || is_icmp(&before) ? 0 : owner_of_port(before.protocol, port);
}

static bool is_nat_host(const struct way *way)
{
	return sender && !way->unit && way->segment == segment && way->vtep == NAT_HOST && !memcmp(way->bytes, gateway, 6);
}

static void judge_to_nat_host(void)
{
	const struct station *inside = owner_in(VPC_A, before.from);

	must(inside && inside->nat == NAT_ELSEWHERE, "goes to a NAT of others");
	must(!memcmp(before.from, after.from, 16) && !memcmp(before.to, after.to, 16), "has other addresses");
}

static void judge_turned(const struct way *way, const struct station *to)
{
	const struct station *wanted = whom_public_means();

	must(segment != PINK, "turns back from a NAT of others");
	must(!wanted || wanted == to, "goes to another than its public address means");
	must(to->vpc == VPC_A && (!memcmp(after.to, to->v4, 16) || !memcmp(after.to, to->v6, 16)), "is for another address");
	if (segment == OUTSIDE) {
		uint32_t vpc;

		must(!memcmp(before.from, after.from, 16), "has another source");
		must(!public_last(before.from), "comes from outside with a public address of this host");
		must(leads(way->segment, before.from, &vpc) == OUTWARD, "comes from outside with the address of a station");
	} else {
		judge_public(owner_in(VPC_A, before.from));
	}
}

static void judge_routed_to(const struct way *way, const struct station *to)
{
	uint32_t vpc;
	enum leads where = leads(segment, before.to, &vpc);

	must(sender && !memcmp(before.from, after.from, 16) && !memcmp(before.to, after.to, 16), "has other addresses");
	must(where == TO_VPC || where == TO_ROUTER, "has crossed where no route leads");
	must(vpc_of_segment(way->segment) == vpc, "has come to another VPC");
	must(where == TO_ROUTER ? to->segment == GREEN && !to->checked : owner_in(vpc, before.to) == to, "goes to another station");
}

/* A packet to the gateway's MAC, or from a wire. */
static void judge_crossed(const struct way *way)
{
	const struct station *to = station_at(way);

	must(sent_is_ip && read_frame_upper(way->bytes, way->length, &after), "is no IP packet, but was routed");
	must(segment == OUTSIDE || !memcmp(sent, gateway, 6), "was routed without being for the gateway");
	must(!sender || !sender->checked || may_use(before.from), "was routed with the source of another");
	judge_hops();
	judge_sums();
	if (is_nat_host(way))
		return judge_to_nat_host();
	must(!memcmp(way->bytes + 6, gateway, 6), "is not from the gateway");
	must(to, "is for another station");
	if (segment == OUTSIDE || public_last(before.to))
		judge_turned(way, to);
	else
		judge_routed_to(way, to);
}

static void judge_wire(const struct frame *frame)
{
	uint32_t vpc;

	must(sent_is_ip && read_frame_upper(frame->bytes, frame->length, &after), "leaves by the wire and is no IP packet");
	must(!memcmp(sent, gateway, 6), "leaves by the wire without being for the gateway");
	must(!sender || !sender->checked || may_use(before.from), "leaves with the source of another");
	must(segment != PINK && leads(segment, before.to, &vpc) == OUTWARD, "leaves where no route leads outside");
	must(!memcmp(before.to, after.to, 16) && !public_last(after.to), "leaves for another address");
	judge_sender_vtep();
	judge_sums();
	judge_public(owner_in(VPC_A, before.from));
	judge_uplink(frame->bytes, frame->length);
}

/* An answer to the sender, and not its own packet that turns back. */
static bool is_answer(const struct way *way)
{
	if (sender ? way->unit != sender : way->unit || way->segment != segment || way->vtep != from || memcmp(way->bytes, sent + 6, 6))
		return false;
	if (!sent_is_ip || !read_frame_upper(way->bytes, way->length, &after))
		return true;
	return !public_last(before.to) || (is_icmp_error(&after) && !is_icmp_error(&before));
}

void judge_routed(const struct frame *frame)
{
	struct way way;

	must(sent_may_leave || unit_at(frame->ifindex) == sender, "has left though the groups of its port refuse it");
	if (frame->ifindex == WIRE_IFINDEX && segment == OUTSIDE)
		return judge_answer(frame->bytes, frame->length);
	if (frame->ifindex == WIRE_IFINDEX)
		return judge_wire(frame);
	if (frame->ifindex == UNDERLAY_IFINDEX && frame->ingress)
		return;
	way = way_of(frame);
	if (segment != OUTSIDE && is_answer(&way))
		return judge_answer(way.bytes, way.length);
	must(sent_may_leave, "has left though the groups of its port refuse it");
	judge_sender_vtep();
	if (segment == OUTSIDE || !memcmp(sent, gateway, 6))
		judge_crossed(&way);
	else
		judge_bridged(&way);
	must(!way.unit || groups_allow(way.unit, false, way.bytes, way.length), "was delivered though the groups of the port refuse it");
}
