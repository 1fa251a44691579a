/** Where the port for agents listens, as people write it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAgentPort } from './agent-port.ts'

test('an address and a port, or a port alone on loopback', () => {
  const cases: readonly (readonly [string, object | undefined])[] = [
    ['127.0.0.1:7474', { host: '127.0.0.1', port: 7474 }],
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
    ['[::]:7474', { host: '::', port: 7474 }],
    ['7474', { host: '127.0.0.1', port: 7474 }],
    ['localhost:1', { host: 'localhost', port: 1 }],
    ['127.0.0.1:65536', undefined],
    ['127.0.0.1', undefined],
    ['::1:7474', undefined],
    ['cloud.example:7474', undefined],
    ['', undefined],
    ['127.0.0.1:7474 ', undefined],
  ]
  for (const [text, expected] of cases) assert.deepEqual(parseAgentPort(text), expected, text)
})
