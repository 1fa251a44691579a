import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeArray, encodeArray, fte, type Fte } from '#abi/layouts.ts'
import { macFrom } from '#wire/mac.ts'
import { EntryStore } from './entry-store.ts'
import { macNumber } from './keys.ts'
import { loadEntries } from '../type/mux-entries.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const entry = fc.record({
  vni: fc.integer({ min: 1, max: 0xffffff }),
  mac: bytes(6),
  port: fc.integer({ min: 0, max: 65535 }),
  family: fc.constantFrom(4, 6),
  pad: fc.constant(new Uint8Array(3)),
  address: bytes(16),
})
/** As a store has it: of an IPv4 address only 4 bytes mean something. */
const canonical = ({ family, address, ...rest }: Fte): Fte => ({
  ...rest,
  family,
  address: Uint8Array.from({ length: 16 }, (_, i) => (family === 4 && i >= 4 ? 0 : address[i]!)),
})
const sorted = (list: readonly Fte[]): string[] => list.map((item) => Buffer.from(fte.encode(item)).toString('hex')).sort()

test('a store gives what was put into it, each key once', () => {
  fc.assert(
    fc.property(fc.uniqueArray(entry, { selector: ({ vni, mac }) => `${vni}/${macNumber(mac)}` }), (entries) => {
      const store = new EntryStore()
      loadEntries(store, 'set', encodeArray(fte, entries))
      assert.equal(store.count, entries.length)
      assert.deepEqual(sorted(decodeArray(fte, store.encode())!), sorted(entries.map(canonical)))
      loadEntries(store, 'delete', encodeArray(fte, entries))
      assert.deepEqual([store.count, store.vnis.size], [0, 0])
    }),
  )
})

test('equal VTEPs are one object, whatever lies in bytes that do not matter', () => {
  const store = new EntryStore()
  const address = Uint8Array.of(192, 0, 2, 1, ...new Uint8Array(12))
  const one = { vni: 1, mac: macFrom('02:00:00:00:00:01'), port: 0, family: 4, pad: new Uint8Array(3), address }
  const other = { ...one, pad: Uint8Array.of(1, 2, 3), address: Uint8Array.of(192, 0, 2, 1, 7) }
  const { count, vteps } = store.decode(encodeArray(fte, [one, other, { ...one, port: 4790 }, { ...one, family: 5 }]))
  assert.equal(count, 4)
  assert.equal(vteps[0], vteps[1])
  assert.notEqual(vteps[0], vteps[2])
  assert.equal(vteps[3], undefined)
})

test('an address with a port is told from every other address', () => {
  const store = new EntryStore()
  const entryOf = (port: number, ...address: number[]): Fte => {
    const pad = new Uint8Array(3)
    return { vni: 1, mac: macFrom('02:00:00:00:00:01'), port, family: 4, pad, address: Uint8Array.of(...address, ...new Uint8Array(12)) }
  }
  const list = [entryOf(0, 223, 0, 2, 1), entryOf(1, 223, 0, 2, 1), entryOf(0, 95, 0, 2, 1), entryOf(65535, 95, 0, 2, 1)]
  const { vteps } = store.decode(encodeArray(fte, [...list, ...list]))
  assert.equal(new Set(vteps).size, 4)
  assert.deepEqual(
    vteps.map((vtep) => `${vtep!.address.join('.')}:${vtep!.port}`),
    [...list, ...list].map(({ address, port }) => `${address.subarray(0, 4).join('.')}:${port}`),
  )
})

test('VTEPs of calls that are refused are forgotten, and equal ones of entries stay the same object', () => {
  const store = new EntryStore()
  const one = (i: number): Uint8Array =>
    encodeArray(fte, [
      {
        vni: 1,
        mac: macFrom('02:00:00:00:00:01'),
        port: 0,
        family: 4,
        pad: new Uint8Array(3),
        address: Uint8Array.from({ length: 16 }, (_, j) => (i >> (8 * (3 - j))) & 0xff),
      },
    ])
  const kept = store.decode(one(7)).vteps[0]!
  store.of(1).macs.set(1, kept)
  store.use(1, kept, 1)
  for (let i = 1000; i < 30_000; i++) store.decode(one(i))
  assert.ok(store.known < 10_000, `${store.known} are known`)
  assert.equal(store.decode(one(7)).vteps[0], kept)
})
