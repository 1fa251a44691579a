/** A follower gets each transaction once, can go on after a revision, and gets `reset` when that is not possible. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateId, idBytes } from '#abi/id.ts'
import type { ObjectChange, ObjectChanges } from '#abi/info.ts'
import { openFlag } from '#abi/command.ts'
import { entry, json, neighbour, text, vni } from './inputs.ts'
import { refused, ScratchHost, type Opened } from './scratch-host.ts'
import { world } from './world.ts'

const { create, read } = openFlag

function follower(host: ScratchHost): { readonly ask: (from?: string) => ObjectChanges; readonly events: ObjectChanges[] } & Disposable {
  const mgmt: Opened = host.open('mgmt', generateId('mgmt'), create | read)
  const events: ObjectChanges[] = []
  mgmt.handle.onEvent = (payload) => events.push(json(payload) as ObjectChanges)
  const ask = (from?: string): ObjectChanges => json(mgmt.do('mgmtFollow', text(JSON.stringify({ from })))) as ObjectChanges
  return { ask, events, [Symbol.dispose]: () => mgmt.handle.close() }
}

const words = (changes: readonly ObjectChange[]): string[] => changes.map(({ action, unit }) => `${action} ${unit}`)

test('each transaction is an event that follows the one before', async () => {
  await using host = new ScratchHost()
  using one = follower(host)
  const first = one.ask()
  assert.deepEqual([first.reset, first.changes], [true, []])
  const { sw, port, hostif, mux } = world(host)
  one.events.length = 0
  sw.do('vpcswNeighbourSet', neighbour(5001, '10.0.0.77'))
  mux.do('vpcmuxFteSet', entry(5001, '02:00:00:00:00:77', '192.0.2.2'))
  port.do('vpcpDisconnect', idBytes(hostif.id))
  hostif.do('metaDestroy')
  assert.deepEqual(
    one.events.map(({ changes }) => words(changes).sort()),
    [['change vpcsw0'], ['change vpcmux0'], ['change hostif0', 'change vpcp0'], ['remove hostif0']],
  )
  for (const [i, event] of one.events.slice(1).entries()) assert.equal(event.previous, one.events[i]!.revision)
  const made = generateId('hostif')
  const held = host.create('hostif', made)
  assert.deepEqual(one.events.at(-1)!.changes, [{ action: 'create', type: 'hostif', id: made, unit: 'hostif0' }])
  held.handle.close()
  assert.deepEqual(words(one.events.at(-1)!.changes), ['remove hostif0'])
})

test('what is refused is not an event, and what only reads is none', async () => {
  await using host = new ScratchHost()
  const { sw, mux } = world(host)
  using one = follower(host)
  const { revision } = one.ask()
  refused(() => mux.do('vpcmuxFteSet', entry(0, '02:00:00:00:00:77', '192.0.2.2')))
  sw.do('vpcswNeighbourList')
  assert.deepEqual(one.events, [])
  assert.deepEqual(one.ask(revision), { revision, previous: revision, reset: false, changes: [] })
})

test('a follower that was away goes on after its revision; one of another vpcd or too old a one looks at everything', async () => {
  await using host = new ScratchHost()
  const { sw } = world(host)
  using one = follower(host)
  const { revision } = one.ask()
  using two = follower(host)
  sw.do('vpcswVniSet', vni(5005))
  sw.do('vpcswNeighbourSet', neighbour(5001, '10.0.0.77'))
  const later = two.ask(revision)
  assert.deepEqual([later.reset, words(later.changes)], [false, ['change vpcsw0', 'change vpcsw0']])
  assert.equal(later.revision, one.events.at(-1)!.revision)
  // Nothing of this one is written to the journal.
  const loose = host.create('vpcsw')
  for (let i = 0; i < 2500; i++) loose.do('vpcswVniSet', vni(7001 + (i % 2)))
  assert.equal(two.ask(revision).reset, true)
  for (const odd of ['', 'nonsense', '00000000-1', `${revision}9999`]) assert.equal(two.ask(odd).reset, true, odd)
  const { revision: last } = two.ask()
  await host.kill()
  host.start()
  using three = follower(host)
  assert.equal(three.ask(last).reset, true)
})
