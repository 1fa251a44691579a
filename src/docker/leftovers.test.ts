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
