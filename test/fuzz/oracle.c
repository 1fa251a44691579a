/*
 * States which frames may leave the programs, apart from them: it reads a frame as the receiver will. A frame that may
 * not leave ends the process, and libFuzzer keeps the input.
 */
#include "judge.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct station *sender; /* null: a tunnel, or the wire */
uint32_t segment, from;
bool sent_on;
static const struct frame *judged;
static unsigned long count;

void from_unit(const struct station *station)
{
	sender = station;
	segment = station->segment;
}

void from_vtep(uint32_t vni, uint32_t vtep, bool forwarded)
{
	sender = 0;
	segment = vni;
	from = vtep;
	sent_on = forwarded;
}

static void tell_count(void)
{
	fprintf(stderr, "judged %lu frames\n", count);
}

_Noreturn void fault(const char *what)
{
	fprintf(stderr, "a frame was delivered to %u that %s:\n", judged->ifindex, what);
	for (uint32_t i = 0; i < judged->length && i < 400; i++)
		fprintf(stderr, "%02x%s", judged->bytes[i], i % 32 == 31 ? "\n" : " ");
	fprintf(stderr, "\n");
	abort();
}

const struct station *unit_at(uint32_t ifindex)
{
	for (int i = 0; i < STATIONS; i++)
		if (!stations[i].vtep && stations[i].ifindex == ifindex)
			return &stations[i];
	return 0;
}

const struct station *station_of(const uint8_t *mac)
{
	for (int i = 0; i < STATIONS; i++)
		if (stations[i].segment == segment && !memcmp(stations[i].mac, mac, 6))
			return &stations[i];
	return 0;
}

const struct station *owner_of(const uint8_t *address)
{
	for (int i = 0; i < STATIONS; i++)
		if (stations[i].segment == segment && (!memcmp(stations[i].v4, address, 16) || !memcmp(stations[i].v6, address, 16)))
			return &stations[i];
	return 0;
}

/* The address that a host makes of a MAC. */
static bool is_link_local_of(const uint8_t *address, const uint8_t *mac)
{
	const uint8_t expected[16] = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5] };

	return !memcmp(address, expected, 16);
}

/* Link-local addresses that hosts chose for themselves (RFC 7217): whose they are in this run. */
static struct {
	uint8_t address[16];
	const struct station *owner;
} chosen[16];
static int chosen_count;

void begin_judging(void)
{
	chosen_count = 0;
	begin_routed();
}

/* A host may choose an address that no MAC makes; an address that another host has sent from is not free. */
static bool may_choose(const uint8_t *address)
{
	if (address[11] == 0xff && address[12] == 0xfe)
		return false;
	for (int i = 0; i < chosen_count; i++)
		if (!memcmp(chosen[i].address, address, 16))
			return chosen[i].owner == sender || chosen[i].owner->segment != segment;
	if (chosen_count == 16)
		return true;
	memcpy(chosen[chosen_count].address, address, 16);
	chosen[chosen_count++].owner = sender;
	return true;
}

static bool is_made_of_another_mac(const uint8_t *address)
{
	for (int i = 0; i < STATIONS; i++)
		if (&stations[i] != sender && stations[i].segment == segment && is_link_local_of(address, stations[i].mac))
			return true;
	return false;
}

/* Whether the sender may call an address its own. Without a list: all that nobody else has. */
bool may_use(const uint8_t *address)
{
	const struct station *owner = owner_of(address);

	if (is_link_local_of(address, sender->mac))
		return true;
	if (!sender->listed)
		return (!owner || owner == sender) && !is_made_of_another_mac(address);
	return owner == sender || (address[0] == 0xfe && (address[1] & 0xc0) == 0x80 && may_choose(address));
}

static void judge_ports(const uint8_t *udp, uint32_t length, uint16_t client, uint16_t server)
{
	if (length < 4)
		return;
	must(u16(udp) != server && u16(udp + 2) != client, "comes from a DHCP server");
}

/* A receiver cuts off what lies behind the packet; one beyond 64 KiB has no length. */
static uint32_t trimmed(uint32_t length, uint32_t says) { return says && says < length ? says : length; }

