import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatMac, isMulticastMac, isZeroMac, macFrom, parseMac } from './mac.ts'
import { isVni, parseVni } from './vni.ts'

test('a MAC is six groups of two digits with colons', () => {
  assert.deepEqual([...macFrom('5a:AB:cf:c5:24:68')], [0x5a, 0xab, 0xcf, 0xc5, 0x24, 0x68])
  for (const text of [
    '',
    '5a:ab:cf:c5:24',
    '5a:ab:cf:c5:24:68:00',
    '5a-ab-cf-c5-24-68',
    '5a:ab:cf:c5:24:6',
    '5a:ab:cf:c5:24:6g',
    ' 5a:ab:cf:c5:24:68',
    '5aab.cfc5.2468',
  ])
    assert.equal(parseMac(text).ok, false, text)
})

test('a MAC is written in lower case and read back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => assert.deepEqual([...macFrom(formatMac(bytes))], [...bytes])),
  )
  assert.equal(formatMac(macFrom('5A:AB:CF:C5:24:68')), '5a:ab:cf:c5:24:68')
})

test('group and zero MACs are told apart', () => {
  assert.equal(isMulticastMac(macFrom('01:00:5e:00:00:01')), true)
  assert.equal(isMulticastMac(macFrom('02:00:5e:00:00:01')), false)
  assert.equal(isZeroMac(macFrom('00:00:00:00:00:00')), true)
})

test('a VNI has 24 bits', () => {
  assert.deepEqual(parseVni('16777215'), { ok: true, value: 16777215 })
  for (const text of ['16777216', '-1', '+1', '01', '1.0', '1e3', '0x10', '', ' 1', '99999999999'])
    assert.equal(parseVni(text).ok, false, text)
  assert.equal(isVni(1.5), false)
})
