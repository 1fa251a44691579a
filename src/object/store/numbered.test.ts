import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Numbered } from './numbered.ts'

test('the lowest free number is the one that counting from 0 finds', () => {
  const steps = fc.array(fc.record({ take: fc.boolean(), number: fc.nat({ max: 8 }) }))
  fc.assert(
    fc.property(steps, (list) => {
      const numbers = new Numbered<true>()
      for (const { take, number } of list) {
        if (take) numbers.set(number, true)
        else numbers.delete(number)
        let lowest = 0
        while (numbers.has(lowest)) lowest++
        assert.equal(numbers.lowestFree(), lowest)
      }
    }),
  )
})

test('a cleared one starts from 0', () => {
  const numbers = new Numbered<true>()
  numbers.set(0, true)
  assert.equal(numbers.lowestFree(), 1)
  numbers.clear()
  assert.equal(numbers.lowestFree(), 0)
})
