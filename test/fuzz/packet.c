/* The packet of a fuzzed program, and the helpers that work on it; see kernel.h. */
#include "kernel.h"
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "../../bpf/lib/kernel-skb.h"

#define HEADROOM 256u
#define TAILROOM 1024u
#define ROOM (HEADROOM + LARGEST_PACKET + TAILROOM)
#define TC_REDIRECT TC_ACT_REDIRECT
#define EFAULT 14
#define EINVAL 22

/* Its memory lies below 4 GiB, where struct __sk_buff can point to, and what a program may not touch is poisoned. */

static struct __sk_buff skb;
static struct sk_buff inner;
static struct skb_shared_info *shared;
static struct net_device device;
static uint8_t *memory;
static uint32_t data, length, linear; /* data: from memory on */
static struct bpf_tunnel_key arrived_key, set_key;
uint8_t sent_bytes[LARGEST_PACKET];
uint32_t sent_length;
static bool arrived, arrived_ipv6, has_set_key;
static uint32_t redirect_to;
static bool redirected;

static void open_packet(void) { ASAN_UNPOISON_MEMORY_REGION(memory, ROOM); }

/* Shows the program the packet as it is now. */
static void close_packet(void)
{
	uint8_t *bytes = memory + data;

	skb.data = (uint32_t)(uintptr_t)bytes;
	skb.data_end = skb.data + linear;
	skb.len = length;
	memcpy(&skb.protocol, bytes + 12, 2);
	skb.protocol &= 0xffff;
	if (skb.vlan_present)
		skb.protocol = skb.vlan_proto;
	inner.head = memory;
	inner.data = bytes;
	ASAN_POISON_MEMORY_REGION(memory, data);
	ASAN_POISON_MEMORY_REGION(bytes + linear, ROOM - data - linear);
}

static void take_memory(void)
{
	if (memory)
		return;
	memory = mmap((void *)0x20000000, ROOM + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || (uintptr_t)memory >> 32) {
		fprintf(stderr, "no memory below 4 GiB for the packet\n");
		exit(2);
	}
	shared = (void *)(memory + ((ROOM + 63) & ~63u));
	inner.end = (uint32_t)((uint8_t *)shared - memory);
}

void *bpf_cast_to_kern_ctx(void *context)
{
	(void)context;
	return &inner;
}

void *bpf_rdonly_cast(const void *object, __u32 type)
{
	(void)type;
	return (void *)object;
}

bool packet_is_partial(void) { return inner.ip_summed == CHECKSUM_PARTIAL; }

/* What the final sender does to the packet: it fills in the open checksum. */
static void fill_in_checksum(uint8_t *bytes)
{
	uint32_t from = inner.csum_start - data, at = from + inner.csum_offset;
	uint64_t sum = 0;

	if (inner.ip_summed != CHECKSUM_PARTIAL || inner.csum_start < data || at + 2 > length)
		return;
	for (uint32_t i = from; i < length; i++)
		sum += (i - from) & 1 ? bytes[i] : bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	bytes[at] = (uint8_t)(~sum >> 8);
	bytes[at + 1] = (uint8_t)~sum;
}

struct __sk_buff *packet_arrives(const struct start *start)
{
	take_memory();
	open_packet();
	data = HEADROOM;
	length = start->length;
	linear = start->linear < length ? start->linear : length;
	memset(memory, 0, ROOM);
	memcpy(memory + data, start->bytes, length);
	skb = (struct __sk_buff){ .ifindex = start->ifindex, .ingress_ifindex = start->ifindex, .gso_size = start->gso_size,
				  .gso_segs = start->gso_size ? length / start->gso_size + 1 : 0, .pkt_type = start->pkt_type, .hash = 77 };
	device.type = 1;
	inner.dev = &device;
	inner.ip_summed = start->partial ? CHECKSUM_PARTIAL : start->summed ? CHECKSUM_UNNECESSARY : 0;
	inner.csum_start = (uint16_t)(HEADROOM + start->csum_start);
	inner.csum_offset = start->csum_offset;
	inner.inner_transport_header = (uint16_t)(HEADROOM + start->csum_start);
	inner.encapsulation = inner.sw_hash = 0;
	inner.l4_hash = 1;
	shared->gso_type = start->gso_size ? start->gso_type : 0;
	arrived = start->tunnelled;
	arrived_ipv6 = start->key_is_ipv6;
	arrived_key = start->key;
	has_set_key = redirected = false;
	sent_length = length;
	memcpy(sent_bytes, start->bytes, length);
	fill_in_checksum(sent_bytes);
	close_packet();
	return &skb;
}

static void leave(uint32_t ifindex, uint64_t flags)
{
	static uint8_t copy[ROOM];
	struct frame frame = { .bytes = copy, .length = length, .ifindex = ifindex, .ingress = flags & BPF_F_INGRESS,
			       .tag = (uint16_t)skb.vlan_tci, .has_tag = skb.vlan_present, .has_key = has_set_key, .key = set_key };

	open_packet();
	memcpy(copy, memory + data, length);
	close_packet();
	fill_in_checksum(copy);
	delivered(&frame);
}

long bpf_clone_redirect(struct __sk_buff *context, __u32 ifindex, __u64 flags)
{
	(void)context;
	leave(ifindex, flags);
	return 0;
}

long bpf_redirect(__u32 ifindex, __u64 flags)
{
	(void)flags;
	redirect_to = ifindex;
	redirected = true;
	return TC_REDIRECT;
}

long bpf_redirect_peer(__u32 ifindex, __u64 flags) { return bpf_redirect(ifindex, flags); }

