import assert from 'node:assert/strict'
import { test } from 'node:test'
import { intoDocument, markdown } from './document.ts'
import { complete, nothing } from './results.ts'
import { spread } from './spread.ts'

const machine = { cpus: 2, model: 'A', kernel: '6.18' }
const conditions = { scope: 'cross-host', mtu: 1450, offload: true, entries: 1 } as const
const taken = { date: '2026-01-01T00:00:00Z', rounds: 2, seconds: 1, loadBefore: [0.1, 0.2] }

const tables = (own: number[], theirs: number[]): string => {
  const peers = { vpc: { 'tcp-1': spread(own) }, 'bridge-vxlan': { 'tcp-1': spread(theirs) } }
  return markdown(
    complete({ ...nothing, scenarios: [{ conditions, taken, peers, missing: { 'ovs-userspace': 'not installed' } }] }, machine),
  )
}

test('targets stand beside the ratio of medians and the range of the rounds', () => {
  const text = tables([28, 26], [20, 20])
  assert.match(text, /\| tcp-1 \| cross-host \| bridge-vxlan \| ≥ 1.3 \| × 1.35 \(1.30-1.40\) \| 1.35 \| met \|/)
  assert.match(text, /\| tcp-1 \| cross-host \| routed \| ≥ 0.92 \| - \| - \| not measured \|/)
  assert.match(text, /No metric is worse/)
  assert.match(text, /2 rounds of 1 s, load before them 0\.1 0\.2\. ovs-userspace: not installed\./)
})

test('what is worse is told apart by whether the rounds agree', () => {
  assert.match(tables([18, 19], [20, 20]), /× 0\.93 \(0\.90-0\.95\) \| 0\.9[23] \| worse in every round/)
  assert.match(tables([18, 21], [20, 20]), /× 0\.97 \(0\.90-1\.05\) \| 0\.98 \| better in some rounds/)
})

test('tables go between the marks, and nowhere without them', () => {
  const document = 'before\n<!-- tables: begin -->\nold\n<!-- tables: end -->\nafter\n'
  assert.equal(intoDocument(document, 'new'), 'before\n<!-- tables: begin -->\n\nnew\n\n<!-- tables: end -->\nafter\n')
  assert.throws(() => intoDocument('before\nafter\n', 'new'), /has no <!-- tables: begin -->/)
})
