import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spread } from './spread.ts'
import { entriesVerdict, ratioOf, targets, verdict } from './target.ts'

test('a target is met by the medians, and rounds that say otherwise are counted', () => {
  assert.equal(verdict({ metric: 'tcp-1', ratio: 1.3, rounds: spread([1.31, 1.4]) }, 1.3), 'met')
  assert.equal(verdict({ metric: 'tcp-1', ratio: 1.31, rounds: spread([1.2, 1.31, 1.4]) }, 1.3), 'met, otherwise in 1 of 3 rounds')
  assert.equal(verdict({ metric: 'cpu-per-gb', ratio: 0.73, rounds: spread([0.73]) }, 0.72), '**not met**')
})

test('a target is for one condition alone', () => {
  const base = { metric: 'tcp-1', peer: 'routed', scope: 'cross-host', mtu: 1450, offload: true, entries: 1 } as const
  const wanted = { ...base, ratio: 1, rounds: spread([1]) }
  const target = targets.find(({ metric, peer }) => metric === 'tcp-1' && peer === 'routed')!
  const others = [
    { ...wanted, offload: false },
    { ...wanted, mtu: 8950 },
    { ...wanted, entries: 1000 },
  ]
  assert.equal(ratioOf(others, target), undefined)
  assert.equal(ratioOf([...others, wanted], target), wanted)
})

test('entries cost too much only by their own median, and a wide middle is told', () => {
  const of = (ratio: number, q1: number, q3: number) =>
    entriesVerdict({ metric: 'udp-64', entries: 100_000, ratio, rounds: { q1, median: ratio, q3 } })
  assert.equal(of(0.99, 0.98, 1), 'met')
  assert.equal(of(0.98, 0.95, 1), 'met, the quartiles lie on both sides')
  assert.equal(of(0.9, 0.88, 0.92), '**not met**')
})
