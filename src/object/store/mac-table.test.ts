/** A table of MACs does what a Map does, whatever is set and deleted, in whatever order. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MacTable } from './mac-table.ts'

const sorted = (entries: Iterable<readonly [number, number]>): (readonly [number, number])[] => [...entries].sort(([a], [b]) => a - b)

function assertSame(table: MacTable<number>, map: ReadonlyMap<number, number>): void {
  assert.equal(table.size, map.size)
  assert.deepEqual(sorted(table), sorted(map))
  assert.deepEqual([...table.keys()].sort(), [...map.keys()].sort())
  assert.deepEqual([...table.values()].sort(), [...map.values()].sort())
}

test('any sets and deletions', () => {
  // Few MACs, so that the same come again; alike in their upper or their lower half.
  const mac = fc.oneof(
    fc.integer({ min: 0, max: 40 }),
    fc.integer({ min: 0, max: 40 }).map((high) => high * 0x1_0000_0000 + 0xffff_fff0),
  )
  const step = fc.record({ mac, value: fc.option(fc.integer(), { nil: undefined }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const [table, map] = [new MacTable<number>(), new Map<number, number>()]
      for (const { mac: key, value } of steps) {
        assert.equal(table.get(key), map.get(key))
        assert.equal(table.has(key), map.has(key))
        if (value === undefined) assert.equal(table.delete(key), map.delete(key))
        else {
          assert.equal(table.set(key, value), map.get(key))
          map.set(key, value)
        }
        assert.equal(table.size, map.size)
      }
      assertSame(table, map)
    }),
  )
})

test('many that come and go', () => {
  const [table, map] = [new MacTable<number>(), new Map<number, number>()]
  const macOf = (i: number): number => (i % 7) * 0x1_0000_0000 * 257 + i * 4096
  for (let i = 0; i < 20_000; i++) {
    table.set(macOf(i), i)
    map.set(macOf(i), i)
    if (i % 3 === 0) assert.equal(table.delete(macOf(i / 3)), map.delete(macOf(i / 3)))
  }
  assertSame(table, map)
  for (let i = 0; i < 20_000; i++) assert.equal(table.delete(macOf(i)), map.delete(macOf(i)))
  assertSame(table, map)
})
