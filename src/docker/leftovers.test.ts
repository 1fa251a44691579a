/** Vnics that docker leaves: who wants one again waits for its removal, and one that stays holds up no other. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import { Failure } from '#cli/failure.ts'
import { silentLog } from '#system/log.ts'
import { Vpc } from '#client/vpc.ts'
import { Cloud } from './cloud-network.ts'
import { calls, type Driver } from './driver.ts'
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

/** A cloud that is reached at once, and says what is asked of it. */
class NearCloud extends Cloud {
  readonly asked: string[] = []
  readonly #onPlug: () => void
  constructor(onPlug: () => void) {
    super({ agentStateDir: '/nonexistent' })
    this.#onPlug = onPlug
  }
  override async vnicNameOf(mac: string): Promise<string> {
    return `docker-${mac}`
  }
  override async address(): Promise<string> {
    this.asked.push('address')
    return '10.0.0.5/24'
  }
  override async plug(mac: string): ReturnType<Cloud['plug']> {
    this.asked.push('plug')
    this.#onPlug()
    return { vnic: await this.vnicNameOf(mac), hostif: 'h1', gateways: [] }
  }
}

test('what docker asks for is noted before it waits, until its endpoint is written', (t) =>
  withState(async (state) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const removals: PromiseWithResolvers<void>[] = []
    const remove = async (): Promise<void> => {
      const held = Promise.withResolvers<void>()
      removals.push(held)
      await held.promise
    }
    using leftovers = new Leftovers(state.leftovers, remove, silentLog)
    using unused = new Unused(state, (vnic) => leftovers.remove(vnic))
    const vnic = 'docker-02:00'
    let duringPlug: unknown
    const cloud = new NearCloud(() => (duringPlug = [state.asked.ids(), state.endpoints.ids()]))
    const driver: Driver = { vpc: new Vpc(), cloud, state, leftovers, unused }
    const ask = async (method: string, request: object): Promise<void> => {
      // It was asked for 89 s ago, and is being removed.
      unused.note(vnic)
      const removal = leftovers.remove(vnic)
      t.mock.timers.tick(89_000)
      const before = cloud.asked.length
      const count = removals.length
      const answer = calls[method]!(driver, request as never)
      for (let turns = 0; turns < 20; turns++) await turn()
      t.mock.timers.tick(2_000)
      assert.deepEqual([removals.length, cloud.asked.length], [count, before])
      removals.at(-1)!.resolve()
      await Promise.all([answer, removal])
      assert.equal(cloud.asked.length, before + 1)
    }
    const macOption = { 'com.docker.network.endpoint.macaddress': '02:00' }
    await ask('IpamDriver.RequestAddress', { PoolID: 'subnet/4/', Options: macOption })
    assert.deepEqual(state.asked.ids(), [vnic])
    state.networks.put('a1', { on: 'cloud', gateways: [] })
    await ask('NetworkDriver.CreateEndpoint', { NetworkID: 'a1', EndpointID: 'e1', Interface: { MacAddress: '02:00' } })
    assert.deepEqual(duringPlug, [[vnic], []])
    assert.deepEqual([state.asked.ids(), state.endpoints.ids()], [[], ['e1']])
  }))
