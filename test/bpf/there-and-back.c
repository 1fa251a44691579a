/*
 * Reads an entry by bpf/lib/entry.h, compiled for this machine, while its memory goes to another key and back, at the
 * moments that a kernel hits only now and then. Argument: in how many lookups that happens. Prints what was read.
 */
#include <stdio.h>
#include <stdlib.h>
#include "shadow/bpf/bpf_helpers.h"
#undef asm
#undef barrier
#define barrier() write_mine_again()
#define asm if (0) __asm__

static void write_mine_again(void);

#include "lib/entry.h"
#undef asm

#define MINE 5001u
#define OTHERS 5002u

static struct vpc_mux_entry memory;
static __u32 generation_value;
static int to_come;

/* What user space does for a write: the entry, then another generation. */
static void write_entry(__u32 key)
{
	memory = (struct vpc_mux_entry){ .key = key, .value.stats = key, .again = key };
	generation_value++;
}

static void write_mine_again(void)
{
	if (memory.key == OTHERS)
		write_entry(MINE);
}

/* The entry of the key is found; right then it is replaced, and its memory becomes the other key's. */
void *bpf_map_lookup_elem(void *map, const void *key)
{
	(void)key;
	if (map == &generation)
		return &generation_value;
	if (to_come-- > 0)
		write_entry(OTHERS);
	return &memory;
}

int main(int count, char **arguments)
{
	struct vpc_mux mux = {};
	__u32 key = MINE;

	write_entry(MINE);
	to_come = count > 1 ? atoi(arguments[1]) : 0;
	printf("%s\n", !read_entry(&muxes, &key, &mux) ? "nothing" : mux.stats == MINE ? "mine" : "another's");
	return 0;
}
