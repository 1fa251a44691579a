import assert from 'node:assert/strict'
import { test } from 'node:test'
import { middleMean, quantile, spread } from './spread.ts'

test('the median of an even number of samples lies between the two in the middle', () => {
  assert.deepEqual(spread([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4, samples: [4, 1, 3, 2] })
  assert.equal(spread([9, 1, 5]).median, 5)
})

test('quartiles lie between samples as well', () => {
  assert.deepEqual([quantile([1, 2, 3, 4], 0.25), quantile([1, 2, 3, 4], 0.75)], [1.75, 3.25])
  assert.equal(quantile([7], 0.25), 7)
})

test('the mean of the middle half takes no notice of strays', () => {
  assert.equal(middleMean([10, 20, 10, 20, 10, 20, 9000, 0]), 15)
  assert.equal(middleMean([3]), 3)
})
