import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { operations } from '#abi/command.ts'
import { allOperations, descriptorRights } from '#abi/layouts.ts'
import { generateId } from '#abi/id.ts'
import { Access, type AccessRule } from './access.ts'
import type { OpenCall } from './open-call.ts'
import { checkRights, encodeRights, narrow, type Rights } from './rights.ts'
import { VpcError } from './vpc-error.ts'

const caller = (uid: number, gid = uid, groups: readonly number[] = []) => ({ pid: 1, uid, gid, groups })
const all: Rights = { read: true, write: true }
const call = (more: Partial<OpenCall> = {}): OpenCall => ({
  id: generateId('vmnic'),
  type: 'vmnic',
  create: false,
  session: false,
  rights: all,
  ...more,
})
const code = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof VpcError) return error.code
    throw error
  }
  return 'granted'
}

test('root may everything, others nothing, the group everything', () => {
  const access = new Access({ adminGid: 50 })
  assert.equal(
    code(() => new Access().grant(caller(0), call({ create: true }))),
    'granted',
  )
  assert.equal(
    code(() => new Access().grant(caller(1), call())),
    'EPERM',
  )
  // Group 0 is no root, and no group at all is not group 0.
  assert.equal(
    code(() => new Access().grant(caller(1, 0, [0]), call())),
    'EPERM',
  )
  assert.equal(
    code(() => access.grant(caller(1, 50), call({ create: true }))),
    'granted',
  )
  assert.equal(
    code(() => access.grant(caller(1, 1, [7, 50]), call({ create: true }))),
    'granted',
  )
  assert.equal(
    code(() => access.grant(caller(50, 1), call())),
    'EPERM',
  )
})

test('rules add up, each for its types and ids', () => {
  const id = generateId('vmnic')
  const rule = (rights: AccessRule['rights'], more: Partial<AccessRule> = {}): AccessRule => ({
    to: { uid: 7 },
    types: undefined,
    ids: undefined,
    rights,
    ...more,
  })
  const access = new Access({
    rules: [
      rule(new Set(['read']), { types: new Set(['vmnic']) }),
      rule(new Set(['write']), { ids: new Set([id]) }),
      rule(new Set(['create']), { to: { gid: 9 } }),
    ],
  })
  const tries = (uid: number, gid: number, more: Partial<OpenCall>): string => code(() => access.grant(caller(uid, gid), call(more)))
  assert.equal(tries(7, 7, { rights: { read: true, write: false } }), 'granted')
  assert.equal(tries(7, 7, {}), 'EACCES')
  assert.equal(tries(7, 7, { id }), 'granted')
  assert.equal(tries(7, 7, { id, create: true }), 'EACCES')
  assert.equal(tries(7, 9, { id, create: true }), 'granted')
  assert.equal(tries(7, 7, { type: 'vpcsw', rights: { read: true, write: false } }), 'EACCES')
  assert.equal(tries(8, 8, {}), 'EPERM')
  const mgmt = access.grant(caller(7), call({ type: 'mgmt', create: true, rights: { read: true, write: false } }))
  // Each reports the objects alone that the user may read.
  const reports = ['mgmtCount', 'mgmtHeaders', 'mgmtDescribeAll', 'mgmtFind', 'mgmtTroubles', 'mgmtSupervise'] as const
  assert.deepEqual(
    [...mgmt.operations!],
    reports.map((name) => operations[name].command & 0xffffff),
  )
})

test('narrowing never gives anything back', () => {
  const known = Object.values(operations).map(({ command }) => command & 0xffffff)
  const limit = fc
    .record({ flags: fc.constantFrom(0, 4, 8, 12), list: fc.option(fc.subarray(known, { maxLength: 6 })) })
    .map(({ flags, list }) =>
      encodeRights({ read: (flags & 4) !== 0, write: (flags & 8) !== 0, operations: list === null ? undefined : new Set(list) }),
    )
  fc.assert(
    fc.property(fc.array(limit, { maxLength: 5 }), (limits) => {
      let rights = all
      for (const input of limits) {
        const next = narrow(rights, input)
        for (const operation of Object.values(operations)) {
          const may = (r: Rights): boolean => code(() => checkRights(operation.name, operation, operation.command, r)) === 'granted'
          assert.ok(may(rights) || !may(next), operation.name)
        }
        rights = next
      }
    }),
    { numRuns: 200 },
  )
})

test('garbage narrows nothing or is EINVAL', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (input) => {
      const outcome = code(() => narrow(all, input))
      assert.ok(outcome === 'granted' || outcome === 'EINVAL')
    }),
  )
  assert.deepEqual(narrow(all, descriptorRights.encode({ flags: 12, count: allOperations })), all)
  assert.deepEqual([...narrow(all, descriptorRights.encode({ flags: 12, count: 0 })).operations!], [])
})
