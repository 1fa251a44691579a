/* The kernel's helpers for checksums, and the sums by which the oracle compares packets; see kernel.h. */
#include "oracle.h"
#include <string.h>

#define EFAULT 14

/* No packet here has been summed up by a device. */
__s64 bpf_csum_update(struct __sk_buff *skb, __wsum sum)
{
	(void)skb;
	(void)sum;
	return -1;
}

__s64 bpf_csum_diff(__be32 *from, __u32 from_size, __be32 *to, __u32 to_size, __wsum seed)
{
	uint64_t sum = seed;
	uint32_t word;

	for (uint32_t i = 0; i < from_size; i += 4) {
		memcpy(&word, (uint8_t *)from + i, 4);
		sum += ~word;
	}
	for (uint32_t i = 0; i < to_size; i += 4) {
		memcpy(&word, (uint8_t *)to + i, 4);
		sum += word;
	}
	while (sum >> 32)
		sum = (sum & 0xffffffff) + (sum >> 32);
	return (__s64)sum;
}

long bpf_csum_level(struct __sk_buff *context, __u64 level)
{
	(void)context, (void)level;
	return 0;
}

/* A word of a checksum after a sum has changed by `change`, RFC 1624. */
static uint16_t changed_sum(uint16_t check, uint64_t change)
{
	uint64_t sum = (uint16_t)~check + change;

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint64_t sum_change(uint64_t from, uint64_t to, uint64_t size)
{
	return !size ? (to & 0xffff) + (to >> 16 & 0xffff) :
	       size == 2 ? (uint16_t)~from + (to & 0xffff) :
			   (uint16_t)~from + (uint16_t)~(from >> 16) + (to & 0xffff) + (to >> 16 & 0xffff);
}

long bpf_l3_csum_replace(struct __sk_buff *context, __u32 offset, __u64 from, __u64 to, __u64 size)
{
	uint16_t check;

	if (bpf_skb_load_bytes(context, offset, &check, 2))
		return -EFAULT;
	check = changed_sum(check, sum_change(from, to, size));
	return bpf_skb_store_bytes(context, offset, &check, 2, 0);
}

long bpf_l4_csum_replace(struct __sk_buff *context, __u32 offset, __u64 from, __u64 to, __u64 flags)
{
	uint64_t change = sum_change(from, to, flags & BPF_F_HDR_FIELD_MASK);
	uint16_t check;

	if (bpf_skb_load_bytes(context, offset, &check, 2))
		return -EFAULT;
	if (flags & BPF_F_MARK_MANGLED_0 && !check)
		return 0;
	if (!packet_is_partial())
		check = changed_sum(check, change);
	else if (flags & BPF_F_PSEUDO_HDR)
		check = (uint16_t)~changed_sum((uint16_t)~check, change);
	if (flags & BPF_F_MARK_MANGLED_0 && !check)
		check = 0xffff;
	return bpf_skb_store_bytes(context, offset, &check, 2, 0);
}

/* -- for the oracle: big-endian words, and no word of the programs -- */

static uint32_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff ? 0 : sum;
}

uint32_t sum_of(const uint8_t *bytes, uint32_t length)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < length; i++)
		sum += i & 1 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return folded(sum);
}
