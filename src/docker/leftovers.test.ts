/** Vnics that docker leaves: who wants one again waits for its removal, and one that stays holds up no other. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import { Failure } from '#cli/failure.ts'
import { silentLog } from '#system/log.ts'
import { Leftovers } from './leftovers.ts'
import { openState, type State } from './state.ts'
import { Unused } from './unused.ts'

async function withState(work: (state: State) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-leftovers-'))
  try {
    await work(openState(directory))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

test('who wants a vnic again waits for its removal, whatever else is removed meanwhile', () =>
  withState(async ({ leftovers: records }) => {
    const held = Promise.withResolvers<void>()
    using leftovers = new Leftovers(records, async (vnic) => (vnic === 'a' ? held.promise : undefined), silentLog)
    const removal = leftovers.remove('a')
    await leftovers.remove('b')
    let isClaimed = false
    const claim = leftovers.claim('a').then(() => (isClaimed = true))
    await turn()
    assert.equal(isClaimed, false)
    held.resolve()
    await Promise.all([removal, claim])
    assert.deepEqual(records.ids(), [])
  }))

test('a vnic that the cloud does not let go stays noted, and holds up no other', (t) =>
  withState(async ({ leftovers: records }) => {
    for (const vnic of ['a', 'b', 'c']) records.put(vnic, { vnic })
    const first = records.ids()[0]!
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const refuse = async (vnic: string): Promise<void> => {
      if (vnic === first) throw new Failure('conflict', 'the vnic is protected')
    }
    using _ = new Leftovers(records, refuse, silentLog)
    t.mock.timers.tick(5_000)
    for (let turns = 0; turns < 20; turns++) await turn()
    assert.deepEqual(records.ids(), [first])
  }))

test('a vnic that docker asked for goes when no endpoint has come for it, also after a start', (t) =>
  withState(async (state) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const removed: string[] = []
    const remove = async (vnic: string): Promise<void> => void removed.push(vnic)
    {
      using before = new Unused(state, remove)
      before.note('late')
      before.note('plugged')
      before.note('given-back')
      before.forget('given-back')
    }
    using unused = new Unused(state, remove)
    state.endpoints.put('e1', { network: 'n1', hostif: 'h1', vnic: 'plugged', gateways: [] })
    t.mock.timers.tick(80_000)
    assert.deepEqual(removed, [])
    unused.note('again')
    t.mock.timers.tick(80_000)
    assert.deepEqual(removed, ['late'])
    t.mock.timers.tick(80_000)
    await turn()
    assert.deepEqual(removed, ['late', 'again'])
    assert.deepEqual(state.asked.ids(), [])
  }))
