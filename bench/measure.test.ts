import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ratios, spread } from './measure.ts'

test('the median of an even number of samples lies between the two in the middle', () => {
  assert.deepEqual(spread([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4, samples: [4, 1, 3, 2] })
  assert.equal(spread([9, 1, 5]).median, 5)
})

test('a ratio is ours over theirs, under the conditions that both were measured in', () => {
  const conditions = { scope: 'cross-host', mtu: 1450, offload: true, entries: 1 } as const
  const peers = { vpc: { 'tcp-1': spread([26]), retransmits: spread([0]) }, raw: { 'tcp-1': spread([28]), retransmits: spread([0]) } }
  assert.deepEqual(ratios([{ conditions, peers, loadBefore: [], missing: {} }]), [
    { metric: 'tcp-1', peer: 'raw', ...conditions, ratio: 26 / 28 },
  ])
})
