import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { u32 } from '#abi/c-struct.ts'
import { BpfMap, possibleCpus } from '#kernel/bpf-map.ts'
import { macFrom } from '#wire/mac.ts'
import { DropsTable, StatsTable } from './counters.ts'
import * as layout from './layout.ts'
import { Table, TableFull } from './table.ts'

const mac = macFrom('02:00:5e:10:00:01')
const fullWith = (maxEntries: number) => (error: TableFull) =>
  error instanceof TableFull &&
  error.table === 'numbers' &&
  error.maxEntries === maxEntries &&
  error.message.includes(`room for ${maxEntries}`)
const byKey = (entries: [number, number][]): [number, number][] => entries.sort(([a], [b]) => a - b)

/** A table that is small enough to be filled. */
function numbers(maxEntries: number, flags = 1): { map: BpfMap; table: Table<number, number> } & Disposable {
  const map = BpfMap.create({ type: 'hash', keySize: 4, valueSize: 4, maxEntries, flags })
  return { map, table: new Table('numbers', map, u32, u32), [Symbol.dispose]: () => map[Symbol.dispose]() }
}

describe('a table', () => {
  test('speaks in keys and values', () => {
    using map = BpfMap.create({ type: 'hash', keySize: layout.fdbKey.size, valueSize: layout.dst.size, maxEntries: 8 })
    const fdb = new Table('fdb', map, layout.fdbKey, layout.dst)
    const place: layout.Dst = {
      ...layout.noDst,
      kind: layout.dstKind.local,
      flags: layout.dstFlag.peer,
      vlan: 7,
      mtu: 1450,
      ifindex: 3,
      stats: 9,
    }
    assert.equal(fdb.get({ segment: 5001, mac }), undefined)
    fdb.set({ segment: 5001, mac }, place)
    assert.deepEqual(fdb.get({ segment: 5001, mac }), place)
    assert.deepEqual(fdb.entries(), [[{ segment: 5001, mac }, place]])
    assert.equal(fdb.delete({ segment: 5001, mac }), true)
    assert.equal(fdb.delete({ segment: 5001, mac }), false)
  })

  test('is not made over a map of another layout', () => {
    using map = BpfMap.create({ type: 'hash', keySize: 4, valueSize: 8, maxEntries: 8 })
    assert.throws(
      () => new Table('fdb', map, layout.fdbKey, layout.dst),
      /table fdb: the map has keys of 4 and values of 8 bytes, not 12 and 36/,
    )
  })

  for (const flags of [0, 1]) {
    test(`says that it is full, with its name and size (map flags ${flags})`, () => {
      using made = numbers(2, flags)
      made.table.setMany([
        [1, 1],
        [2, 2],
      ])
      assert.throws(() => made.table.set(3, 3), fullWith(2))
      made.table.set(1, 9)
      assert.deepEqual(byKey(made.table.entries()), [
        [1, 9],
        [2, 2],
      ])
    })

    test(`takes all of many or none (map flags ${flags})`, () => {
      using made = numbers(3, flags)
      made.table.setMany([
        [1, 1],
        [2, 2],
      ])
      const [before] = [byKey(made.table.entries())]
      assert.throws(
        () =>
          made.table.setMany([
            [1, 10],
            [3, 30],
            [1, 11],
            [4, 40],
            [5, 50],
          ]),
        fullWith(3),
      )
      assert.deepEqual(byKey(made.table.entries()), before)
      made.table.setMany([
        [1, 10],
        [3, 30],
        [1, 11],
      ])
      assert.deepEqual(byKey(made.table.entries()), [
        [1, 11],
        [2, 2],
        [3, 30],
      ])
    })
  }

  test('says that it has written before it puts back what it could not set', () => {
    using map = BpfMap.create({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 2, flags: 1 })
    const seen: (number | undefined)[] = []
    const table: Table<number, number> = new Table('numbers', map, u32, u32, { written: () => seen.push(table.get(1)) })
    table.set(1, 1)
    assert.throws(
      () =>
        table.setMany([
          [1, 2],
          [3, 3],
          [4, 4],
        ]),
      fullWith(2),
    )
    assert.deepEqual(seen, [1, 2, 1])
  })

  test('takes few of a large one or none, too', () => {
    using made = numbers(1000)
    made.table.setMany(Array.from({ length: 999 }, (_, i) => [i, i] as const))
    assert.throws(
      () =>
        made.table.setMany([
          [5, 0],
          [2000, 1],
          [2001, 2],
        ]),
      fullWith(1000),
    )
    assert.equal(made.table.get(5), 5)
    assert.equal(made.table.entries().length, 999)
  })

  test('forgets many, and none', () => {
    using made = numbers(10)
    made.table.setMany([
      [1, 1],
      [2, 2],
      [3, 3],
    ])
    made.table.setMany([])
    assert.equal(made.table.deleteMany([7, 1, 8, 3, 9]), 2)
    assert.equal(made.table.deleteMany([]), 0)
    assert.deepEqual(made.table.entries(), [[2, 2]])
  })

  test('takes a hundred thousand forwarding entries at once', () => {
    using map = BpfMap.create({ type: 'hash', keySize: layout.fdbKey.size, valueSize: layout.dst.size, maxEntries: 262_144, flags: 1 })
    const fdb = new Table('fdb', map, layout.fdbKey, layout.dst)
    const entries = Array.from({ length: 100_000 }, (_, i) => {
      const key: layout.FdbKey = { segment: 5001, mac: mac.map((byte, at) => (at < 3 ? byte : (i >> (8 * (5 - at))) & 0xff)) as typeof mac }
      return [key, { ...layout.noDst, kind: layout.dstKind.remote, stats: i }] as const
    })
    const start = process.threadCpuUsage()
    fdb.setMany(entries)
    const { user, system } = process.threadCpuUsage(start)
    const tookMs = (user + system) / 1000
    assert.deepEqual(fdb.get(entries[99_999]![0])?.stats, 99_999)
    // About 150 on an idle machine, 3000 on an emulated processor; a search of all for each would take minutes.
    assert.ok(tookMs < 10_000, `${tookMs} ms`)
  })
})

