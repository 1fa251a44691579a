import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { builtObjects } from '../../test/bpf/built-objects.ts'
import { PrivateNetns } from '../../test/bpf/private-netns.ts'
import { KernelError } from '#kernel/errno.ts'
import { macFrom, type Mac } from '#wire/mac.ts'
import { dstKind, noDst, portFlag } from './layout.ts'
import { TestBench } from './test-bench.ts'

const [alice, bob, mallory] = [macFrom('02:00:00:00:00:0a'), macFrom('02:00:00:00:00:0b'), macFrom('02:00:00:00:00:0c')]
const frame = (to: Mac, from: Mac): Uint8Array => Uint8Array.of(...to, ...from, 0x88, 0xb5, ...new Uint8Array(46))

describe('a bench', () => {
  let netns: PrivateNetns
  let bench: TestBench
  let ifindexes: [number, number]

  before(() => {
    netns = new PrivateNetns()
    bench = new TestBench({ objectDir: builtObjects(), inside: (run) => netns.run(run) })
    ifindexes = [netns.veth('a', 'a-unit')[0], netns.veth('b', 'b-unit')[0]]
    for (const [i, mac] of [alice, bob].entries()) {
      const port = {
        segment: 5001,
        flags: portFlag.up | portFlag.antispoof | portFlag.ethertypes,
        stats: i + 1,
        vlan: 0,
        mac,
        broadcastRate: 0,
        vpc: 1,
      }
      bench.tables.ports.set(ifindexes[i]!, port)
      bench.tables.fdb.set({ segment: 5001, mac }, { ...noDst, kind: dstKind.local, mtu: 1450, ifindex: ifindexes[i]!, stats: i + 1 })
    }
  })
  after(() => {
    bench[Symbol.dispose]()
    netns[Symbol.dispose]()
  })

  test('says where a frame goes, and which counters it moves', () => {
    const sent = frame(bob, alice)
    const { action, verdict, forward, changed, events, data } = bench.run('unit', sent, { ifindex: ifindexes[0] })
    assert.deepEqual(
      { action, verdict, forward },
      { action: 'redirect', verdict: 'forward', forward: { ifindex: ifindexes[1], stats: 2, kind: 'local' } },
    )
    assert.deepEqual(changed, { '1.rxPackets': 1, '1.rxBytes': 60, '2.txPackets': 1, '2.txBytes': 60 })
    assert.deepEqual([data, events], [sent, []])
  })

  test('says why a frame is dropped, and hears of it', () => {
    const { action, reason, changed, events } = bench.run('unit', frame(bob, mallory), { ifindex: ifindexes[0] })
    assert.deepEqual([action, reason], ['drop', 'source_mac'])
    assert.equal(changed['1.source_mac'], 1)
    assert.deepEqual(
      events.map((event) => event.kind === 'drop' && event.reason),
      ['source_mac'],
    )
  })

  test('runs a program that no hook has, and measures', () => {
    assert.equal(bench.program('mux', 'vpc_mux').name, 'vpc_mux')
    assert.ok(bench.measure('unit', frame(bob, alice), { ifindex: ifindexes[0] }, 100) > 0)
  })

  test('needs the device to be there, and a whole header', () => {
    assert.throws(() => bench.run('unit', frame(bob, alice), { ifindex: 4711 }), KernelError)
    assert.throws(() => bench.run('unit', new Uint8Array(13), { ifindex: ifindexes[0] }), KernelError)
  })
})
