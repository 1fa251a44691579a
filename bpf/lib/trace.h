/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Tracing: vpcd loads the objects a second time with vpc_trace = 1, on the same tables, and runs a packet through them
 * by BPF_PROG_TEST_RUN. The packet then has no effect: all writes to tables, all copies of packets and all events go
 * through the macros below, which do nothing here. Counters need no macro: the second load has counters of its own.
 *
 * vpc_trace is a constant to the verifier, which removes from the attached programs what only a trace does.
 *
 * To trace another stage: add it to enum vpc_trace_stage and to src/datapath/trace-layout.ts, and write one line
 * `trace(STAGE, value...)` where the decision is made. Such a line costs a packet a load, so keep it off the fast path:
 * slots (generation.h) never count in a trace, so a stage that fills a slot is always run through.
 */
#ifndef VPC_TRACE_H
#define VPC_TRACE_H

#include "maps.h"

/* Set by the loader. */
const volatile __u32 vpc_trace = 0;

/* What the stages have decided about one packet, and what a test run cannot give to a program. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vpc_trace_run);
} trace_run SEC(".maps");

static __always_inline struct vpc_trace_run *trace_of_run(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&trace_run, &zero);
}

/* Room for the record of a stage. */
static __noinline __attribute__((unused)) struct vpc_trace_record *trace_next(__u32 stage)
{
	struct vpc_trace_run *run = trace_of_run();
	__u32 place;

	if (!run)
		return 0;
	place = run->count++;
	if (place >= VPC_TRACE_RECORDS)
		return 0;
	run->record[place].stage = stage;
	return &run->record[place];
}

struct traced_address {
	__u32 word[4];
};

static __always_inline void put_address(__u8 *to, const void *from)
{
	*(struct traced_address *)to = from ? *(const struct traced_address *)from : (struct traced_address){};
}

static __always_inline void fill_record(struct vpc_trace_record *record, const __u32 *values, const void *first, const void *second)
{
	__builtin_memcpy(record->value, values, sizeof(record->value));
	put_address(record->first, first);
	put_address(record->second, second);
}

static __noinline __attribute__((unused)) int add_record(__u32 stage, __u32 a, __u32 b, __u32 c, __u32 d)
{
	const __u32 values[VPC_TRACE_VALUES] = { a, b, c, d };
	struct vpc_trace_record *record = trace_next(stage);

	if (record)
		fill_record(record, values, 0, 0);
	return 0;
}

#define first_four(stage, a, b, c, d, ...) add_record(stage, a, b, c, d)

/* Records what a stage has decided: up to four numbers. It takes no room on the caller's stack. */
#define trace(stage, ...) (vpc_trace ? first_four(stage, __VA_ARGS__, 0, 0, 0, 0) : 0)

/*
 * The same with up to seven numbers, and with addresses (null: none). Write it in a function of its own, __noinline,
 * and call that with traced(): the stack of all functions on a path is short.
 */
#define record_stage(stage_, first_, second_, ...)                                                                                  \
	do {                                                                                                                        \
		struct vpc_trace_record *record_ = trace_next(stage_);                                                              \
		const __u32 values_[VPC_TRACE_VALUES] = { __VA_ARGS__ };                                                            \
		if (record_)                                                                                                        \
			fill_record(record_, values_, first_, second_);                                                             \
	} while (0)

#define traced(call) (vpc_trace ? (call) : 0)

/* What a traced packet must not do. The results are those of success. */
#define put_entry(map, key, value, flags) (vpc_trace ? 0 : bpf_map_update_elem(map, key, value, flags))
#define remove_entry(map, key) (vpc_trace ? 0 : bpf_map_delete_elem(map, key))
#define send_copy(skb, ifindex, flags) (vpc_trace ? 0 : bpf_clone_redirect(skb, ifindex, flags))

#endif
