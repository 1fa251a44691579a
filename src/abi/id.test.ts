import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { describeIdProblem, formatId, generateId, idBytes, idMac, idTypeCode, parseId } from './id.ts'
import { objectType, unitTypes } from './object-type.ts'

const switchId = 'da64c3f3-095d-91e5-df01-5aabcfc52468'

test('byte 9 is the type and bytes 10 to 15 are the MAC, as in the ABI example', () => {
  const parsed = parseId(switchId, 'vpcsw')
  assert.ok(parsed.ok)
  assert.equal(idTypeCode(parsed.id), 1)
  assert.deepEqual([...idMac(parsed.id)], [0x5a, 0xab, 0xcf, 0xc5, 0x24, 0x68])
  assert.deepEqual([...idBytes(parsed.id).subarray(0, 4)], [0xda, 0x64, 0xc3, 0xf3], 'text order is byte order')
})

test('generated ids are of their type and never multicast', () => {
  for (const type of unitTypes)
    for (let i = 0; i < 50; i++) {
      const id = generateId(type)
      assert.deepEqual(parseId(id, type), { ok: true, id })
      assert.equal(idTypeCode(id), objectType[type])
    }
})

test('an id of another type is refused with the id that has the right byte', () => {
  const parsed = parseId(switchId, 'vmnic')
  assert.ok(!parsed.ok && parsed.problem.kind === 'wrong-type')
  assert.equal(parsed.problem.suggestion, 'da64c3f3-095d-91e5-df06-5aabcfc52468')
  assert.equal(
    describeIdProblem(parsed.problem),
    `id ${switchId} is the id of a switch (byte 9 is 1); for a vmnic use da64c3f3-095d-91e5-df06-5aabcfc52468`,
  )
})

test('a multicast id is refused with the id whose bit is clear', () => {
  const parsed = parseId('da64c3f3-095d-91e5-df01-5babcfc52468', 'vpcsw')
  assert.ok(!parsed.ok && parsed.problem.kind === 'multicast')
  assert.equal(parsed.problem.suggestion, switchId)
})

test('upper case is taken and given back in lower case; other text is not an id', () => {
  assert.deepEqual(parseId(switchId.toUpperCase()), { ok: true, id: switchId })
  for (const text of ['', 'vpcsw0', `${switchId}0`, `{${switchId}}`, switchId.replaceAll('-', ''), ` ${switchId}`]) {
    const parsed = parseId(text)
    assert.ok(!parsed.ok && parsed.problem.kind === 'not-a-uuid', text)
  }
})

test('format and parse are each other’s inverse for every unicast id', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      bytes[10]! &= 0xfe
      const parsed = parseId(formatId(bytes))
      assert.ok(parsed.ok)
      assert.deepEqual(idBytes(parsed.id), bytes)
    }),
  )
})
