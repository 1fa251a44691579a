/** Changes of a mux's entries are all taken back, and the datapath's keys that they touch are known. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { asIp } from '#wire/ip-address.ts'
import { EntryEdit } from './entry-edit.ts'
import { EntryStore, type Vtep } from './entry-store.ts'
import { Transaction } from './transaction.ts'

const vteps = [0, 4790].map((port): Vtep => ({ family: 4, address: asIp(Uint8Array.of(192, 0, 2, 1)), port, forward: false }))
const change = fc.record({
  what: fc.constantFrom('set', 'delete', 'addRemote', 'removeRemote'),
  vni: fc.integer({ min: 1, max: 3 }),
  mac: fc.integer({ min: 1, max: 4 }),
  vtep: fc.constantFrom(...vteps),
})
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

function make(edit: EntryEdit, { what, vni, mac, vtep }: Change): void {
  if (what === 'set') edit.set(vni, mac, vtep)
  else if (what === 'delete') edit.delete(vni, mac)
  else if (what === 'addRemote') edit.addRemote(vni, vtep, 64)
  else edit.removeRemote(vni, vtep)
}

/** What a store has, in one order. */
const content = (store: EntryStore): unknown => ({
  entries: [...store].map(({ vni, mac, vtep }) => `${vni} ${mac} ${vtep.port}`).sort(),
  count: store.count,
  vnis: [...store.vnis.keys()].sort(),
  ownPorts: [...store.ownPorts].sort(),
})

test('whatever is changed can be taken back', () => {
  fc.assert(
    fc.property(fc.array(change), fc.array(change), (before, changes) => {
      const store = new EntryStore()
      const first = new EntryEdit(new Transaction('begin'), store, 7)
      for (const one of before) make(first, one)
      const was = content(store)
      assert.equal(store.count, [...store].length)
      const tx = new Transaction('change')
      const edit = new EntryEdit(tx, store, 7)
      for (const one of changes) make(edit, one)
      assert.equal(store.count, [...store].length)
      assert.deepEqual(tx.rollback(), [])
      assert.deepEqual(content(store), was)
    }),
  )
})

test('all that differs is known', () => {
  const store = new EntryStore()
  const tx = new Transaction('change')
  const edit = new EntryEdit(tx, store, 7)
  edit.set(1, 7, vteps[0]!)
  edit.set(2, 8, vteps[0]!)
  edit.set(1, 9, vteps[0]!)
  edit.addRemote(3, vteps[0]!, 64)
  assert.deepEqual(tx.dirty.fdb.lists, [
    { segment: 1, macs: [7, 9] },
    { segment: 2, macs: [8] },
  ])
  assert.deepEqual([...tx.dirty.flood], [3])
})
