import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { PrivateBpffs } from '../../test/bpf/private-bpffs.ts'
import { BpfMap, possibleCpus, type CreateMapOptions } from '#kernel/bpf-map.ts'
import { observeSteps } from '#kernel/step.ts'
import { removeHalfMade, resizePinned, TableHoldsMore } from './resize-map.ts'

const u32 = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer)

/** A pinned map of four-byte keys and eight-byte values, with entries 0 to `count` - 1. */
function pinned(type: CreateMapOptions['type'], maxEntries: number, count: number, flags = 0) {
  const bpffs = PrivateBpffs.mount()
  const path = join(bpffs.path, 'table')
  const map = BpfMap.create({ type, keySize: 4, valueSize: 8, maxEntries, flags, name: 'table' })
  map.pin(path)
  for (let i = 0; i < count; i++) map.update(u32(i), u32(i, i + 1))
  return {
    map,
    resize: (to: number) => resizePinned('fdb', path, map, to),
    pins: () => readdirSync(bpffs.path).filter((name) => name.startsWith('table')),
    path,
    now: () => BpfMap.fromPin(path),
    [Symbol.dispose]: () => {
      map[Symbol.dispose]()
      bpffs[Symbol.dispose]()
    },
  }
}

test('a hash grows and shrinks with all that is in it', () => {
  using table = pinned('hash', 10_000, 9000, 1)
  for (const size of [20_000, 9000]) {
    assert.equal(table.resize(size), size)
    using now = table.now()
    assert.deepEqual([now.maxEntries, now.flags, now.name, now.keys().length], [size, 1, 'table', 9000])
    assert.deepEqual(now.lookup(u32(8999)), u32(8999, 9000))
  }
  assert.throws(
    () => table.resize(8999),
    (error) =>
      error instanceof TableHoldsMore &&
      error.message ===
        'table fdb has 9000 entries and does not fit into 8999; ask for more by --table fdb=NUMBER, or remove entries first',
  )
  assert.deepEqual(table.pins(), ['table'])
})

test('counters of each CPU go along, in hashes and arrays; an array does not shrink', () => {
  for (const type of ['percpuHash', 'percpuArray'] as const) {
    using table = pinned(type, 10, 10)
    const perCpu = Buffer.concat(Array.from({ length: possibleCpus() }, (_, cpu) => u32(cpu, 77)))
    table.map.update(u32(5), perCpu)
    assert.equal(table.resize(30), 30)
    using now = table.now()
    assert.deepEqual([now.maxEntries, now.lookup(u32(5))], [30, new Uint8Array(perCpu)])
  }
  using table = pinned('percpuArray', 10, 0)
  assert.equal(table.resize(5), 10)
})

test('a kill at any step leaves the map of before or the new one, and the next try works', () => {
  for (let at = 0; ; at++) {
    using table = pinned('hash', 4, 4)
    let step = 0
    observeSteps((what) => {
      if (step++ === at) throw new Error(`killed before ${what}`)
    })
    let killed = true
    try {
      table.resize(8)
      killed = false
    } catch (error) {
      assert.match(String(error), /killed before/)
    } finally {
      observeSteps(undefined)
    }
    using found = table.now()
    assert.deepEqual([found.maxEntries, found.keys().length], [killed ? 4 : 8, 4])
    if (!killed) {
      assert.ok(at >= 3, `only ${at} steps`)
      return
    }
    removeHalfMade(table.path)
    assert.deepEqual(table.pins(), ['table'])
    assert.equal(table.resize(8), 8)
  }
})
