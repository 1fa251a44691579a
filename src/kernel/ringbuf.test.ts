import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { compileBpfFile } from '../../test/bpf/compile.ts'
import type { BpfMap } from './bpf-map.ts'
import { progTestRun } from './bpf-program.ts'
import { BpfObject } from './libbpf.ts'
import { RingBuffer } from './ringbuf.ts'

const valueOf = (record: Uint8Array): number => Number(Buffer.from(record).readBigUInt64LE())

describe('a ring buffer', () => {
  let object: BpfObject
  let map: BpfMap
  let ring: RingBuffer
  // Each record holds the packet's length, so that it can be told from the others.
  const produce = (length: number, times = 1): void => {
    progTestRun(object.program('probe').fd, { dataIn: new Uint8Array(length), repeat: times })
  }

  before(() => {
    object = BpfObject.open(compileBpfFile('probe.bpf.c'), { rodata: { large: 0 } })
    object.load()
    map = object.map('ring')
  })
  beforeEach(() => {
    ring = new RingBuffer(map)
  })
  after(() => {
    map[Symbol.dispose]()
    object[Symbol.dispose]()
  })

  test('gives its records once, in their order, also round its end', () => {
    using own = ring
    const seen: number[] = []
    for (let i = 0; i < 1000; i++) {
      produce(60 + i)
      assert.equal(
        own.drain((record) => seen.push(valueOf(record))),
        1,
      )
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 1000 }, (_, i) => 60 + i),
    )
    assert.equal(
      own.drain(() => assert.fail()),
      0,
    )
  })

  test('keeps what is not taken for the next reader', () => {
    for (const length of [60, 61, 62]) produce(length)
    const seen: number[] = []
    assert.equal(
      ring.drain((record) => seen.push(valueOf(record)), 2),
      2,
    )
    ring[Symbol.dispose]()
    using next = new RingBuffer(map)
    next.drain((record) => seen.push(valueOf(record)))
    assert.deepEqual(seen, [60, 61, 62])
  })

  test('is full, and goes on when it was emptied', () => {
    using own = ring
    produce(60, 1000)
    assert.equal(
      own.drain(() => {}),
      4096 / 16 - 1,
    )
    produce(61)
    assert.equal(
      own.drain(() => {}),
      1,
    )
  })

  test('wakes whoever follows, also for what was there before, until it is stopped', async () => {
    using own = ring
    const seen: number[] = []
    produce(60)
    const keepAlive = setInterval(() => {}, 1000)
    own.follow((record) => seen.push(valueOf(record)))
    while (seen.length < 1) await sleep(1)
    for (let i = 0; i < 50; i++) produce(61)
    while (seen.length < 51) await sleep(1)
    assert.throws(() => own.follow(() => {}), TypeError)
    own.stop()
    produce(62)
    await sleep(20)
    clearInterval(keepAlive)
    assert.deepEqual(seen, [60, ...Array.from({ length: 50 }, () => 61)])
    assert.equal(
      own.drain(() => {}),
      1,
    )
  })

  test('burns nothing while it waits', async () => {
    using own = ring
    own.follow(() => {})
    const threads = readdirSync('/proc/self/task').length
    const before = process.cpuUsage()
    await sleep(300)
    const { user, system } = process.cpuUsage(before)
    assert.ok(user + system < 100_000, `${user + system} µs in 300 ms`)
    assert.equal(readdirSync('/proc/self/task').length, threads)
  })

  test('can be stopped and closed by what it delivers', async () => {
    using own = ring
    for (const length of [60, 61]) produce(length)
    await new Promise<void>((resolve) => {
      own.follow(() => {
        own[Symbol.dispose]()
        resolve()
      })
    })
    using next = new RingBuffer(map)
    assert.equal(
      next.drain(() => {}),
      1,
    )
  })
})

test('a process that follows still exits', async () => {
  const script = `
    import { BpfMap } from '${join(import.meta.dirname, 'bpf-map.ts')}'
    import { RingBuffer } from '${join(import.meta.dirname, 'ringbuf.ts')}'
    new RingBuffer(BpfMap.create({ type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 })).follow(() => {})
    console.log('done')`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { timeout: 10_000 })
  assert.equal(stdout, 'done\n')
})