test('statistics are sums over CPUs, and an index starts at 0 again', () => {
  using map = BpfMap.create({ type: 'percpuArray', keySize: 4, valueSize: layout.stats.size, maxEntries: 4 })
  const table = new StatsTable(map)
  const counted = {
    rxPackets: 1n,
    rxBytes: 60n,
    txPackets: 2n,
    txBytes: 120n,
    answered: 3n,
    flooded: 4n,
    missed: 5n,
    tooBig: 6n,
    lostQuestions: 7n,
    lostDropEvents: 8n,
    txLimited: 9n,
    flowOverflow: 0n,
  }
  map.update(new Uint8Array([2, 0, 0, 0]), layout.stats.encode(counted))
  assert.deepEqual(
    table.read(2),
    Object.fromEntries(Object.entries(counted).map(([name, count]) => [name, Number(count) * possibleCpus()])),
  )
  assert.deepEqual([...table.readAll()], [[2, table.read(2)]])
  table.clear(2)
  assert.deepEqual(new Set(Object.values(table.read(2))), new Set([0]))
  assert.throws(() => table.read(4), RangeError)
})

test('drops are counted by source and reason', () => {
  using map = BpfMap.create({ type: 'percpuHash', keySize: layout.dropKey.size, valueSize: 8, maxEntries: 100, flags: 1 })
  const table = new DropsTable(map)
  const drop = (stats: number, reason: layout.DropReason, count: bigint): void =>
    map.update(
      layout.dropKey.encode({ stats, reason: layout.dropReasons.indexOf(reason) }),
      new Uint8Array(BigUint64Array.of(count).buffer),
    )
  drop(1, 'source_mac', 2n)
  drop(1, 'hairpin', 1n)
  drop(7, 'too_big', 3n)
  assert.deepEqual(table.read(1), { source_mac: 2 * possibleCpus(), hairpin: possibleCpus() })
  assert.deepEqual(table.read(2), {})
  assert.deepEqual([...table.readAll().keys()].sort(), [1, 7])
  table.clear(1)
  assert.deepEqual(table.read(1), {})
  assert.deepEqual(table.read(7), { too_big: 3 * possibleCpus() })
})

test('who is given an index has no drops of before it, whether the index was known, had counted, or was given before', () => {
  using map = BpfMap.create({ type: 'percpuHash', keySize: layout.dropKey.size, valueSize: 8, maxEntries: 100, flags: 1 })
  const table = new DropsTable(map)
  const drop = (stats: number): void => map.update(layout.dropKey.encode({ stats, reason: 1 }), new Uint8Array(8).fill(1))
  drop(1)
  table.expect([2])
  for (const index of [1, 2, 3]) {
    if (index === 3) table.clear(index)
    drop(index)
    table.clear(index)
    assert.deepEqual(table.read(index), {}, `index ${index}`)
  }
})
