import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  Attributes,
  attribute,
  attributeNested,
  attributeString,
  attributeU16be,
  attributeU32,
  decodeAttributeList,
  decodeMessages,
  encodeMessage,
  joinAligned,
} from './netlink-message.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('a message has the bytes of linux/netlink.h', () => {
  const bytes = encodeMessage(18, 0x0301, 7, [attributeString(3, 'lo')])
  assert.equal(hex(bytes), '18000000120001030700000000000000' + '070003006c6f0000')
})

test('attributes have the bytes of linux/netlink.h', () => {
  assert.equal(hex(attributeU32(4, 1450)), '08000400aa050000')
  assert.equal(hex(attributeU16be(15, 4789)), '06000f0012b5')
  assert.equal(hex(attributeNested(18, attributeString(1, 'veth'))), '10001280' + '0900010076657468' + '00000000')
})

test('what is read from attributes is what was written', () => {
  const attributes = new Attributes(
    joinAligned([
      attributeU32(1, 0xffffffff),
      attributeString(2, 'é'),
      attributeNested(3, attributeU16be(4, 258)),
      attribute(5, new Uint8Array(0)),
    ]),
  )
  assert.equal(attributes.u32(1), 0xffffffff)
  assert.equal(attributes.i32(1), -1)
  assert.equal(attributes.string(2), 'é')
  assert.equal(attributes.nested(3).u16be(4), 258)
  assert.ok(attributes.has(5))
  assert.equal(attributes.u8(5), undefined)
  assert.equal(attributes.u32(6), undefined)
  assert.deepEqual(attributes.nested(6).list(1), [])
})

test('decode after encode gives the same', () => {
  const payload = fc.uint8Array({ maxLength: 40 })
  const list = fc.array(fc.tuple(fc.nat(0x3fff), payload), { maxLength: 8 })
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(0xffff), fc.nat(0xffff), list), { maxLength: 4 }), (messages) => {
      const bytes = joinAligned(
        messages.map(([type, flags, attributes], seq) =>
          encodeMessage(
            type,
            flags,
            seq,
            attributes.map(([t, p]) => attribute(t, p)),
          ),
        ),
      )
      const decoded = decodeMessages(bytes)
      assert.deepEqual(
        decoded.map(({ type, flags, body }) => [type, flags, decodeAttributeList(body).map(([t, p]) => [t, hex(p)])]),
        messages.map(([type, flags, attributes]) => [type, flags, attributes.map(([t, p]) => [t, hex(p)])]),
      )
    }),
  )
})

test('garbage is refused with RangeError or decoded, nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const attributes = new Attributes(bytes)
      for (let type = 0; type < 8; type++) attributes.nested(type).string(type)
      try {
        decodeMessages(bytes)
      } catch (error) {
        assert.ok(error instanceof RangeError)
      }
    }),
  )
})
