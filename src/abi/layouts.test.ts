import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { asIp } from '#wire/ip-address.ts'
import { array, bytes, cStruct, pad, u16, u32, u64, u8 } from './c-struct.ts'
import { decodeArray, decodeSockaddr, encodeArray, encodeSockaddr, fte, neighbourEntry, objectHeader, vniValue } from './layouts.ts'

test('C alignment: fields are aligned, the struct is rounded up', () => {
  const s = cStruct({ a: u8, b: u32, c: u16, d: u64, e: u8 })
  assert.deepEqual(s.offsets, { a: 0, b: 4, c: 8, d: 16, e: 24 })
  assert.equal(s.size, 32)
  assert.deepEqual(s.decode(s.encode({ a: 1, b: 0xdeadbeef, c: 2, d: 3n, e: 4 })), { a: 1, b: 0xdeadbeef, c: 2, d: 3n, e: 4 })
  assert.throws(() => s.decode(new Uint8Array(31)), RangeError)
})

test('structs nest, arrays keep their place, and fields that are too long are refused', () => {
  const inner = cStruct({ x: u16, y: pad(2) })
  const outer = cStruct({ n: u8, list: array(inner, 3), tail: bytes(2) })
  assert.equal(outer.size, 16)
  const encoded = outer.encode({ n: 9, list: [{ x: 1, y: undefined }], tail: new Uint8Array([7]) })
  assert.deepEqual([...encoded], [9, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0])
  assert.throws(() => outer.encode({ n: 0, list: [], tail: new Uint8Array(3) }), RangeError)
})

test('layouts of the ABI have the sizes and byte orders that it fixes', () => {
  assert.equal(objectHeader.size, 24)
  assert.equal(fte.size, 32)
  assert.equal(neighbourEntry.size, 28)
  assert.deepEqual([...vniValue.encode({ vni: 0x01e240 })], [0x00, 0x01, 0xe2, 0x40])
  const entry = fte.encode({
    vni: 5001,
    mac: new Uint8Array(6),
    port: 4789,
    family: 4,
    pad: new Uint8Array(3),
    address: new Uint8Array([192, 0, 2, 1]),
  })
  assert.deepEqual([...entry.subarray(0, 20)], [0x89, 0x13, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0xb5, 4, 0, 0, 0, 192, 0, 2, 1])
})

test('arrays of structs round-trip, and a ragged length is refused', () => {
  const entries = [1, 2].map((n) => ({ vni: n, mac: new Uint8Array(6).fill(n), pad: 0, address: new Uint8Array(16).fill(n) }))
  assert.deepEqual(decodeArray(neighbourEntry, encodeArray(neighbourEntry, entries)), entries)
  assert.equal(decodeArray(neighbourEntry, new Uint8Array(29)), undefined)
  assert.deepEqual(decodeArray(neighbourEntry, new Uint8Array(0)), [])
})

test('a sockaddr is taken in BSD and in Linux layout, IPv4 and IPv6', () => {
  const tail4 = [0x12, 0xb5, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]
  const want4 = { address: Uint8Array.of(192, 0, 2, 1), port: 4789 }
  assert.deepEqual(decodeSockaddr(Uint8Array.of(16, 2, ...tail4)), want4)
  assert.deepEqual(decodeSockaddr(Uint8Array.of(2, 0, ...tail4)), want4)
  const address = Uint8Array.from({ length: 16 }, (_, i) => i)
  const tail6 = [0x12, 0xb5, 0, 0, 0, 0, ...address, 0, 0, 0, 0]
  assert.deepEqual(decodeSockaddr(Uint8Array.of(28, 28, ...tail6)), { address, port: 4789 })
  assert.deepEqual(decodeSockaddr(Uint8Array.of(10, 0, ...tail6)), { address, port: 4789 })
})

test('what is not a sockaddr is refused, and garbage never throws', () => {
  assert.equal(decodeSockaddr(Uint8Array.of(10, 0, 1, 2)), undefined)
  assert.equal(decodeSockaddr(new Uint8Array(16)), undefined)
  assert.equal(decodeSockaddr(Uint8Array.of(10, 0, ...new Uint8Array(14))), undefined, 'IPv6 in 16 bytes')
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (data) => void decodeSockaddr(data)))
})

test('an endpoint survives its sockaddr', () => {
  const length = fc.constantFrom(4, 16)
  const endpoint = length.chain((n) => fc.record({ address: fc.uint8Array({ minLength: n, maxLength: n }).map(asIp), port: fc.nat(65535) }))
  fc.assert(fc.property(endpoint, (e) => assert.deepEqual(decodeSockaddr(encodeSockaddr(e)), { ...e })))
})
