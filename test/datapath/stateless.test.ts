/** Ports in groups that track no flows: the rules of each direction alone decide, packet by packet. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { BenchResult } from '#datapath/test-bench.ts'
import { echoFrame, tcpFrame, tooBigFrame, udpFrame } from '#wire/frames.ts'
import { GroupScene } from './group-scene.ts'
import { stations } from './scene.ts'

let groups: GroupScene
before(() => void (groups = new GroupScene()))
beforeEach(() => {
  groups.reset()
  groups.ports.b.stateful = false
  groups.join(
    'b',
    groups.group(
      { id: '1', direction: 'in', protocol: 'udp', ports: ['53'] },
      { id: '2', direction: 'out', protocol: 'udp', ports: ['1000'] },
      { id: '3', direction: 'in', protocol: 'tcp', ports: ['22'] },
    ),
  )
  groups.settle()
})
after(() => groups[Symbol.dispose]())

const way = (from: 'a' | 'b') => {
  const [source, dest] = from === 'a' ? [stations.a, stations.b] : [stations.b, stations.a]
  return { srcMac: source.mac, dstMac: dest.mac, src: source.v4, dst: dest.v4 }
}
const udp = (from: 'a' | 'b', srcPort: number, dstPort: number): BenchResult =>
  groups.scene.from(from, udpFrame({ ...way(from), srcPort, dstPort }))

test('an answer passes by a rule of its own direction alone, and no flow is made', () => {
  assert.equal(udp('a', 1000, 53).verdict, 'forward')
  assert.equal(udp('b', 53, 1000).verdict, 'forward')
  assert.equal(udp('a', 1001, 53).verdict, 'forward')
  assert.equal(udp('b', 53, 1001).reason, 'sg_denied')
  // The half of a connection that this port sees.
  const ack = tcpFrame({ ...way('a'), srcPort: 7, dstPort: 22, flags: 0x10 })
  for (let i = 0; i < 3; i++) assert.equal(groups.scene.from('a', ack).verdict, 'forward')
  assert.equal(groups.scene.from('b', echoFrame({ ...way('b'), id: 1 })).reason, 'sg_denied')
  const { flows } = groups.scene.tables.policy
  assert.deepEqual([flows.ofPort(2), flows.young().get(2)], [[], undefined])
})

test('an ICMP error passes without a flow, and a port that tracks again does not let it', () => {
  const error = tooBigFrame({ ...way('a'), mtuBytes: 1300 }, udpFrame({ ...way('b'), srcPort: 5, dstPort: 9 }).subarray(14))
  assert.equal(groups.scene.from('a', error).verdict, 'forward')
  groups.ports.b.stateful = true
  groups.settle()
  assert.equal(groups.scene.from('a', error).reason, 'flow_unrelated')
  assert.equal(udp('a', 1001, 53).verdict, 'forward')
  assert.equal(udp('b', 53, 1001).verdict, 'forward')
})

test('a flow that a CPU knows counts no longer when the port tracks none', () => {
  groups.ports.b.stateful = true
  groups.settle()
  for (let i = 0; i < 4; i++)
    for (const [from, src, dst] of [
      ['a', 1001, 53],
      ['b', 53, 1001],
    ] as const)
      assert.equal(udp(from, src, dst).verdict, 'forward')
  groups.ports.b.stateful = false
  groups.settle()
  assert.equal(udp('b', 53, 1001).reason, 'sg_denied')
  assert.equal(udp('a', 1001, 53).verdict, 'forward')
})
