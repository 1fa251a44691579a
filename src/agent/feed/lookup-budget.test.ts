import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LookupBudget } from './lookup-budget.ts'

/** How many of very many questions of a vpc pass at one time. */
const passed = (budget: LookupBudget, vpc: string, now: number): number => {
  let count = 0
  while (count < 10_000 && budget.take(vpc, now)) count++
  return count
}

test('a vpc whose guest asks for everything leaves the others their share', () => {
  const budget = new LookupBudget(0)
  budget.keep(new Set(['greedy', 'red', 'blue', 'green']))
  assert.equal(passed(budget, 'greedy', 0), 1_250, 'its quarter of the shares, and the pot')
  assert.equal(passed(budget, 'red', 0), 250)
  // A second later each may ask 50 times, and the greedy one has what those have no room for who ask nothing.
  assert.equal(passed(budget, 'greedy', 1_000), 150)
  assert.equal(passed(budget, 'red', 1_000), 50)
  for (let now = 1_100; now <= 11_000; now += 100) passed(budget, 'greedy', now)
  assert.equal(passed(budget, 'red', 11_000), 250, 'its share has filled')
})

test('a vpc that is alone has it all, and all together never have more than the API takes', () => {
  const alone = new LookupBudget(0)
  alone.keep(new Set(['red']))
  assert.deepEqual([passed(alone, 'red', 0), passed(alone, 'red', 1_000), passed(alone, 'red', 60_000)], [2_000, 200, 2_000])
  const many = new LookupBudget(0)
  const vpcs = Array.from({ length: 100 }, (_, i) => `vpc${i}`)
  many.keep(new Set(vpcs))
  assert.equal(
    vpcs.reduce((sum, vpc) => sum + passed(many, vpc, 0), 0),
    2_000,
  )
})
