import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cStruct } from '#abi/c-struct.ts'
import { addressField, addressKey, addressOfKey, macField, macNumber, macOfNumber, segmentOf, vniOfSegment } from './keys.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })

test('MACs and addresses come back from their keys, and order does not change', () => {
  fc.assert(
    fc.property(bytes(6), bytes(6), (a, b) => {
      assert.deepEqual(Uint8Array.from(macOfNumber(macNumber(a))), a)
      assert.equal(Math.sign(macNumber(a) - macNumber(b)), Buffer.compare(a, b))
    }),
  )
  fc.assert(fc.property(bytes(16), (address) => assert.deepEqual(Uint8Array.from(addressOfKey(addressKey(address))), address)))
})

test('fields of keys have the bytes that they stand for', () => {
  const struct = cStruct({ mac: macField, address: addressField })
  fc.assert(
    fc.property(bytes(6), bytes(16), (mac, address) => {
      const value = { mac: macNumber(mac), address: addressKey(address) }
      const encoded = struct.encode(value)
      assert.deepEqual(Buffer.from(encoded), Buffer.concat([mac, address]))
      assert.deepEqual(struct.decode(encoded), value)
    }),
  )
})

test('a segment is its VNI, and of VNI 0 the switch’s own', () => {
  assert.deepEqual([segmentOf({ unit: 3 }, 5001), vniOfSegment(5001)], [5001, 5001])
  assert.deepEqual([segmentOf({ unit: 3 }, 0), vniOfSegment(0x80000003)], [0x80000003, 0])
})
