/** Connections that began before their port saw them: picked up for a while, or taken over from another host. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { BenchResult } from '#datapath/test-bench.ts'
import { flowState, pickedUp } from '#datapath/policy-layout.ts'
import { tcpFrame } from '#wire/frames.ts'
import { GroupScene } from './group-scene.ts'
import { stations } from './scene.ts'

let groups: GroupScene
before(() => void (groups = new GroupScene()))
beforeEach(() => {
  groups.reset()
  groups.join(
    'b',
    groups.group({ id: '1', direction: 'in', protocol: 'tcp', ports: ['22'] }, { id: '2', direction: 'out', protocol: 'icmp' }),
  )
  groups.settle()
})
after(() => groups[Symbol.dispose]())

const flags = { synAck: 0x12, ack: 0x10, fin: 0x11, rst: 4 } as const
function tcp(from: 'a' | 'b', flag: keyof typeof flags, clientPort = 1000): BenchResult {
  const [source, dest] = from === 'a' ? [stations.a, stations.b] : [stations.b, stations.a]
  const [srcPort, dstPort] = from === 'a' ? [clientPort, 22] : [22, clientPort]
  return groups.scene.from(
    from,
    tcpFrame({ srcMac: source.mac, dstMac: dest.mac, src: source.v4, dst: dest.v4, srcPort, dstPort, flags: flags[flag] }),
  )
}
const open = (seconds: number): void => groups.scene.tables.policy.pickups.open(2, seconds)
/** Ends it. A second ago, for the clock of the programs is a tick behind the one that `open` counts from. */
const close = (): void => open(-1)

test('a port that was just attached takes a connection by a packet that a rule allows, and then its answers', () => {
  open(30)
  assert.equal(tcp('b', 'ack').reason, 'sg_denied')
  assert.equal(tcp('a', 'ack').verdict, 'forward')
  assert.equal(tcp('b', 'ack').verdict, 'forward')
  assert.equal(tcp('a', 'ack').verdict, 'forward')
  const [flow, ...others] = groups.scene.tables.policy.flows.ofPort(2)
  assert.deepEqual([others.length, flow!.flow.state, flow!.flow.fins], [0, flowState.established, pickedUp])
  assert.equal(tcp('a', 'fin').verdict, 'forward')
  assert.equal(tcp('b', 'fin').verdict, 'forward')
  assert.equal(groups.scene.tables.policy.flows.ofPort(2)[0]!.flow.state, flowState.closing)
})

test('nothing but data begins a flow so, and later nothing does', () => {
  open(30)
  for (const flag of ['synAck', 'fin', 'rst'] as const) {
    assert.equal(tcp('a', flag, 1001).verdict, 'forward')
    assert.equal(tcp('b', 'ack', 1001).reason, 'sg_denied')
  }
  close()
  assert.equal(tcp('a', 'ack').verdict, 'forward')
  assert.equal(tcp('b', 'ack').reason, 'sg_denied')
})

test('flows that were taken over are judged by the rules of this host, at their first packet', () => {
  const { policy } = groups.scene.tables
  const establish = (): void => {
    open(30)
    for (const from of ['a', 'b', 'a'] as const) assert.equal(tcp(from, 'ack').verdict, 'forward')
    close()
  }
  /** The flows leave, and come back as a document has them. */
  const move = (): void => {
    const flows = policy.flows.ofPort(2).map((each) => ({ ...each, flow: { ...each.flow, check: 0, policy: 0, epoch: 0 } }))
    policy.peerEpochs.raiseMany(1, policy.flows.remove(2))
    policy.flows.setQuota(2, 64)
    assert.equal(tcp('b', 'ack').reason, 'sg_denied')
    assert.equal(policy.flows.takeOver(2, flows), 1)
  }
  establish()
  move()
  assert.equal(tcp('b', 'ack').verdict, 'forward')
  assert.deepEqual(policy.flows.ofPort(2)[0]!.flow.packets, [2n, 2n])
  move()
  groups.rules([...groups.model.ofType('group')][0]!, { id: '2', direction: 'out', protocol: 'icmp' })
  groups.settle()
  assert.equal(tcp('b', 'ack').reason, 'sg_revoked')
})
