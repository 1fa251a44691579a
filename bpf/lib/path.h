/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The direct ways around the vxlan device follow what the kernel itself did.
 *
 * Out: vpc_ethlink_out sees each packet of the vxlan device as it leaves the underlay's interface. The kernel has
 * decided its route, neighbour, firewall and IPsec by then. The program remembers the outer header for the VTEP. For
 * PATH_FRESH the next packets get a copy of it; then one goes through the device again. So a path is never older than
 * that, and neighbour entries stay in use. A packet that does not leave by the underlay exactly as expected gives no
 * path.
 *
 * In: vpc_underlay may decapsulate a VTEP's packets at the underlay's ingress while one of them has passed the host's
 * stack to vpc_mux within HEARD_FRESH. So the host's firewall still decides.
 *
 * Rules of the host that must see each packet close the ways: VPC_MUX_DIRECT_*, which user space sets. User space
 * empties these tables when rules change. Losing them costs nothing but a few packets on the long way.
 */
#ifndef VPC_PATH_H
#define VPC_PATH_H

#include "trace.h"
#include "entry.h"
#include "vxlan.h"

#define MAX_VTEPS 16384
#define PATH_FRESH 100000000ull   /* ns */
#define PATH_AGAIN (PATH_FRESH / 16) /* a younger path is not rewritten */
#define HEARD_FRESH 1000000000ull
#define HEARD_ASK (HEARD_FRESH / 2)
#define HEARD_AGAIN (HEARD_FRESH / 8)

/*
 * Programs take identifications of outer packets from a path in blocks, so that two CPUs do not send the same one at a
 * time.
 */
#define ID_BLOCK 2048u

/* A VTEP as one mux sees it. The end of struct vpc_dst has the same layout. */
struct peer_key {
	__u32 stats; /* of the mux */
	struct vpc_vtep vtep;
};

_Static_assert(sizeof(struct peer_key) == sizeof(struct vpc_dst) - __builtin_offsetof(struct vpc_dst, stats), "a destination ends in a peer_key");

struct path {
	__u64 learned_ns;
	__u32 ifindex;
	__u32 mtu;       /* largest outer IP packet */
	__u32 id;        /* of the next IPv4 packet */
	__u32 ip_sum;    /* of the header's fixed fields */
	struct ethhdr eth;
	__be16 dport;
	__be32 saddr, daddr;
};

struct path_entry {
	struct peer_key key;
	struct path value;
	struct peer_key again;
};

struct heard {
	__u64 at_ns;
	__u64 asked_ns;  /* when a copy was last sent through the stack */
};

struct heard_entry {
	struct peer_key key;
	struct heard value;
	struct peer_key again;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_VTEPS);
	__type(key, struct peer_key);
	__type(value, struct path_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} paths SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_VTEPS);
	__type(key, struct peer_key);
	__type(value, struct heard_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} heard SEC(".maps");

static __always_inline struct peer_key peer_of_ipv4(__u32 stats, __u16 port, __be32 address)
{
	struct peer_key key = { .stats = stats, .vtep = { .family = 4, .port = port } };

	*(__be32 *)key.vtep.addr = address;
	return key;
}

static __always_inline bool is_fresh(const struct path *path)
{
	return bpf_ktime_get_coarse_ns() - path->learned_ns < PATH_FRESH;
}

/*
 * The path to a remote destination while it is fresh, and `ids` identifications from path->id on. False: there is none.
 * If the entry goes to another VTEP meanwhile, that VTEP skips some identifications, and that is all.
 */
static __always_inline bool path_to(const struct vpc_dst *dst, struct path *path, __u32 ids)
{
	const struct peer_key *key = (const void *)&dst->stats;
	struct path_entry *found = bpf_map_lookup_elem(&paths, key);

	if (!found)
		return false;
	*path = found->value;
	if (!is_still(found, key) || !is_fresh(path))
		return false;
	path->id = vpc_trace ? found->value.id : __sync_fetch_and_add(&found->value.id, ids);
	return true;
}

/* How one packet reaches its VTEP without the vxlan device. */
struct way {
	const struct path *path; /* null: not at all */
	__u32 id;                /* of the outer packet */
	const struct vpc_vtep *from; /* where the mux listens; null where nobody has asked */
};

/* Each segment of a large packet needs an identification of its own. */
static __always_inline __u32 ids_of(struct __sk_buff *skb)
{
	return skb->gso_segs ? skb->gso_segs : 1;
}

/* `path`: where the path is put. */
static __always_inline struct way way_to(struct __sk_buff *skb, const struct vpc_dst *dst, struct path *path)
{
	if (dst->kind != VPC_DST_REMOTE || !path_to(dst, path, ids_of(skb)))
		return (struct way){};
	return (struct way){ .path = path, .id = path->id };
}

#endif
