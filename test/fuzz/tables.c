/* The tables and the clock of a fuzzed program: arrays are arrays, every other kind is a short list; see kernel.h. */
#include "kernel.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ENTRIES 64u
#define MOST_MAPS 128
#define ENOENT 2
#define E2BIG 7
#define EEXIST 17
#define EINVAL 22

struct map {
	void *address;
	uint32_t type, key_size, value_size, most, used, set;
	uint8_t *keys, *values;
};

static struct map maps[MOST_MAPS];
static int map_count;
static uint64_t now;

static bool is_array(const struct map *map)
{
	return map->type == BPF_MAP_TYPE_ARRAY || map->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

void register_map(void *address, uint32_t type, uint32_t key_size, uint32_t value_size, uint32_t max_entries)
{
	struct map *map = &maps[map_count++];

	if (map_count > MOST_MAPS)
		abort();
	*map = (struct map){ address, type, key_size, value_size, is_array(map) ? max_entries : MOST_ENTRIES, 0, 0, 0, 0 };
	map->most = is_array(map) ? max_entries : MOST_ENTRIES;
	if (type == BPF_MAP_TYPE_RINGBUF)
		return;
	map->values = calloc(map->most, value_size);
	map->keys = is_array(map) ? 0 : calloc(map->most, key_size);
}

static struct map *map_at(void *address)
{
	for (int i = 0; i < map_count; i++)
		if (maps[i].address == address)
			return &maps[i];
	fprintf(stderr, "a program uses a map that is not registered\n");
	abort();
}

void *bpf_map_lookup_elem(void *address, const void *key)
{
	struct map *map = map_at(address);

	if (is_array(map))
		return *(const uint32_t *)key < map->most ? map->values + *(const uint32_t *)key * map->value_size : 0;
	for (uint32_t i = 0; i < map->used; i++)
		if (!memcmp(map->keys + i * map->key_size, key, map->key_size))
			return map->values + i * map->value_size;
	return 0;
}

long bpf_map_update_elem(void *address, const void *key, const void *value, __u64 flags)
{
	struct map *map = map_at(address);
	void *known = bpf_map_lookup_elem(address, key);

	if (known && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!known && flags == BPF_EXIST)
		return -ENOENT;
	if (!known && map->used == map->most)
		return -E2BIG;
	if (!known) {
		memcpy(map->keys + map->used * map->key_size, key, map->key_size);
		known = map->values + map->used++ * map->value_size;
	}
	memcpy(known, value, map->value_size);
	return 0;
}

long bpf_map_delete_elem(void *address, const void *key)
{
	(void)address, (void)key;
	return -EINVAL;
}

void tables_are_set(void)
{
	for (int i = 0; i < map_count; i++)
		maps[i].set = maps[i].used;
}

void begin_run(uint64_t now_ns)
{
	now = now_ns;
	for (int i = 0; i < map_count; i++)
		maps[i].used = maps[i].set;
}

void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags)
{
	(void)ring, (void)flags;
	return malloc(size);
}

void bpf_ringbuf_submit(void *data, __u64 flags)
{
	(void)flags;
	free(data);
}

void bpf_ringbuf_discard(void *data, __u64 flags)
{
	bpf_ringbuf_submit(data, flags);
}

__u64 bpf_ringbuf_query(void *ring, __u64 flags)
{
	(void)ring;
	return flags == BPF_RB_RING_SIZE ? 1 << 20 : 0;
}

__u64 bpf_ktime_get_ns(void) { return now += 1000; }
__u64 bpf_ktime_get_coarse_ns(void) { return now; }
__u64 bpf_jiffies64(void) { return now / 4000000; }
__u32 bpf_get_prandom_u32(void) { return (uint32_t)now * 2654435761u; }
__u32 bpf_get_smp_processor_id(void) { return 0; }

long bpf_loop(__u32 rounds, void *callback, void *context, __u64 flags)
{
	long (*step)(__u32, void *) = callback;

	(void)flags;
	for (__u32 i = 0; i < rounds; i++)
		if (step(i, context))
			return i + 1;
	return rounds;
}
