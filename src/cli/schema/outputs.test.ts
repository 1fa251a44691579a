/** Schemas of outputs that no vpcd makes: a field that is not theirs, or that is missing, is found. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonSchemaOf, outputProblem } from './outputs.ts'

const room = { used: 1, most: 2, isFull: false }
const moved = { entries: 3, revision: 7, sha256: 'a'.repeat(64) }
const plan = {
  plan: 'f00d',
  vpc: 'red',
  changes: [{ action: 'create', kind: 'subnet', name: 's1', id: null, fields: [{ field: 'network4', is: null, asked: '10.0.0.0/24' }] }],
  hosts: { count: 1, names: ['h1'] },
}
const right: Readonly<Record<string, object>> = {
  'db defrag': { before: room, after: room },
  'db export': moved,
  'db import': moved,
  'db migrate': { from: 1, to: 1 },
  'db finalize': { schema: 1, writes: 1 },
  'db ping': {
    kind: 'etcd',
    version: '3.5.33',
    revision: 9,
    compacted: 1,
    bytes: 4096,
    warnings: [],
    members: [{ endpoint: 'a:2379', error: 'away' }],
    schema: 1,
    writes: 1,
    readMs: 0.4,
  },
  'cloud plan': { dryRun: true, ...plan },
  'cloud apply': { changed: true, ...plan },
  export: { version: 1, owner: null, switches: [{}] },
  apply: { dryRun: false, changed: false, changes: [] },
}

test('outputs of stores, plans and documents have all of their fields, and no others', () => {
  for (const [path, value] of Object.entries(right)) {
    assert.equal(outputProblem(path, JSON.stringify(value)), undefined, path)
    assert.notEqual(outputProblem(path, JSON.stringify({ ...value, more: 1 })), undefined, `${path} with a field more`)
    const [first] = Object.keys(value)
    assert.notEqual(outputProblem(path, JSON.stringify({ ...value, [first!]: undefined })), undefined, `${path} without ${first}`)
  }
  const [change] = plan.changes
  const odd = { dryRun: true, ...plan, changes: [{ ...change, action: 'move' }] }
  assert.notEqual(outputProblem('cloud plan', JSON.stringify(odd)), undefined)
})

test('what a vpcd of before does not say of a hostif may be missing', () => {
  const { required } = jsonSchemaOf('hostif get') as { required: readonly string[] }
  assert.deepEqual([required.includes('hostDevice'), required.includes('moved')], [true, false])
})
