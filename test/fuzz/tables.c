/*
 * The tables and the clock of a fuzzed program: arrays are arrays, every other kind is a short list; see kernel.h. An
 * array inside of a table of tables has too many places for that: it is a list as well, of the places that were asked
 * for.
 */
#include "kernel.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ENTRIES 64u
#define MOST_PLACES 1024u
#define MOST_MAPS 128
#define ENOENT 2
#define E2BIG 7
#define EEXIST 17
#define EINVAL 22

struct map {
	void *address;
	uint32_t type, key_size, value_size, most, places, used, set;
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
	*map = (struct map){ .address = address, .type = type, .key_size = key_size, .value_size = value_size };
	map->places = max_entries;
	map->most = is_array(map) ? max_entries : type == INNER_ARRAY ? MOST_PLACES : MOST_ENTRIES;
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

static void *value_at(const struct map *map, uint32_t i) { return map->values + i * map->value_size; }

/* The number of an entry; `used`: there is none. */
static uint32_t find(const struct map *map, const void *key)
{
	uint32_t i = 0;

	while (i < map->used && memcmp(map->keys + i * map->key_size, key, map->key_size))
		i++;
	return i;
}

/* The longest prefix of an address: keys begin with a length in bits. */
static void *find_prefix(const struct map *map, const uint8_t *wanted)
{
	uint32_t best = map->used, best_bits = 0, bits, bytes;

	for (uint32_t i = 0; i < map->used; i++) {
		const uint8_t *key = map->keys + i * map->key_size;

		memcpy(&bits, key, 4);
		bytes = bits / 8;
		if (memcmp(key + 4, wanted + 4, bytes) || (bits % 8 && (key[4 + bytes] ^ wanted[4 + bytes]) >> (8 - bits % 8)))
			continue;
		if (best == map->used || bits > best_bits) {
			best = i;
			best_bits = bits;
		}
	}
	return best == map->used ? 0 : value_at(map, best);
}

/* A place of an array that nobody has asked for yet is zero. */
static void *find_place(struct map *map, uint32_t place)
{
	uint32_t i = find(map, &place);

	if (place >= map->places || (i == map->used && map->used == map->most))
		return 0;
	if (i == map->used) {
		memcpy(map->keys + map->used++ * map->key_size, &place, 4);
		memset(value_at(map, i), 0, map->value_size);
	}
	return value_at(map, i);
}

void *bpf_map_lookup_elem(void *address, const void *key)
{
	struct map *map = map_at(address);
	uint32_t i;

	if (is_array(map))
		return *(const uint32_t *)key < map->most ? value_at(map, *(const uint32_t *)key) : 0;
	if (map->type == INNER_ARRAY)
		return find_place(map, *(const uint32_t *)key);
	if (map->type == BPF_MAP_TYPE_LPM_TRIE)
		return find_prefix(map, key);
	i = find(map, key);
	if (i == map->used)
		return 0;
	return map->type == BPF_MAP_TYPE_ARRAY_OF_MAPS ? *(void **)value_at(map, i) : value_at(map, i);
}

long bpf_map_update_elem(void *address, const void *key, const void *value, __u64 flags)
{
	struct map *map = map_at(address);
	uint32_t i = is_array(map) ? *(const uint32_t *)key : find(map, key);
	bool known = i < (is_array(map) ? map->most : map->used);

	if (known && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!known && flags == BPF_EXIST)
		return -ENOENT;
	if (!known && (is_array(map) || map->used == map->most))
		return -E2BIG;
	if (!known)
		memcpy(map->keys + map->used++ * map->key_size, key, map->key_size);
	memcpy(value_at(map, i), value, map->value_size);
	return 0;
}

long bpf_map_delete_elem(void *address, const void *key)
{
	struct map *map = map_at(address);
	uint32_t i = find(map, key), last = map->used - 1;

	if (i == map->used)
		return -ENOENT;
	if (i < map->set)
		return -EINVAL;
	memcpy(map->keys + i * map->key_size, map->keys + last * map->key_size, map->key_size);
	memcpy(value_at(map, i), value_at(map, last), map->value_size);
	map->used--;
	return 0;
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
