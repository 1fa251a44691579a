/**
 * A switch has the segments of its own VNI, of its ports and of its neighbours, and nobody looks at all of them for one
 * port.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { claimSegments } from './claims.ts'
import { segmentOf } from './keys.ts'
import { Model, type Switch } from './model.ts'
import { NeighbourStore } from './neighbour-store.ts'
import { Transaction } from './transaction.ts'

const makeSwitch = (): Switch =>
  ({ unit: 4, vni: 0, portVnis: new Map(), neighbours: new NeighbourStore(), segments: new Set(), subnets: new Set() }) as unknown as Switch

const change = fc.record({
  what: fc.constantFrom('own', 'port', 'no port', 'neighbour', 'no neighbour'),
  vni: fc.integer({ min: 0, max: 4 }),
})
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

/** Returns the VNIs that the switch may have gained or lost. */
function make(sw: Switch, { what, vni }: Change): number[] {
  const before = sw.vni
  if (what === 'own') sw.vni = vni
  else if (what === 'port') sw.portVnis.set(vni, 1)
  else if (what === 'no port') sw.portVnis.delete(vni)
  else if (what === 'neighbour') sw.neighbours.of(vni).set('an address', 1)
  else sw.neighbours.vnis.delete(vni)
  return [before, vni]
}

/** What is claimed, compared with what should be. */
function claimed(model: Model, sw: Switch): number[] {
  const wanted = new Set([...(sw.vni === 0 ? [] : [sw.vni]), ...sw.portVnis.keys(), ...sw.neighbours.vnis.keys()])
  const segments = [...wanted].map((vni) => segmentOf(sw, vni)).sort()
  assert.deepEqual([...sw.segments].sort(), segments)
  assert.deepEqual([...model.segments.keys()].sort(), segments)
  return segments
}

test('claims what is there, step by step or all at once, and can take that back', () => {
  fc.assert(
    fc.property(fc.array(change), fc.array(change), fc.boolean(), (first, changes, all) => {
      const [model, sw, tx] = [new Model(), makeSwitch(), new Transaction('claim')]
      for (const one of first) make(sw, one)
      claimSegments(new Transaction('begin'), model, sw)
      const before = claimed(model, sw)
      for (const one of changes) {
        const vnis = make(sw, one)
        claimSegments(tx, model, sw, all ? undefined : vnis)
        for (const segment of new Set(claimed(model, sw)).symmetricDifference(new Set(before)))
          assert.ok(tx.dirty.segments.has(segment) && tx.dirty.flood.has(segment))
      }
      tx.rollback()
      assert.deepEqual([...sw.segments].sort(), before)
      assert.deepEqual([...model.segments.keys()].sort(), before)
    }),
  )
})

test('for one VNI, the others are not looked at', () => {
  const [model, sw] = [new Model(), makeSwitch()]
  const listed = (): never => assert.fail('all were listed')
  for (const collection of [sw.portVnis, sw.neighbours.vnis, sw.segments]) {
    collection.keys = listed
    collection[Symbol.iterator] = listed
  }
  sw.portVnis.set(7, 1)
  claimSegments(new Transaction('claim'), model, sw, [7])
  assert.equal(model.segments.get(7), sw)
})
