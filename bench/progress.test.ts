import assert from 'node:assert/strict'
import { test } from 'node:test'
import { duration, Progress } from './progress.ts'

test('the rest is expected at the pace of what is done', () => {
  let now = 0
  const lines: string[] = []
  const progress = new Progress(
    300,
    (line) => lines.push(line),
    () => now,
  )
  progress.step('one', 100)
  now = 200
  progress.step('two', 100)
  assert.deepEqual(lines, ['one (5 min left)', 'two (7 min left)'])
  assert.equal(progress.left, 400)
})

test('the first seconds set no pace', () => {
  let now = 0
  const progress = new Progress(
    100,
    () => undefined,
    () => now,
  )
  progress.step('set up', 2)
  now = 10
  progress.step('measure', 98)
  assert.equal(progress.left, 98)
})

test('durations are as exact as they can be', () => {
  assert.deepEqual([5, 89, 600, 3900].map(duration), ['5 s', '89 s', '10 min', '1 h 5 min'])
})
