import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collect, rotated } from './rounds.ts'

test('each round begins with another one', () => {
  const order = [0, 1, 2, 3].map((round) => rotated(['a', 'b', 'c'], round).join(''))
  assert.deepEqual(order, ['abc', 'bca', 'cab', 'abc'])
  assert.deepEqual(rotated([], 2), [])
})

test('metrics that no probe gave are not there', () => {
  const result = collect([{ 'tcp-1': 2 }, { 'tcp-1': 4 }])
  assert.deepEqual(result, { 'tcp-1': { median: 3, min: 2, max: 4, samples: [2, 4] } })
})
