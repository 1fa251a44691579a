import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BpfMap, possibleCpus, updateFlag } from './bpf-map.ts'
import { errno, KernelError } from './errno.ts'

const u32 = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer)
const sorted = (entries: [Uint8Array, Uint8Array][]): [number, number][] =>
  entries.map(([key, value]): [number, number] => [key[0]!, value[0]!]).sort(([a], [b]) => a - b)
const failsWith = (code: number) => (error: unknown) => error instanceof KernelError && error.errno === code

describe('a hash', () => {
  const create = (maxEntries = 10) => BpfMap.create({ type: 'hash', keySize: 4, valueSize: 4, maxEntries, name: 'numbers' })

  test('says what it is', () => {
    using map = create()
    assert.deepEqual(
      [map.name, map.keySize, map.valueSize, map.maxEntries, map.isPerCpu, map.readBtf()],
      ['numbers', 4, 4, 10, false, undefined],
    )
  })

  test('keeps, replaces and forgets values', () => {
    using map = create()
    assert.equal(map.lookup(u32(1)), undefined)
    map.update(u32(1), u32(11))
    map.update(u32(1), u32(12))
    assert.deepEqual(map.lookup(u32(1)), u32(12))
    assert.throws(() => map.update(u32(1), u32(13), updateFlag.noExist), failsWith(errno.EEXIST))
    assert.throws(() => map.update(u32(2), u32(13), updateFlag.exist), failsWith(errno.ENOENT))
    assert.equal(map.delete(u32(1)), true)
    assert.equal(map.delete(u32(1)), false)
  })

  test('refuses keys and values of another size', () => {
    using map = create()
    assert.throws(() => map.lookup(new Uint8Array(3)), RangeError)
    assert.throws(() => map.update(u32(1), new Uint8Array(5)), RangeError)
    assert.throws(() => map.updateBatch(u32(1, 2), u32(1)), RangeError)
  })

  test('is full with a number', () => {
    using map = create(2)
    map.updateBatch(u32(1, 2), u32(1, 2))
    assert.throws(() => map.update(u32(3), u32(3)), failsWith(errno.E2BIG))
    assert.deepEqual(map.tryUpdateBatch(u32(1, 3, 2), u32(9, 9, 9)), { done: 1, errno: errno.E2BIG })
    assert.deepEqual(sorted(map.entries()), [
      [1, 9],
      [2, 2],
    ])
  })

  test('gives all of many, and deletes many, also those that are not there', () => {
    using map = create(20_000)
    const keys = Uint32Array.from({ length: 20_000 }, (_, i) => i)
    const bytes = new Uint8Array(keys.buffer)
    map.updateBatch(bytes, bytes)
    const entries = map.entries()
    assert.equal(entries.length, 20_000)
    assert.equal(new Set(map.keys().map((key) => Buffer.from(key).readUInt32LE())).size, 20_000)
    assert.ok(entries.every(([key, value]) => Buffer.from(key).equals(value)))
    assert.equal(map.deleteBatch(bytes.subarray(0, 4 * 10)), 10)
    assert.equal(map.deleteBatch(bytes), 19_990)
    assert.deepEqual(map.entries(), [])
    assert.equal(map.deleteBatch(bytes), 0)
    assert.equal(map.deleteBatch(bytes.subarray(0, 0)), 0)
    const few = bytes.subarray(4 * 5000, 4 * 5100)
    map.updateBatch(few, few)
    map.updateBatch(bytes.subarray(4 * 19_990), bytes.subarray(4 * 19_990))
    assert.equal(map.deleteBatch(Buffer.concat([bytes, bytes])), 110)
    assert.deepEqual(map.entries(), [])
  })
})

test('a per-CPU map has a value for each possible CPU', () => {
  for (const type of ['percpuHash', 'percpuArray'] as const) {
    using map = BpfMap.create({ type, keySize: 4, valueSize: 12, maxEntries: 3 })
    const one = u32(1, 2, 3)
    map.update(u32(2), one)
    assert.deepEqual(
      map.lookupPerCpu(u32(2)),
      Array.from({ length: possibleCpus() }, () => one),
    )
    const entry = map.entries().find(([key]) => key[0] === 2)
    assert.deepEqual(
      map.splitPerCpu(entry![1]).map((value) => value[8]),
      Array.from({ length: possibleCpus() }, () => 3),
    )
  }
})

test('an array has all its elements from the start', () => {
  using map = BpfMap.create({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 3 })
  assert.deepEqual(sorted(map.entries()), [
    [0, 0],
    [1, 0],
    [2, 0],
  ])
  assert.throws(() => map.lookupPerCpu(u32(0)), TypeError)
})
