import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseStoreLocation } from './location.ts'

const tls = { ca: '/e/ca.pem', cert: '/e/c.pem', key: '/e/k.pem' }
const query = 'ca=/e/ca.pem&cert=/e/c.pem&key=/e/k.pem'

test('a store has a name', () => {
  const good: readonly (readonly [string, unknown])[] = [
    ['sqlite:/var/lib/vpc/control.db', { kind: 'sqlite', path: '/var/lib/vpc/control.db' }],
    ['etcd://a', { kind: 'etcd', endpoints: ['a:2379'], prefix: '/vpc1/', credentials: undefined }],
    [`etcd://a:1,[::1]:2/?prefix=/x/&${query}`, { kind: 'etcd', endpoints: ['a:1', '[::1]:2'], prefix: '/x/', credentials: tls }],
  ]
  for (const [text, value] of good) assert.deepEqual(parseStoreLocation(text), { ok: true, value })
})

test('a wrong name says what is wrong with it', () => {
  const bad: readonly (readonly [string, RegExp])[] = [
    ['', /is not a store; write sqlite:PATH/],
    ['/var/lib/x.db', /is not a store/],
    ['sqlite:x.db', /from the root/],
    ['sqlite:/x/', /from the root/],
    ['etcd://', /names no members/],
    ['etcd://a b:1', /names no members/],
    ['etcd://a?prefix=x', /not a prefix/],
    ['etcd://a?cafile=x', /has no 'cafile'/],
    ['etcd://a?ca=/x', /all of ca, cert and key/],
  ]
  for (const [text, problem] of bad) {
    const found = parseStoreLocation(text)
    assert.match(found.ok ? '' : found.problem, problem, text)
  }
})
