import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeEvent } from './events.ts'
import { dropReasons, event, eventKind, eventSnap, statsNone } from './layout.ts'

const record = {
  timeNs: process.hrtime.bigint(),
  kind: eventKind.drop as number,
  reason: dropReasons.indexOf('hairpin'),
  ifindex: 4,
  source: 7,
  segment: 5001,
  len: 1000,
  caplen: 3,
  port: 0,
  policy: 0,
  rule: 0,
  direction: 0,
  state: 0,
  route: 0,
  lost: 12,
  data: Uint8Array.of(1, 2, 3, 4),
}

test('a drop says why, where, and how its packet began', () => {
  const { time, ...drop } = decodeEvent(event.encode(record))!
  assert.deepEqual(drop, {
    kind: 'drop',
    reason: 'hairpin',
    ifindex: 4,
    source: 7,
    segment: 5001,
    length: 1000,
    lost: 12,
    data: Uint8Array.of(1, 2, 3),
  })
  assert.ok(Math.abs(time.getTime() - Date.now()) < 5000)
})

test('a miss says what was asked', () => {
  for (const [name, question] of [
    ['arp_miss', 'arp'],
    ['nd_miss', 'nd'],
    ['dhcp', 'dhcp'],
  ] as const) {
    const miss = decodeEvent(event.encode({ ...record, kind: eventKind[name], source: statsNone }))
    assert.ok(miss?.kind === 'miss')
    assert.deepEqual([miss.question, miss.source], [question, undefined])
  }
})

test('what this version does not know is passed over, and no record throws', () => {
  assert.equal(decodeEvent(event.encode({ ...record, kind: 99 })), undefined)
  assert.equal(decodeEvent(new Uint8Array(event.size - 1)), undefined)
  const odd = decodeEvent(event.encode({ ...record, reason: 9999, caplen: 0xffffffff }))
  assert.ok(odd?.kind === 'drop' && odd.reason === 'none' && odd.data.length === eventSnap)
})
