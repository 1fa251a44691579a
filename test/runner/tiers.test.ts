/**
 * Holds that every test file is in a tier, and that the budgets of all files fit into the time that `npm test`,
 * `npm run test:long` and `npm run test:integrations` may take.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { filesBelow } from '../sources.ts'
import { alone, budgeted, budgetOf, isIntegration, isLong, tierOf } from './tiers.ts'

const files = filesBelow('src', 'bench', 'test', 'scripts').filter((file) => file.endsWith('.test.ts'))

test('every test file is in a tier', () => {
  for (const file of files) assert.doesNotThrow(() => tierOf(file), file)
  assert.throws(() => tierOf('docs/x.test.ts'), /is in no tier/)
})

test('budgets and files that run alone name files that are there', () => {
  assert.deepEqual(
    [...budgeted, ...alone].filter((file) => !files.includes(file)),
    [],
  )
  for (const file of budgeted) assert.notEqual(budgetOf(file), 0)
})

/** The part of its time in which a file keeps a processor busy; in the rest it waits, and others run. */
const busy = 0.75
/** What `npm test` may take, less building, types, lint and format. */
const testSeconds = 720 - 60
/** What `npm run test:long` may take. */
const longSeconds = 240
/** What `npm run test:integrations` may take. */
const integrationSeconds = 300

const onTwo = (all: readonly string[]): number => (all.reduce((sum, file) => sum + budgetOf(file), 0) * busy) / 2

test('all budgets together fit into what npm test may take on two CPUs', () => {
  const seconds = onTwo(files.filter((file) => !isIntegration(file) && !isLong(file)))
  assert.ok(seconds <= testSeconds, `${seconds} s`)
})

test('the long ones fit into theirs', () => {
  const seconds = onTwo(files.filter(isLong))
  assert.ok(seconds <= longSeconds, `${seconds} s`)
})

test('those with programs of others fit into theirs', () => {
  const seconds = onTwo(files.filter((file) => isIntegration(file) && !file.includes('/long/')))
  assert.ok(seconds <= integrationSeconds, `${seconds} s`)
})

test('a hook that fails after all tests is a failure of the file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-summary-'))
  try {
    const file = join(directory, 'late.test.mjs')
    writeFileSync(file, "import { after, test } from 'node:test'\nafter(() => { throw new Error('late') })\ntest('x', () => {})\n")
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const flags = ['--test', '--test-isolation=none', '--test-reporter=./test/runner/summary.mjs']
    const { stdout } = spawnSync(process.execPath, [...flags, file], { encoding: 'utf8', env })
    const { passed, success } = JSON.parse(stdout) as { passed: number; success: boolean }
    assert.deepEqual([passed, success], [1, false])
  } finally {
    rmSync(directory, { recursive: true })
  }
})
