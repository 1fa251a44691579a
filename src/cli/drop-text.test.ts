import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RefusalInfo } from '#abi/info.ts'
import { refusalText } from './drop-text.ts'

const refusal: RefusalInfo = { port: 'vpcp3', direction: 'in', groups: ['group0 (web)', 'group2'], rules: 2, rule: null }

test('a drop by security groups says which, and what was missing or has gone', () => {
  assert.equal(refusalText({ reason: 'sg_denied', refusal }), 'into vpcp3 (group0 (web), group2): none of its 2 rules for in allows it')
  const revoked = { ...refusal, direction: 'out', rule: 'rule 10 of group2' } as const
  assert.equal(
    refusalText({ reason: 'sg_revoked', refusal: revoked }),
    'out of vpcp3 (group0 (web), group2): rule 10 of group2 had allowed the flow',
  )
  assert.equal(
    refusalText({ reason: 'fragment_order', refusal: { ...refusal, port: null, groups: [] } }),
    'into a port that is gone (no group)',
  )
  assert.equal(refusalText({ reason: 'source_ip' }), '')
})
