import assert from 'node:assert/strict'
import { test } from 'node:test'
import { full, quick } from './scenario.ts'
import { choose, nameOf, objection } from './selection.ts'

const names = (...selectors: string[]): string[] => choose(full.parts, selectors).map(nameOf)

test('a selector chooses the parts for which every word of it holds', () => {
  assert.deepEqual(names('container,mtu=8950,offload=off'), [
    'container,cross-host,mtu=8950,offload=off,entries=1',
    'container,cross-host,mtu=8950,offload=off,entries=1000',
    'container,cross-host,mtu=8950,offload=off,entries=100000',
  ])
  assert.deepEqual(names('same-host,mtu=1450', 'programs'), ['programs', 'container,same-host,mtu=1450'])
  assert.equal(names('machine').length, 4)
  assert.deepEqual(names('entries=7'), [])
})

test('names are selectors of one part each', () => {
  for (const part of full.parts) {
    assert.equal(objection(nameOf(part)), undefined)
    assert.deepEqual(choose(full.parts, [nameOf(part)]), [part])
  }
  assert.deepEqual(choose(quick.parts, []), quick.parts)
})

test('a word that chooses nothing is named', () => {
  assert.match(objection('mtu=1450,offloads=on')!, /not 'offloads=on'/)
  assert.match(objection('offload=yes')!, /not 'offload=yes'/)
  assert.match(objection('')!, /not ''/)
})

test('every peer that has a table is measured with every size of it', () => {
  const peersOf = (selector: string) => choose(full.parts, [selector]).map((part) => 'peers' in part && part.peers.map(({ name }) => name))
  const all = ['raw', 'routed', 'vpc', 'moved-vxlan', 'bridge-vxlan', 'bridge-conntrack', 'ovs-userspace']
  assert.deepEqual(peersOf('container,entries=1'), [all, all, all, all])
  assert.deepEqual(
    peersOf('container,entries=100000'),
    [1, 2, 3, 4].map(() => all.slice(2)),
  )
  assert.deepEqual(
    peersOf('same-host'),
    [1, 2].map(() => ['raw', 'vpc', 'bridge-vxlan']),
  )
})
