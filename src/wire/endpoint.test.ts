import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { endpointFrom, formatEndpoint, parseEndpoint } from './endpoint.ts'

test('an endpoint of either family is written and read', () => {
  for (const text of ['192.0.2.1:4789', '[2001:db8::1]:4789', '0.0.0.0:0', '[::]:65535'])
    assert.equal(formatEndpoint(endpointFrom(text)), text)
  assert.equal(formatEndpoint({ address: Uint8Array.of(192, 0, 2, 1), port: 8472 }), '192.0.2.1:8472')
})

test('a default port stands in for one that is left out', () => {
  for (const [text, whole] of [
    ['192.0.2.1', '192.0.2.1:4789'],
    ['[::1]', '[::1]:4789'],
  ] as const) {
    assert.deepEqual(parseEndpoint(text, 4789), parseEndpoint(whole))
    assert.equal(parseEndpoint(text).ok, false)
  }
})

test('an IPv6 address without brackets is told of them', () => {
  for (const text of ['::1:4789', '2001:db8::1:4789']) {
    const parsed = parseEndpoint(text)
    assert.match(parsed.ok ? '' : parsed.problem, /write an IPv6 address in brackets/)
  }
})

test('what is not an endpoint is refused', () => {
  for (const text of [
    '',
    ':4789',
    '192.0.2.1:',
    '192.0.2.1:65536',
    '192.0.2.1:04789',
    '2001:db8::1:4789',
    '[192.0.2.1]:1',
    '[::1',
    '::1]:1',
    '[::1]4789',
    '[fe80::1%eth0]:1',
    'localhost:1',
    '1.2.3.4:1:2',
    '1.2.3.4:1 ',
  ])
    assert.equal(parseEndpoint(text).ok, false, text)
  fc.assert(fc.property(fc.string(), (text) => void parseEndpoint(text, 1)))
})
