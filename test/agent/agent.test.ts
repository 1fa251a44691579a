/** The agent with real vpcds: hosts do what the feed says, and go on whoever of agent, vpcd and API is gone. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { readFileSync } from 'node:fs'
import { itemsOf } from './cloud.ts'
import { Scene, type AgentHost } from './scene.ts'

suite('two hosts', () => {
  let scene: Scene
  let [one, two]: AgentHost[] = []
  let ping: (...args: string[]) => string

  before(async () => {
    scene = await Scene.start(2)
    ;[one, two] = scene.hosts
    const revision = scene.api.tell({ [one!.id]: itemsOf(1), [two!.id]: itemsOf(2) })
    for (const host of scene.hosts) host.startAgent()
    await scene.done(revision)
  })
  after(() => scene[Symbol.asyncDispose]())

  test('guests talk by what the feed says alone, and the agents have no privilege', () => {
    for (const host of scene.hosts) {
      assert.deepEqual(host.report!.errors, [])
      assert.equal(host.report!.ready.length, 1)
      const status = readFileSync(`/proc/${host.agentPid}/status`, 'utf8')
      assert.match(status, /^Uid:\t65534\t65534\t65534/m)
      for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) assert.match(status, new RegExp(`^Cap${set}:\\t0+$`, 'm'))
    }
    ping = one!.guest(10)
    two!.guest(20)
    assert.match(ping('ping', '-c', '3', '-i', '0.1', '-W', '2', '10.0.0.20'), / 0% packet loss/)
  })
})
