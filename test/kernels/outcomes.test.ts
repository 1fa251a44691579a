/** The table of the long form: later outcomes replace earlier ones, files are counted, and a failure shows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { intoPage, merge, tableOf, type Outcome } from './outcomes.ts'

const outcome = (suite: string, name: string, passed = true): Outcome => ({ suite, name, passed, seconds: 2.6, date: '2026-11-28' })

test('a suite of files is one row that names what failed', () => {
  const rows = tableOf([outcome('Linux 7', 'a.test.ts'), outcome('Linux 7', 'b.test.ts', false), outcome('', 'alone')]).split('\n')
  assert.deepEqual(rows.slice(2), [
    '| alone | passed | 3 | 2026-11-28 |',
    '| Linux 7 | 1 of 2 files passed; FAILED: b.test.ts | 5 | 2026-11-28 |',
  ])
})

test('the later outcome counts', () => {
  const table = tableOf(merge([outcome('pairs', 'x', false), outcome('pairs', 'y')], [outcome('pairs', 'x')]))
  assert.doesNotMatch(table, /FAILED/)
  assert.equal(table.split('\n').length, 4)
})

test('the table goes between the marks of a page', () => {
  const page = 'before\n<!-- outcomes: begin -->\nold\n<!-- outcomes: end -->\nafter\n'
  assert.equal(intoPage(page, 'new'), 'before\n<!-- outcomes: begin -->\n\nnew\n\n<!-- outcomes: end -->\nafter\n')
  assert.throws(() => intoPage('before\n', 'new'), /has no <!-- outcomes: begin -->/)
})
