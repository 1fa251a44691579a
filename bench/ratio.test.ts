import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUndecided, isWorse, pairedRatios, ratios } from './ratio.ts'
import { spread } from './spread.ts'

const conditions = { scope: 'cross-host', mtu: 1450, offload: true, entries: 1 } as const

test('a ratio is ours over theirs, under the conditions that both were measured in', () => {
  const peers = { vpc: { 'tcp-1': spread([26]), retransmits: spread([0]) }, raw: { 'tcp-1': spread([28]), retransmits: spread([0]) } }
  assert.deepEqual(ratios([{ conditions, peers }]), [{ metric: 'tcp-1', peer: 'raw', ...conditions, ratio: 26 / 28 }])
})

test('rounds are paired: what slows both down in one round does not widen the range', () => {
  const peers = { vpc: { 'tcp-1': spread([20, 10, 22]) }, raw: { 'tcp-1': spread([25, 12.5, 20]) } }
  const [found] = pairedRatios([{ conditions, peers }])
  assert.equal(found!.ratio, 1)
  assert.deepEqual(found!.rounds, { median: 0.8, min: 0.8, max: 1.1, samples: [0.8, 0.8, 1.1] })
  assert.equal(isUndecided(found!), true)
})

test('a peer that let nothing through has no ratio', () => {
  const peers = { vpc: { 'udp-64': spread([5, 6]) }, raw: { 'udp-64': spread([0, 0]) } }
  assert.deepEqual(pairedRatios([{ conditions, peers }]), [])
})

test('more latency is worse, more throughput is not', () => {
  assert.equal(isWorse('latency-p50', 1.01), true)
  assert.equal(isWorse('tcp-1', 1.01), false)
  assert.equal(isWorse('tcp-1', 1), false)
})
