/**
 * Flows that a CPU knows (bpf/lib/flow-slot.h): the flows' counters miss nothing, and each change of a flow counts at
 * once, whatever causes it.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { RuleJson } from '#abi/group-rule.ts'
import { flowState, portPolicy } from '#datapath/policy-layout.ts'
import type { BenchResult } from '#datapath/test-bench.ts'
import { tcpFrame, udpFrame } from '#wire/frames.ts'
import { GroupScene } from './group-scene.ts'
import { PolicyFlipper } from './policy-flipper.ts'
import { stations } from './scene.ts'

let groups: GroupScene
before(() => void (groups = new GroupScene()))
beforeEach(() => groups.reset())
after(() => groups[Symbol.dispose]())

type Name = 'a' | 'b'
type Family = 'v4' | 'v6'
const way = (from: Name, to: Name, family: Family = 'v4') => ({
  srcMac: stations[from].mac,
  dstMac: stations[to].mac,
  src: stations[from][family],
  dst: stations[to][family],
})
const flags = { syn: 2, synAck: 0x12, ack: 0x10, rst: 4 } as const
const tcp = (from: Name, to: Name, flag: keyof typeof flags, family: Family = 'v4'): BenchResult => {
  const [srcPort, dstPort] = from === 'a' ? [1000, 22] : [22, 1000]
  return groups.scene.from(from, tcpFrame({ ...way(from, to, family), srcPort, dstPort, flags: flags[flag] }))
}
const datagram = (from: Name, to: Name, port: number): Uint8Array => {
  const [srcPort, dstPort] = from === 'a' ? [port, 9] : [9, port]
  return udpFrame({ ...way(from, to), srcPort, dstPort }, new Uint8Array(20))
}
const udp = (from: Name, to: Name, port: number): BenchResult => groups.scene.from(from, datagram(from, to, port))
/** Many at once, without a look at each. */
const udps = (from: Name, to: Name, port: number, count: number): void =>
  void groups.scene.bench.measure('unit', datagram(from, to, port), { ifindex: groups.scene.devices[from] }, count)
const passes = (result: BenchResult): void => assert.equal(result.verdict, 'forward', String(result.reason))

const everything: RuleJson = { id: '9', direction: 'in' }
const flows = () => groups.scene.tables.policy.flows
const establish = (family: Family = 'v4'): void => {
  passes(tcp('a', 'b', 'syn', family))
  passes(tcp('b', 'a', 'synAck', family))
  passes(tcp('a', 'b', 'ack', family))
}
/** The packets and bytes of the only flow of `b`. */
const counted = (): (readonly bigint[])[] => {
  const [flow] = flows().ofPort(2)
  return [flow!.flow.packets, flow!.flow.bytes]
}

/** Let this process run on one CPU alone. */
function runOn(cpus: string): void {
  execFileSync('taskset', ['-a', '-c', '-p', cpus, String(process.pid)], { stdio: 'ignore' })
}

