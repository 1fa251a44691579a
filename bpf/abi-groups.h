/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The part of abi.h that is about security groups and flows. */
#ifndef VPC_ABI_GROUPS_H
#define VPC_ABI_GROUPS_H

/*
 * The groups of a port are one policy for each direction: a list of rules, by number. A new flow is decided by vectors
 * of one bit per rule (lib/policy.h). Policies and classes have numbers that follow from their contents. So a change
 * makes a policy of another number, and nothing is written into one that is in use.
 */
#define VPC_RULE_WORDS 16u     /* rules of a policy: 64 in each */
#define VPC_PORT_CUTS 1023u    /* bounds of port ranges of a policy and a protocol */
#define VPC_PROTOCOL_ANY 256u  /* instead of the number of a protocol that no rule names */

enum vpc_direction {
	VPC_IN = 1,   /* to the unit */
	VPC_OUT,      /* from the unit */
};

#define VPC_POLICY_DRAIN 1u     /* flows live on when their rule goes */
#define VPC_POLICY_STATELESS 2u /* rules alone decide about each packet */

/* Table `port_policies`, by stats index of a port. */
struct vpc_port_policy {
	__u32 vpc;        /* the switch's number; 0: the port is in no group */
	__u32 in;         /* policy */
	__u32 out;        /* policy; 0: everything may go out */
	__u32 tcp_idle_s;
	__u32 policy_flags; /* VPC_POLICY_* */
};

/* Table `members`: the class of an address that is in a group. */
struct vpc_member_key {
	__u32 vpc;
	__u8 addr[16];   /* as in vpc_neighbour_key */
};

struct vpc_member {
	__u32 class_id;
};

struct vpc_member_entry {
	struct vpc_member_key key;
	struct vpc_member value;
	struct vpc_member_key again;
};

/* Table `cidrs`: the class of all others, by the longest network; value: struct vpc_member. */
struct vpc_cidr_key {
	__u32 length;    /* in bits, with those of vpc */
	__u32 vpc;
	__u8 addr[16];
};

struct vpc_rule_bits {
	__u64 word[VPC_RULE_WORDS];
};

/* Table `peer_rules`: which rules hold for peers of a class; class 0: for all that have no entry. */
struct vpc_peer_rules_key {
	__u32 policy;
	__u32 class_id;
};

struct vpc_peer_rules_entry {
	struct vpc_peer_rules_key key;
	struct vpc_rule_bits value;
	struct vpc_peer_rules_key again;
};

/* Table `port_cuts`: where the intervals of ports begin that a policy tells apart; of ICMP: type * 256 + code. */
struct vpc_port_cuts_key {
	__u32 policy;
	__u32 protocol;
};

struct vpc_port_cuts {
	__u16 count;
	__u16 first[VPC_PORT_CUTS];
};

struct vpc_port_cuts_entry {
	struct vpc_port_cuts_key key;
	struct vpc_port_cuts value;
	struct vpc_port_cuts_key again;
};

/* Table `port_rules`: which rules hold for an interval. */
struct vpc_port_rules_key {
	__u32 policy;
	__u16 protocol;
	__u16 interval;
};

struct vpc_port_rules_entry {
	struct vpc_port_rules_key key;
	struct vpc_rule_bits value;
	struct vpc_port_rules_key again;
};

/* Table `rule_numbers`: the rule of a bit, value __u32; `rule_hits`: by rule, per CPU, value __u64. */
struct vpc_rule_key {
	__u32 policy;
	__u32 bit;
};

#define VPC_PEER_EPOCHS 4096u  /* of table `peer_epochs`: 0 is everybody's, the others one peer's of many */

/* A flow as one port sees it: inside is the unit. */
struct vpc_flow_key {
	__u8 protocol;
	__u8 icmp_type;  /* of the request; 0 of other protocols */
	__u16 pad;
	__u8 inside[16];
	__u8 outside[16];
	__be16 inside_port;  /* of ICMP: the identifier */
	__be16 outside_port;
};

/* Key of table `young`. */
struct vpc_young_key {
	__u32 port;
	struct vpc_flow_key flow;
};

#define VPC_FLOW_PICKED_UP 0x80u /* it began before this port saw it */

enum vpc_flow_state {
	VPC_FLOW_NEW = 1,      /* one direction was seen */
	VPC_FLOW_REPLIED,      /* both were */
	VPC_FLOW_ESTABLISHED,  /* and the first again */
	VPC_FLOW_CLOSING,      /* a reset, or FIN in both directions */
	VPC_FLOW_DENIED,       /* its rule is gone */
};

/* Value of table `young`, and of a port's map in table `flows`. */
struct vpc_flow {
	__u32 check;     /* follows from the key: see "Values of hash tables name their key" */
	__u32 rule;      /* that allows it; 0: everything may go out */
	__u32 policy;    /* by which it was judged last */
	__u32 epoch;     /* in which */
	__u32 last_s;    /* of the last packet, by the coarse clock */
	__u32 tick;      /* the same in ticks of the kernel */
	__u32 created_s;
	__u32 tcp_idle_s;
	__u8 state;      /* enum vpc_flow_state */
	__u8 initiator;  /* enum vpc_direction */
	__u8 fins;       /* by direction: 1 << direction; and VPC_FLOW_PICKED_UP */
	__u8 confirmed;  /* it was tried to put it into the port's map */
	__u32 birth;     /* a random number: a later flow with the same key has another */
	__u64 packets[2];  /* in, out */
	__u64 bytes[2];
};

/*
 * Table `flow_slots`, per CPU: an established flow that the CPU knows, and what its counters do not have yet (see
 * lib/flow-slot.h). Table `flow_turns`, by the same numbers: rises when a flow of a number ends; value: __u32.
 */
#ifndef VPC_FLOW_SLOT_BITS /* the fuzzers have few slots, so that flows meet in one */
#define VPC_FLOW_SLOT_BITS 11
#endif
#define VPC_FLOW_SLOTS (1u << VPC_FLOW_SLOT_BITS)

struct vpc_flow_slot {
	struct vpc_young_key key;
	__u32 turn;
	__u32 vpc, in, out, policy_flags; /* as struct vpc_port_policy had them; vpc 0: the slot is empty */
	__u32 epoch;
	__u32 peer;      /* its place in `peer_epochs` */
	__u32 birth;     /* of the flow */
	__u32 filled;    /* tick */
	__u32 tick;      /* of the last packet */
	__u32 packets[2];
	__u64 bytes[2];
};

/* Input and output of vpc_expire, which vpcd runs. */
struct vpc_expire {
	__u32 port;
	__u32 expired;
};

/* Table `frags`: fragments of which the first has passed a port; value: the second of that, __u32. */
struct vpc_frag_key {
	__u32 port;      /* and direction in the upper two bits */
	__u32 id;
	__u8 inside[16];
	__u8 outside[16];
	__u32 protocol;
};

#endif
