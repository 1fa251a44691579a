/** Security groups and ICMP: pings of the gateway, which no rule can forbid, and how many errors about flows pass. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { BenchResult } from '#datapath/test-bench.ts'
import { echoFrame, tooBigFrame, udpFrame } from '#wire/frames.ts'
import { GroupScene } from './group-scene.ts'
import { gateway, stations } from './scene.ts'

const { a, b, free, other } = stations

let groups: GroupScene
before(() => void (groups = new GroupScene()))
beforeEach(() => groups.reset())
after(() => groups[Symbol.dispose]())

for (const family of ['v4', 'v6'] as const)
  test(`a guest whose rules let nothing out pings its gateway, and nobody behind it, ${family}`, () => {
    groups.scene.route()
    const ping = (dst: typeof gateway, more = {}): BenchResult =>
      groups.scene.from('a', echoFrame({ srcMac: a.mac, dstMac: gateway.mac, src: a[family], dst: dst[family], id: 7, seq: 9, ...more }))
    assert.equal(ping(gateway).verdict, 'answer')
    groups.join('a', groups.group({ id: '1', direction: 'out', protocol: 'tcp' }))
    groups.settle()
    assert.equal(ping(gateway).verdict, 'answer')
    assert.equal(ping({ ...gateway, ...other }).reason, 'sg_denied')
    assert.equal(ping(gateway, { dstMac: b.mac }).reason, 'sg_denied')
    assert.equal(ping(gateway, { reply: true }).reason, 'sg_denied')
    const toPort = { srcMac: a.mac, dstMac: gateway.mac, src: a[family], dst: gateway[family], srcPort: 7, dstPort: 9 }
    assert.equal(groups.scene.from('a', udpFrame(toPort)).reason, 'sg_denied')
    assert.deepEqual(groups.scene.tables.policy.flows.young().get(1), undefined)
  })

test('errors about the flows of a port pass a hundred times a second', () => {
  const none = groups.group()
  groups.join('a', none)
  groups.join('b', none)
  groups.settle()
  const way = (from: typeof a, to: typeof a) => ({ srcMac: from.mac, dstMac: to.mac, src: from.v4, dst: to.v4 })
  /** `free` sends this many errors about packets of `to`; gives how many pass. */
  const errors = (to: 'a' | 'b', count: number): number => {
    const { bench, devices, tables } = groups.scene
    const sent = udpFrame({ ...way(stations[to], free), srcPort: 5, dstPort: 9 })
    groups.scene.from(to, sent)
    const source = to === 'a' ? 1 : 2
    const before = tables.stats.read(source).txPackets
    const error = tooBigFrame({ ...way(free, stations[to]), mtuBytes: 1300 }, sent.subarray(14))
    bench.measure('unit', error, { ifindex: devices.free }, count)
    return tables.stats.read(source).txPackets - before
  }
  const start = performance.now()
  const passed = errors('b', 5000)
  const seconds = (performance.now() - start) / 1000
  assert.ok(passed >= 100 && passed <= 101 + 100 * seconds, `${passed} in ${seconds} s`)
  assert.equal(errors('a', 50), 50)
  assert.ok((groups.scene.tables.drops.read(3).rate_limit ?? 0) >= 4000)
})
