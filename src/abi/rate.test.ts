import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRate } from './rate.ts'

const bytes = (text: string): unknown => {
  const read = parseRate(text, 'bytes a second', 1e11, true)
  return read.ok ? read.value : read.problem
}

test('rates have decimal units, and bits are eighths of bytes', () => {
  for (const [text, value] of [
    ['0', 0],
    ['1500', 1500],
    ['100m', 100_000_000],
    ['1.5K', 1500],
    ['100mbit', 12_500_000],
    ['10Gbit', 1_250_000_000],
    ['8bit', 1],
    ['100g', 1e11],
  ] as const)
    assert.equal(bytes(text), value, text)
})

test('what is not a rate is refused by name', () => {
  for (const text of ['', '-1', '1mb', '100 m', '1e9', 'm', '1.m', '0x10'])
    assert.match(String(bytes(text)), /is not a number of bytes a second/, text)
  assert.equal(bytes('101g'), "'101g' is more than 100000000000 bytes a second")
  assert.equal(bytes('1bit'), "'1bit' is less than one of bytes a second")
  const packets = parseRate('8kbit', 'packets a second', 1e9, false)
  assert.deepEqual(packets, { ok: false, problem: "'8kbit' is not a number of packets a second, with k or m behind it" })
})