/* The kernel would write the next hop's MAC. */
long bpf_redirect_neigh(__u32 ifindex, struct bpf_redir_neigh *next, int size, __u64 flags)
{
	(void)next;
	(void)size;
	return bpf_redirect(ifindex, flags);
}

void packet_leaves(int action)
{
	if (action == TC_REDIRECT && redirected)
		leave(redirect_to, 0);
}

/* -- helpers that work on the packet -- */

long bpf_skb_load_bytes(const void *context, __u32 offset, void *to, __u32 size)
{
	(void)context;
	if (offset > length || size > length - offset) {
		memset(to, 0, size);
		return -EFAULT;
	}
	open_packet();
	memcpy(to, memory + data + offset, size);
	close_packet();
	return 0;
}

long bpf_skb_store_bytes(struct __sk_buff *context, __u32 offset, const void *from, __u32 size, __u64 flags)
{
	(void)context, (void)flags;
	if (offset > length || size > length - offset)
		return -EFAULT;
	open_packet();
	memcpy(memory + data + offset, from, size);
	if (linear < offset + size)
		linear = offset + size;
	close_packet();
	return 0;
}

long bpf_skb_pull_data(struct __sk_buff *context, __u32 size)
{
	(void)context;
	if (size > length)
		return -EFAULT;
	open_packet();
	linear = size > linear ? size : linear;
	close_packet();
	return 0;
}

long bpf_skb_change_tail(struct __sk_buff *context, __u32 size, __u64 flags)
{
	(void)context, (void)flags;
	if (size < ETH_HLEN || size > LARGEST_PACKET)
		return -EINVAL;
	/* The kernel does not cut a packet shorter than the checksum that is left to be filled in. */
	if (inner.ip_summed == CHECKSUM_PARTIAL && inner.csum_start - data + inner.csum_offset + 2u > size)
		return -EINVAL;
	open_packet();
	if (size > length)
		memset(memory + data + length, 0, size - length);
	length = size;
	linear = linear < length ? linear : length;
	skb.gso_size = skb.gso_segs = 0;
	close_packet();
	return 0;
}

long bpf_skb_change_type(struct __sk_buff *context, __u32 type)
{
	context->pkt_type = type;
	return 0;
}

/* Moves the bytes before `at` by `difference` to the front (more room) or to the back (less). */
static void shift_head(int32_t difference, uint32_t at)
{
	memmove(memory + data - difference, memory + data, at);
	data -= difference;
	length += difference;
	linear += difference;
}

long bpf_skb_adjust_room(struct __sk_buff *context, __s32 difference, __u32 mode, __u64 flags)
{
	(void)context, (void)mode, (void)flags;
	if (difference > 200 || length < ETH_HLEN || (difference < 0 && length < ETH_HLEN + (uint32_t)-difference + 20))
		return -EINVAL;
	open_packet();
	if (difference < 0 && linear < ETH_HLEN + (uint32_t)-difference)
		linear = ETH_HLEN + (uint32_t)-difference;
	if (linear < ETH_HLEN)
		linear = ETH_HLEN;
	shift_head(difference, ETH_HLEN);
	close_packet();
	return 0;
}

long bpf_skb_vlan_push(struct __sk_buff *context, __be16 protocol, __u16 tci)
{
	(void)context;
	open_packet();
	if (skb.vlan_present) {
		uint16_t tag[2] = { (uint16_t)skb.vlan_proto, __builtin_bswap16((uint16_t)skb.vlan_tci) };

		shift_head(4, 12);
		memcpy(memory + data + 12, tag, 4);
	}
	skb.vlan_present = 1;
	skb.vlan_proto = protocol;
	skb.vlan_tci = tci;
	close_packet();
	return 0;
}

/* A tag in the packet moves out of it, beside it. */
static bool take_tag(void)
{
	uint16_t tag[2];

	memcpy(tag, memory + data + 12, 4);
	if (length < 18 || (tag[0] != __builtin_bswap16(ETH_P_8021Q) && tag[0] != __builtin_bswap16(ETH_P_8021AD)))
		return false;
	if (linear < 18)
		linear = 18;
	shift_head(-4, 12);
	skb.vlan_present = 1;
	skb.vlan_proto = tag[0];
	skb.vlan_tci = __builtin_bswap16(tag[1]);
	return true;
}

long bpf_skb_vlan_pop(struct __sk_buff *context)
{
	(void)context;
	open_packet();
	if (skb.vlan_present || take_tag()) {
		skb.vlan_present = skb.vlan_proto = skb.vlan_tci = 0;
		take_tag();
	}
	close_packet();
	return 0;
}

long bpf_skb_set_tunnel_key(struct __sk_buff *context, struct bpf_tunnel_key *key, __u32 size, __u64 flags)
{
	(void)context, (void)size, (void)flags;
	set_key = *key;
	has_set_key = true;
	return 0;
}

long bpf_skb_get_tunnel_key(struct __sk_buff *context, struct bpf_tunnel_key *key, __u32 size, __u64 flags)
{
	(void)context;
	if (!arrived || arrived_ipv6 != !!(flags & BPF_F_TUNINFO_IPV6)) {
		memset(key, 0, size);
		return -EINVAL;
	}
	memcpy(key, &arrived_key, size);
	return 0;
}

/* No port of the fuzzers has limits: nothing is marked. */
long bpf_skb_ecn_set_ce(struct __sk_buff *context)
{
	(void)context;
	return 0;
}

__u32 bpf_get_hash_recalc(struct __sk_buff *context) { return context->hash; }

long bpf_set_hash(struct __sk_buff *context, __u32 hash)
{
	context->hash = hash;
	return 0;
}
