import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { compileBpf } from '../../test/bpf/compile.ts'
import { PrivateBpffs } from '../../test/bpf/private-bpffs.ts'
import { Btf } from '#kernel/btf.ts'
import { BpfObject } from '#kernel/libbpf.ts'
import { adoptPinnedMaps } from './pinned-map.ts'

/** An object with one map, whose value is what is given. */
const object = (value: string, more = '__uint(max_entries, 10);'): Uint8Array =>
  compileBpf(`
    #include <linux/bpf.h>
    #include <bpf/bpf_helpers.h>
    ${value};
    struct {
      __uint(type, BPF_MAP_TYPE_HASH);
      __type(key, __u32);
      __type(value, struct value);
      __uint(pinning, LIBBPF_PIN_BY_NAME);
      ${more}
    } table SEC(".maps");
    SEC("tc") int nothing(struct __sk_buff *skb) { __u32 key = 0; return bpf_map_lookup_elem(&table, &key) ? 0 : 1; }
    char _license[] SEC("license") = "GPL";`)

describe('a pinned map', () => {
  let original: Uint8Array
  before(() => {
    original = object('struct value { __u32 first; __u32 second; }')
  })

  /** Load the original, then prepare another version for what it left. Gives the size of its map. */
  function upgrade(next: Uint8Array, asked: Record<string, number> = {}): number {
    using bpffs = PrivateBpffs.mount()
    const pinRoot = bpffs.path
    using first = BpfObject.open(original, { pinRoot })
    first.load()
    using second = BpfObject.open(next, { pinRoot })
    adoptPinnedMaps(second, Btf.ofObject(next), asked)
    second.load()
    using table = second.map('table')
    return table.maxEntries
  }
  /** How the original's map differs from that of another version, and whether the other one goes without it. */
  function difference(next: Uint8Array): string | undefined {
    using bpffs = PrivateBpffs.mount()
    const pinRoot = bpffs.path
    using first = BpfObject.open(original, { pinRoot })
    first.load()
    using second = BpfObject.open(next, { pinRoot })
    const unfit = adoptPinnedMaps(second, Btf.ofObject(next), {}).get('table')
    second.load()
    using before = first.map('table')
    using now = second.map('table')
    assert.equal(before.id === now.id, unfit === undefined)
    unfit?.old[Symbol.dispose]()
    return unfit?.difference
  }

  test('of the same layout is taken over, under whatever type names', () => {
    assert.equal(upgrade(original), 10)
    assert.equal(upgrade(object('typedef unsigned int word; struct value { word first; const word second; }')), 10)
  })

  test('keeps its size, unless another is asked for', () => {
    const larger = object('struct value { __u32 first; __u32 second; }', '__uint(max_entries, 99);')
    assert.equal(upgrade(larger), 10)
    assert.equal(upgrade(larger, { table: 10 }), 10)
    assert.equal(upgrade(larger, { table: 99 }), 99)
    assert.equal(upgrade(larger, { table: 2 }), 2)
  })

  test('of the same size but with other fields is not', () => {
    const swapped = object('struct value { __u32 second; __u32 first; }')
    assert.match(difference(swapped)!, /its value is struct \{ first @0 int32; second @4 int32 \}, not struct \{ second @0/)
    assert.match(difference(object('struct value { __u32 first; __u16 second; __u16 third; }'))!, /its value is/)
    assert.equal(difference(original), undefined)
  })

  test('of other sizes or flags is not', () => {
    assert.match(difference(object('struct value { __u64 first; __u32 second; }'))!, /its value size is 8, not 16/)
    const flags = object('struct value { __u32 first; __u32 second; }', '__uint(max_entries, 10); __uint(map_flags, BPF_F_NO_PREALLOC);')
    assert.match(difference(flags)!, /its flag word is 0, not 1/)
  })
})
