import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isLinearizable, type Operation } from './linearizable.ts'

type Of = Operation<string>
const write = (called: number, answered: number, value: string): Of => ({ called, answered, step: () => value })
const read = (called: number, answered: number, value: string): Of => ({
  called,
  answered,
  step: (state) => (state === value ? state : undefined),
})

test('what cannot have happened is found', () => {
  assert.ok(isLinearizable([write(0, 1, 'a'), read(2, 3, 'a')], ''))
  assert.ok(!isLinearizable([write(0, 1, 'a'), read(2, 3, '')], ''), 'a lost write')
  assert.ok(isLinearizable([write(0, 10, 'a'), read(1, 2, ''), read(3, 4, 'a')], ''))
  assert.ok(!isLinearizable([write(0, 10, 'a'), read(1, 2, 'a'), read(3, 4, '')], ''), 'back in time')
  assert.ok(!isLinearizable([read(0, 1, 'a'), write(2, 3, 'a')], ''), 'before it was written')
  assert.ok(isLinearizable([write(0, Infinity, 'a'), read(1, 2, ''), read(5, 6, 'a')], ''), 'an unknown outcome, late')
  assert.ok(isLinearizable([write(0, Infinity, 'a'), read(5, 6, '')], ''), 'an unknown outcome, never')
  assert.ok(!isLinearizable([write(0, Infinity, 'a'), write(1, 2, 'b'), read(3, 4, 'a'), read(5, 6, 'b')], ''), 'written twice')
})

/** Every order that time allows, one after another. */
function bruteForce(operations: readonly Of[], state: string): boolean {
  if (operations.every(({ answered }) => answered === Infinity)) return true
  return operations.some((first, i) => {
    const others = operations.toSpliced(i, 1)
    if (others.some(({ answered }) => answered < first.called)) return false
    const next = first.step(state)
    return next !== undefined && bruteForce(others, next)
  })
}

test('the search agrees with a search of all orders', () => {
  const operation = fc
    .record({
      called: fc.nat(12),
      takes: fc.oneof(fc.nat(6), fc.constant(Infinity)),
      value: fc.constantFrom('', 'a', 'b'),
      isRead: fc.boolean(),
    })
    .map(({ called, takes, value, isRead }) => (isRead ? read : write)(called, called + takes, value))
  const seen = { true: 0, false: 0 }
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 6 }), (operations) => {
      const expected = bruteForce(operations, '')
      seen[`${expected}`]++
      assert.equal(isLinearizable(operations, ''), expected)
    }),
    { numRuns: 1500 },
  )
  assert.ok(Math.min(seen.true, seen.false) > 200, JSON.stringify(seen))
})

test('thousands of operations are judged in no time', () => {
  let state = ''
  const operations: Of[] = []
  for (let n = 0; n < 4000; n++) {
    // Each takes effect at n, and overlaps with some ten others.
    const [called, answered] = [n - Math.random() * 6, n + Math.random() * 6]
    if (n % 3 === 0) operations.push(write(called, answered, (state = `${n}`)))
    else operations.push(read(called, answered, state))
  }
  assert.ok(isLinearizable(operations, ''))
  operations[3000] = read(2999.9, 3000.1, 'never written')
  assert.ok(!isLinearizable(operations, ''))
})
