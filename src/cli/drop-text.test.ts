import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RefusalInfo, RouteInfo } from '#abi/info.ts'
import { causeText } from './drop-text.ts'

const groups = ['group0 (web)', 'group2']
const peerOf = { state: null, peer: '10.0.0.7', peerGroups: ['group1 (db)'] }
const refusal: RefusalInfo = { port: 'vpcp3', direction: 'in', groups, rules: 2, rule: null, ...peerOf }
const where = 'vpcp3 (group0 (web), group2)'

test('a drop by security groups says which, whom they refuse, and what was missing or has gone', () => {
  assert.equal(
    causeText({ reason: 'sg_denied', refusal }),
    `into ${where}: none of the 2 rules for in allows this packet from 10.0.0.7 (group1 (db))`,
  )
  const out = { ...refusal, direction: 'out', rules: 1 } as const
  assert.equal(
    causeText({ reason: 'sg_denied', refusal: out }),
    `out of ${where}: the only rule for out does not allow this packet to 10.0.0.7 (group1 (db))`,
  )
  const revoked = { ...refusal, direction: 'out', rule: 'rule 10 of group2', peerGroups: [], state: 'denied' } as const
  assert.equal(
    causeText({ reason: 'sg_revoked', refusal: revoked }),
    `out of ${where}: rule 10 of group2 had allowed the flow with 10.0.0.7`,
  )
  assert.equal(causeText({ reason: 'flow_unrelated', refusal: revoked }), `out of ${where}: its flow is denied`)
  assert.equal(
    causeText({ reason: 'fragment_order', refusal: { ...refusal, port: null, groups: [], peer: null } }),
    'into a port that is gone (no group): it has no flow',
  )
  assert.equal(causeText({ reason: 'source_ip' }), '')
})

test('a drop by a route says which', () => {
  const route: RouteInfo = { router: 'vpcrtr0', table: 0, prefix: '10.9.0.0/16', target: 'blackhole' }
  assert.equal(causeText({ reason: 'route_blackhole', route }), 'vpcrtr0: route 10.9.0.0/16 blackhole')
  assert.equal(
    causeText({ reason: 'no_host', route: { ...route, target: 'subnet1' } }),
    'vpcrtr0: route 10.9.0.0/16 subnet1, where nobody has the address',
  )
  assert.equal(
    causeText({ reason: 'no_route', route: { ...route, prefix: null, target: null } }),
    'vpcrtr0: no route of table 0 leads there',
  )
})