describe('a flow that a CPU knows', () => {
  before(() => runOn('0'))
  beforeEach(() => {
    groups.join('b', groups.group(everything))
    groups.settle()
  })

  for (const family of ['v4', 'v6'] as const)
    test(`counts each packet once, ${family}`, () => {
      establish(family)
      for (let i = 0; i < 20; i++) {
        passes(tcp('a', 'b', 'ack', family))
        if (i % 2 === 0) passes(tcp('b', 'a', 'ack', family))
      }
      const [inside, outside] = family === 'v4' ? [54n, 54n] : [74n, 74n]
      const wanted = [
        [22n, 11n],
        [22n * inside, 11n * outside],
      ]
      assert.deepEqual(counted(), wanted)
      // The next packet adds the slot's counts to the flow.
      flows().forgetSlots()
      passes(tcp('a', 'b', 'ack', family))
      assert.deepEqual(counted()[0], [23n, 11n])
      assert.equal(flows().uncounted().size, 0)
    })

  test('adds what it has counted to the flow when the connection ends', () => {
    establish()
    for (let i = 0; i < 5; i++) passes(tcp('a', 'b', 'ack'))
    assert.equal(flows().uncounted().size, 1)
    passes(tcp('b', 'a', 'rst'))
    assert.deepEqual(counted()[0], [7n, 2n])
    assert.equal(flows().uncounted().size, 0)
  })

  test('counts right where more flows than slots share them', () => {
    groups.ports.b.maxFlows = 4096
    groups.settle()
    const ports = Array.from({ length: 2500 }, (_, i) => 10_000 + i)
    for (let round = 0; round < 3; round++)
      for (const port of ports) {
        udps('a', 'b', port, 2)
        udps('b', 'a', port, 1)
      }
    const wrong = flows()
      .ofPort(2)
      .filter(({ flow }) => flow.packets[0] !== 6n || flow.packets[1] !== 3n)
    assert.deepEqual([flows().ofPort(2).length, wrong.length], [ports.length, 0])
    assert.ok(flows().uncounted().size > 500)
  })

  test('of a port that leaves its groups and comes back at once is not a flow', () => {
    const none = groups.group()
    groups.join('b', none)
    groups.settle()
    for (let i = 0; i < 2; i++) {
      passes(udp('b', 'a', 7))
      passes(udp('a', 'b', 7))
    }
    groups.join('b')
    groups.settle()
    groups.join('b', none)
    groups.settle()
    assert.equal(udp('a', 'b', 7).reason, 'sg_denied')
  })
})

describe('what another CPU does to a flow', () => {
  const last = String(availableParallelism() - 1)
  after(() => runOn(`0-${last}`))

  test('counts at once: a connection that begins anew is confirmed by its first packet here', () => {
    groups.join('b', groups.group(everything))
    groups.settle()
    runOn('0')
    establish()
    passes(tcp('a', 'b', 'ack'))
    runOn(last)
    for (const flag of ['rst', 'syn'] as const) passes(tcp('a', 'b', flag))
    passes(tcp('b', 'a', 'synAck'))
    runOn('0')
    passes(tcp('a', 'b', 'ack'))
    assert.deepEqual(
      flows()
        .ofPort(2)
        .map(({ flow }) => [flow.state, flow.packets]),
      [[flowState.established, [2n, 1n]]],
    )
  })
})

describe('a policy that changes under traffic', () => {
  test('lets no packet of an established flow pass once it is written', async () => {
    const { scene } = groups
    const [allowing, refusing] = [groups.group(everything), groups.group({ ...everything, protocol: 'icmp' })]
    const policyOf = (): Uint8Array => portPolicy.encode(scene.tables.policy.portPolicies.get(2)!)
    groups.join('free', refusing)
    groups.join('b', refusing)
    groups.settle()
    const refuses = policyOf()
    groups.join('free', refusing)
    groups.join('b', allowing)
    groups.settle()
    const allows = policyOf()
    udp('a', 'b', 7)
    udp('b', 'a', 7)
    passes(udp('a', 'b', 7))
    using policies = scene.bench.map('port_policies')
    using stats = scene.bench.map('stats')
    await using flipper = new PolicyFlipper(policies, stats, { port: 2, sender: 1, allowing: allows, refusing: refuses, rounds: 100 })
    while (!flipper.isDone) {
      udps('a', 'b', 7, 5000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(flipper.late, 0)
  })
})

describe('a TCP flow', () => {
  for (const [times, idle] of [
    [[60], 70],
    [[60, 200], 210],
  ] as const)
    test(`lives without a packet as long as the longest time of its groups: ${times.join(', ')} s`, () => {
      groups.join('b', ...times.map((tcpIdle) => Object.assign(groups.group(everything), { tcpIdle })))
      groups.settle()
      const after = (seconds: number): number => {
        flows().setIdle(2, seconds)
        passes(tcp('a', 'b', 'ack'))
        return flows().ofPort(2).length
      }
      establish()
      assert.equal(after(idle - 20), 1)
      // Without the flow this is a packet that begins none.
      assert.equal(after(idle), 0)
    })
})
