import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spread } from './spread.ts'
import { sizeRatios } from './table-size.ts'

test('every size stands against one entry, by medians and by the quartiles of the rounds', () => {
  const found = sizeRatios({ 1: { 'udp-64': spread([100, 200, 100, 100]) }, 100000: { 'udp-64': spread([99, 202, 97, 98]) } })
  assert.equal(found.length, 1)
  const [{ metric, entries, ratio, rounds }] = found as [(typeof found)[0]]
  assert.deepEqual([metric, entries, ratio], ['udp-64', 100_000, 0.985])
  assert.deepEqual(
    [rounds.q1, rounds.median, rounds.q3].map((value) => value.toFixed(4)),
    ['0.9775', '0.9850', '0.9950'],
  )
})
