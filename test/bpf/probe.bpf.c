// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A small program for the tests of src/kernel: one of everything that the loader must be able to do. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

struct key {
	__u32 segment;
	__u8 mac[6];
	__u8 pad[2];
};

struct value {
	__u64 packets;
	struct {
		__u16 low;
		__u16 high;
	} range[3];
	__u32 pad;
};

enum colour { RED = 1, GREEN = 7, BLUE = -1 };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct key);
	__type(value, struct value);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

const volatile __u32 answer = 1;
const volatile __u64 large = 2;
const volatile __s8 small = 3;
enum colour colour = GREEN;

/* Answers with a constant, counts by CPU, and tells the length of the packet. */
SEC("tc")
int probe(struct __sk_buff *skb)
{
	struct key key = {};
	struct value *value;
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&counts, &zero);
	__u64 *record;

	if (count)
		*count += 1;
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (record) {
		*record = skb->len + large;
		bpf_ringbuf_submit(record, 0);
	}
	skb->cb[0] = skb->ifindex;
	key.segment = skb->ifindex;
	value = bpf_map_lookup_elem(&table, &key);
	skb->cb[1] = value ? value->range[1].high : 0;
	if (skb->mark)
		return bpf_redirect(skb->mark, 0);
	return answer + small;
}

/* Another one, to replace it with. */
SEC("tc")
int shot(struct __sk_buff *skb)
{
	return colour == GREEN ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