static void judge_ipv4(const uint8_t *ip, uint32_t length)
{
	uint8_t address[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	uint32_t header;
	bool first;

	must(length >= 20 && ip[0] >> 4 == 4, "is no IPv4 packet but says so");
	length = trimmed(length, u16(ip + 2));
	header = (ip[0] & 15) * 4;
	must(header >= 20 && header <= length, "has no whole IPv4 header");
	first = !(u16(ip + 6) & 0x1fff);
	memcpy(address + 12, ip + 12, 4);
	if (!memcmp(ip + 12, "\0\0\0\0", 4))
		must(first && ip[9] == 17 && length >= header + 4 && u16(ip + header) == 68 && u16(ip + header + 2) == 67, "has no IPv4 source");
	else
		must(may_use(address), "has the IPv4 source of another");
	if (first && ip[9] == 17)
		judge_ports(ip + header, length - header, 68, 67);
	if (first && ip[9] == 1 && length > header)
		must(ip[header] != 5 && ip[header] != 9, "redirects or is a router's (ICMP)");
}

static void judge_nd(const uint8_t *nd, uint32_t length, const uint8_t *source)
{
	static const uint8_t nobody[16];
	uint32_t at = 24;

	if (length < 24)
		return;
	if (nd[0] == 136)
		must(may_use(nd + 8), "advertises the address of another");
	else if (memcmp(source, nobody, 16))
		must(may_use(source), "asks in the name of another");
	while (at + 8 <= length && nd[at + 1]) {
		if (nd[at] == 1 || nd[at] == 2)
			must(!memcmp(nd + at + 2, sender->mac, 6), "binds an address to the MAC of another (ND option)");
		at += nd[at + 1] * 8;
	}
}

static void judge_icmpv6(const uint8_t *icmp, uint32_t length, const uint8_t *source)
{
	if (!length)
		return;
	must(icmp[0] != 134 && icmp[0] != 137, "redirects or is a router's (ICMPv6)");
	if (icmp[0] == 135 || icmp[0] == 136)
		judge_nd(icmp, length, source);
}

static bool is_extension(uint8_t next)
{
	return next == 0 || next == 43 || next == 44 || next == 51 || next == 60 || next == 135 || next == 139 || next == 140;
}

/* The header above IPv6, and how much is left from there; protocol 59 (none): it lies in another fragment. */
const uint8_t *above_ipv6(const uint8_t *ip, uint32_t *length, uint8_t *protocol)
{
	uint32_t at = 40;
	uint8_t next = ip[6], kind;

	while (is_extension(next) && at + 8 <= *length) {
		kind = next;
		if (kind == 44 && u16(ip + at + 2) & 0xfff8) {
			next = 59;
			break;
		}
		next = ip[at];
		at += kind == 44 ? 8 : kind == 51 ? (ip[at + 1] + 2u) * 4 : (ip[at + 1] + 1u) * 8;
	}
	*protocol = next;
	*length = *length > at ? *length - at : 0;
	return ip + at;
}

static void judge_ipv6(const uint8_t *ip, uint32_t length)
{
	static const uint8_t nobody[16];
	const uint8_t *upper;
	uint8_t protocol;
	bool asks;

	must(length >= 40 && ip[0] >> 4 == 6, "is no IPv6 packet but says so");
	length = trimmed(length, u16(ip + 4) ? 40 + u16(ip + 4) : 0);
	upper = above_ipv6(ip, &length, &protocol);
	/* What a host may say before it has an address: MLD, a router solicitation, a probe for duplicates. */
	asks = protocol == 58 && length && (upper[0] == 131 || upper[0] == 132 || upper[0] == 143 || upper[0] == 133 || upper[0] == 135);
	if (memcmp(ip + 8, nobody, 16))
		must(may_use(ip + 8), "has the IPv6 source of another");
	else
		must(asks, "has no IPv6 source");
	if (protocol == 58)
		judge_icmpv6(upper, length, ip + 8);
	if (protocol == 17)
		judge_ports(upper, length, 546, 547);
}

static void judge_arp(const uint8_t *arp, uint32_t length)
{
	uint8_t address[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	must(length >= 28, "is no ARP packet but says so");
	must(!memcmp(arp + 8, sender->mac, 6), "binds an address to the MAC of another (ARP)");
	memcpy(address + 12, arp + 14, 4);
	if (memcmp(arp + 14, "\0\0\0\0", 4))
		must(may_use(address), "claims the address of another (ARP)");
}

/* A frame of a unit whose sender is checked. */
static void judge_checked(const uint8_t *bytes, uint32_t length)
{
	must(!memcmp(bytes + 6, sender->mac, 6), "has the source MAC of another");
	switch (u16(bytes + 12)) {
	case 0x0800:
		return judge_ipv4(bytes + 14, length - 14);
	case 0x86dd:
		return judge_ipv6(bytes + 14, length - 14);
	case 0x0806:
		return judge_arp(bytes + 14, length - 14);
	case 0x8100:
	case 0x88a8:
	case 0x9100:
		fault("bears a tag inside the segment");
	}
}

static bool is_vtep_of_segment(uint32_t vtep)
{
	for (int i = 0; i < STATIONS; i++)
		if (stations[i].segment == segment && stations[i].vtep && stations[i].vtep == vtep)
			return true;
	return false;
}

/* It came from a VTEP of its VNI; what a known station sent, from that station's own. */
void judge_vtep(const uint8_t *source)
{
	const struct station *claimed = station_of(source);

	must(is_vtep_of_segment(from), "came from no VTEP of its VNI");
	must(!claimed || !claimed->vtep || sent_on || claimed->vtep == from, "came from another VTEP than its sender is behind");
}

/* A frame out of a tunnel. No unit of this host is behind one: in this scene no guest is on its way. */
static void judge_tunnelled(const uint8_t *bytes)
{
	const struct station *claimed = station_of(bytes + 6);
	uint8_t address[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	must(!claimed || claimed->vtep, "came out of a tunnel and has the source MAC of a unit of this host");
	if (u16(bytes + 12) == 0x0806) {
		const struct station *owner;

		/* A known station may announce an address that a local port lists as well: it has moved there. */
		bool announced = claimed && bytes[0] & 1 && (bytes[21] == 2 || !memcmp(bytes + 28, bytes + 38, 4));

		memcpy(address + 12, bytes + 28, 4);
		owner = owner_of(address);
		must(!owner || owner->vtep || !memcmp(owner->mac, bytes + 6, 6) || (announced && owner->listed),
		     "came out of a tunnel and claims the address of a unit of this host");
	}
}

void judge_inner(const uint8_t *bytes, uint32_t length)
{
	count += !is_routed(segment);
	must(length >= 14, "is shorter than an Ethernet header");
	if (!sender)
		judge_tunnelled(bytes);
	else if (sender->checked)
		judge_checked(bytes, length);
}

/* Only a mux sends to the mux's port of a VTEP: this host's, or one of the other two. */
void judge_uplink(const uint8_t *bytes, uint32_t length)
{
	uint32_t header = (bytes[14] & 15) * 4;

	if (length < 34 || u16(bytes + 12) != 0x0800 || bytes[23] != 17 || memcmp(bytes + 30, "\300\0\2", 3) || bytes[33] < 1 || bytes[33] > 3)
		return;
	must(!(u16(bytes + 20) & 0x1fff), "is a fragment for a VTEP");
	must(length < 14 + header + 4 || u16(bytes + 14 + header + 2) != 4789, "is for the port of a VTEP");
}

void judge_unit(const struct frame *frame, const struct station *unit)
{
	const uint8_t *mac = frame->bytes;

	must(unit->segment == segment, "is of another segment");
	must(unit->vlan == (frame->has_tag ? frame->tag & 0xfff : 0), "has not the tag of the port");
	must(mac[0] & 1 || !memcmp(mac, unit->mac, 6), "is for another station");
}

/* Written by a program itself: the outer header must lead to the VTEP of the frame's destination. */
static void judge_outer(const struct frame *frame)
{
	const uint8_t *bytes = frame->bytes;
	const struct station *to;

	must(frame->length > 64 && u16(bytes + 12) == 0x0800 && bytes[23] == 17 && u16(bytes + 36) == 4789, "is no VXLAN packet");
	must((uint32_t)(bytes[46] << 16 | bytes[47] << 8 | bytes[48]) == segment, "has the VNI of another segment");
	to = station_of(bytes + 50);
	must(to && to->vtep && !memcmp(&to->vtep, bytes + 30, 4), "goes to the wrong VTEP");
}

void delivered(const struct frame *frame)
{
	const struct station *unit = unit_at(frame->ifindex);

	static bool first = true;

	if (first)
		atexit(tell_count);
	first = false;
	judged = frame;
	if (is_routed(segment)) {
		count++;
		return judge_routed(frame);
	}
	/* On to the host's own stack, or back to where it came from as an answer. */
	if (sender ? unit == sender : frame->ifindex == UNDERLAY_IFINDEX && frame->ingress)
		return;
	if (!sender)
		judge_vtep(frame->bytes + (frame->ifindex == MUX_IFINDEX ? 0 : 6));
	if (!sender && frame->ifindex == MUX_IFINDEX)
		return;
	if (unit) {
		judge_unit(frame, unit);
		judge_inner(frame->bytes, frame->length);
		return;
	}
	if (frame->ifindex == UPLINK_IFINDEX) {
		must(segment == RED, "leaves by the uplink of another segment");
		must(sender || (station_of(frame->bytes + 6) && station_of(frame->bytes + 6)->vtep), "came back to a wire, from a stranger");
		judge_uplink(frame->bytes, frame->length);
		judge_inner(frame->bytes, frame->length);
		return;
	}
	must(sender, "goes from a tunnel into a tunnel");
	if (frame->ifindex == UNDERLAY_IFINDEX) {
		judge_outer(frame);
		judge_inner(frame->bytes + 50, frame->length - 50);
		return;
	}
	must(frame->ifindex == MUX_IFINDEX && frame->has_key && frame->key.tunnel_id == segment, "leaves by no device of its segment");
	judge_inner(frame->bytes, frame->length);
}
