import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ScenarioResult } from './measure.ts'
import { complete, continued, nothing, put, takenOf } from './results.ts'
import { full } from './scenario.ts'
import { choose } from './selection.ts'
import { spread } from './spread.ts'

const machine = { cpus: 2, model: 'A', kernel: '6.18' }
const base = { scope: 'cross-host', mtu: 1450, offload: true, entries: 1 } as const
const result = (change: Partial<ScenarioResult['conditions']>, gigabits = 1): ScenarioResult => ({
  conditions: { ...base, ...change },
  taken: { date: '2026-01-01T00:00:00Z', rounds: 1, seconds: 1, loadBefore: [0] },
  peers: { vpc: { 'tcp-1': spread([gigabits]) }, raw: { 'tcp-1': spread([2]) } },
  missing: {},
})

test('a scenario that is measured again takes the place of the old one', () => {
  const before = [result({}), result({ mtu: 8950 }), result({ scope: 'same-host' })]
  const after = put(before, result({ mtu: 8950 }, 3))
  assert.deepEqual(after, [before[0], result({ mtu: 8950 }, 3), before[2]])
})

test("a new one finds its place, and the targets' conditions stay first", () => {
  const all = [result({ entries: 1000 }), result({ scope: 'same-host' }), result({ offload: false }), result({})].reduce(
    put,
    [] as ScenarioResult[],
  )
  assert.deepEqual(
    all.map(({ conditions }) => [conditions.scope, conditions.offload, conditions.entries]),
    [
      ['cross-host', true, 1],
      ['cross-host', false, 1],
      ['cross-host', true, 1000],
      ['same-host', true, 1],
    ],
  )
})

test('what was written is read again, and follows from what was measured', () => {
  const measured = { ...nothing, scenarios: [result({})], costs: [] }
  const results = complete(measured, machine)
  assert.deepEqual(results.ratios, [{ metric: 'tcp-1', peer: 'raw', ...base, ratio: 0.5 }])
  assert.deepEqual(continued(JSON.stringify(results), machine), measured)
})

test('results of another machine or another version are refused', () => {
  const text = JSON.stringify(complete(nothing, machine))
  assert.throws(() => continued(text, { ...machine, kernel: '7.0' }), /another machine: kernel 6\.18/)
  assert.throws(() => continued('{"scenarios": [{}], "machines": []}', machine), /not of this version/)
})

test('a part is known to be there by its conditions', () => {
  const measured = { ...nothing, scenarios: [result({ mtu: 8950 })] }
  const there = full.parts.filter((part) => takenOf(measured, part) !== undefined)
  assert.deepEqual(there, choose(full.parts, ['container,mtu=8950,offload=on,entries=1']))
})
