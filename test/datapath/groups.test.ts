/** Security groups with the real programs: what passes, by which rule, and what becomes of flows when rules change. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { RuleJson } from '#abi/group-rule.ts'
import type { DropReason } from '#datapath/layout.ts'
import type { BenchResult } from '#datapath/test-bench.ts'
import { flowState, type FlowState } from '#datapath/policy-layout.ts'
import { arpRequest, echoFrame, ipFrame, ipv4Frame, patch, tcpFrame, tooBigFrame, udpFrame } from '#wire/frames.ts'
import { fragmentExtension } from '#wire/ipv6.ts'
import { broadcastMac, macFrom } from '#wire/mac.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { neighbourSolicitation } from '#wire/nd-frames.ts'
import { concat } from '#wire/struct.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { ruleNumber } from '#object/sync/policy/policy.ts'
import { GroupScene } from './group-scene.ts'
import { Scene, stations } from './scene.ts'

let groups: GroupScene
before(() => void (groups = new GroupScene()))
beforeEach(() => groups.reset())
after(() => groups[Symbol.dispose]())

const flags = { syn: 2, synAck: 0x12, ack: 0x10, fin: 0x11, rst: 4 } as const

type Name = 'a' | 'b' | 'far'
const way = (from: Name, to: Name) => ({
  srcMac: stations[from].mac,
  dstMac: stations[to].mac,
  src: stations[from].v4,
  dst: stations[to].v4,
})

function send(from: Name, frame: Uint8Array): BenchResult {
  return from === 'far' ? groups.scene.fromTunnel(frame) : groups.scene.from(from, frame)
}

const tcp = (from: Name, to: Name, flag: keyof typeof flags, srcPort: number, dstPort: number): BenchResult =>
  send(from, tcpFrame({ ...way(from, to), srcPort, dstPort, flags: flags[flag] }))
const udp = (from: Name, to: Name, srcPort: number, dstPort: number): BenchResult =>
  send(from, udpFrame({ ...way(from, to), srcPort, dstPort }, new Uint8Array(20)))
const icmp = (from: Name, to: Name, type: number, id = 1, rest = new Uint8Array(0)): BenchResult =>
  send(from, ipv4Frame({ ...way(from, to), protocol: ipProtocol.icmp }, Uint8Array.of(type, 0, 0, 0, id >> 8, id & 255, 0, 1, ...rest)))

const passes = (result: BenchResult): void => assert.equal(result.verdict, 'forward', String(result.reason))
const dropped = (result: BenchResult, reason: DropReason): void => assert.equal(result.reason, reason, String(result.verdict))

const ssh: RuleJson = { id: '1', direction: 'in', protocol: 'tcp', ports: ['22'] }

describe('a port in a group', () => {
  beforeEach(() => {
    groups.join('b', groups.group(ssh, { id: '2', direction: 'in', protocol: 'udp', ports: ['100-200'], peers: ['10.0.0.1'] }))
    groups.settle()
  })

  test('takes what a rule allows, and nothing else', () => {
    passes(tcp('a', 'b', 'syn', 1000, 22))
    dropped(tcp('a', 'b', 'syn', 1000, 23), 'sg_denied')
    for (const port of [100, 150, 200]) passes(udp('a', 'b', 1000, port))
    for (const port of [99, 201]) dropped(udp('a', 'b', 1000, port), 'sg_denied')
    dropped(udp('far', 'b', 1000, 150), 'sg_denied')
    passes(tcp('far', 'b', 'syn', 1000, 22))
    dropped(icmp('a', 'b', 8), 'sg_denied')
  })

  test('sends what it likes, and gets the answers', () => {
    passes(udp('b', 'a', 53, 1234))
    passes(udp('a', 'b', 1234, 53))
    dropped(udp('a', 'b', 1235, 53), 'sg_denied')
    passes(icmp('b', 'a', 8, 7))
    passes(icmp('a', 'b', 0, 7))
    dropped(icmp('a', 'b', 0, 8), 'sg_denied')
    passes(tcp('b', 'a', 'syn', 5000, 80))
    passes(tcp('a', 'b', 'synAck', 80, 5000))
    passes(tcp('b', 'a', 'ack', 5000, 80))
  })

  test('leaves others alone', () => {
    for (const result of [udp('b', 'a', 1, 1), tcp('far', 'a', 'syn', 1, 1)]) passes(result)
  })
})

/** The states of the flows of `b`: those of its own map, then those that are not confirmed. */
function states(): { readonly own: FlowState[]; readonly young: FlowState[] } {
  const { flows } = groups.scene.tables.policy
  const named = (list: readonly { readonly flow: { readonly state: number } }[]): FlowState[] =>
    list.map(({ flow: { state } }) => (Object.keys(flowState) as FlowState[]).find((name) => flowState[name] === state)!)
  return { own: named(flows.ofPort(2)), young: named(flows.young().get(2) ?? []) }
}

/** Let time pass for all flows of `b`: none has had a packet for so long. */
function wait(seconds: number): void {
  groups.scene.tables.policy.flows.setIdle(2, seconds)
}

const everything: RuleJson = { id: '9', direction: 'in' }

describe('a flow', () => {
  beforeEach(() => {
    groups.join('b', groups.group(ssh, everything))
    groups.settle()
  })

  test('of TCP begins with SYN, is confirmed by the third packet, and ends with FIN both ways', () => {
    passes(tcp('a', 'b', 'syn', 1000, 22))
    assert.deepEqual(states(), { own: [], young: ['new'] })
    passes(tcp('b', 'a', 'synAck', 22, 1000))
    assert.deepEqual(states(), { own: [], young: ['replied'] })
    passes(tcp('a', 'b', 'ack', 1000, 22))
    assert.deepEqual(states(), { own: ['established'], young: [] })
    passes(tcp('a', 'b', 'fin', 1000, 22))
    assert.deepEqual(states().own, ['established'])
    passes(tcp('b', 'a', 'fin', 22, 1000))
    assert.deepEqual(states().own, ['closing'])
    passes(tcp('a', 'b', 'syn', 1000, 22))
    assert.deepEqual(states(), { own: [], young: ['new'] })
  })

  test('counts what passes, both ways, by the rule that allowed it', () => {
    passes(tcp('a', 'b', 'syn', 1000, 22))
    passes(tcp('b', 'a', 'synAck', 22, 1000))
    passes(tcp('a', 'b', 'ack', 1000, 22))
    const [only] = groups.scene.tables.policy.flows.ofPort(2)
    assert.deepEqual(only!.flow.packets, [2n, 1n])
    assert.deepEqual(only!.flow.bytes, [108n, 54n])
    const { ruleHits } = groups.scene.tables.policy
    const [group] = groups.model.ofType('group')
    assert.equal(ruleHits.read(ruleNumber(group!.id, '1')), 1)
    assert.equal(ruleHits.read(ruleNumber(group!.id, '9')), 0)
    assert.equal(only!.flow.rule, ruleNumber(group!.id, '1'))
  })

  test('is forgotten when it is idle: each state after its own time', () => {
    passes(tcp('a', 'b', 'syn', 1000, 22))
    wait(30)
    // Without the flow this is a packet that begins none.
    passes(tcp('a', 'b', 'ack', 1000, 22))
    assert.deepEqual(states(), { own: [], young: [] })
    passes(udp('a', 'b', 7, 7))
    passes(udp('b', 'a', 7, 7))
    passes(udp('a', 'b', 7, 7))
    assert.deepEqual(states(), { own: ['established'], young: [] })
    wait(100)
    passes(udp('b', 'a', 7, 7))
    assert.deepEqual(states().own, ['established'])
    wait(200)
    passes(udp('a', 'b', 7, 7))
    assert.deepEqual(states(), { own: [], young: ['new'] })
  })

  test('takes no flags that no TCP sends together', () => {
    for (const odd of [0, 1, 3, 6, 7, 0x29])
      dropped(send('a', tcpFrame({ ...way('a', 'b'), srcPort: 1000, dstPort: 22, flags: odd })), 'flow_invalid')
  })

  test('beyond the quota of its port stays where unconfirmed ones are, and is counted', () => {
    for (let port = 1; port <= 64; port++) {
      udp('a', 'b', port, 7)
      udp('b', 'a', 7, port)
      udp('a', 'b', port, 7)
    }
    assert.equal(states().own.length, 64)
    udp('a', 'b', 1000, 7)
    udp('b', 'a', 7, 1000)
    const last = udp('a', 'b', 1000, 7)
    passes(last)
    assert.equal(last.changed['b.flowOverflow'], 1)
    assert.deepEqual(states().young, ['established'])
    passes(udp('b', 'a', 7, 1000))
  })
})

describe('an ICMP error', () => {
  beforeEach(() => {
    groups.join('b', groups.group())
    groups.settle()
  })
  const quoted = (port: number): Uint8Array => udpFrame({ ...way('b', 'a'), srcPort: port, dstPort: 9 }).subarray(14)

  test('passes when it is about a flow of the port, and opens nothing', () => {
    const error = (port: number): BenchResult => send('a', tooBigFrame({ ...way('a', 'b'), mtuBytes: 1300 }, quoted(port)))
    dropped(error(5), 'flow_unrelated')
    passes(udp('b', 'a', 5, 9))
    passes(error(5))
    dropped(error(6), 'flow_unrelated')
    // From a router on the way, too.
    const router = { ...way('far', 'b'), mtuBytes: 1300 }
    passes(send('far', tooBigFrame(router, quoted(5))))
    assert.deepEqual(states(), { own: [], young: ['new'] })
  })

  test('of IPv6 too', () => {
    const path = (from: Name, to: Name) => ({ ...way(from, to), src: stations[from].v6, dst: stations[to].v6 })
    const sent = udpFrame({ ...path('b', 'a'), srcPort: 5, dstPort: 9 })
    const error = tooBigFrame({ ...path('a', 'b'), mtuBytes: 1300 }, sent.subarray(14))
    dropped(send('a', error), 'flow_unrelated')
    passes(send('b', sent))
    passes(send('a', error))
    passes(send('b', echoFrame({ ...path('b', 'a'), id: 3 })))
    passes(send('a', echoFrame({ ...path('a', 'b'), id: 3, reply: true })))
    dropped(send('a', echoFrame({ ...path('a', 'b'), id: 4, reply: true })), 'sg_denied')
  })
})

describe('fragments', () => {
  const v4 = (offset: number, more: boolean, id = 77): Uint8Array => {
    const whole = udpFrame({ ...way('a', 'b'), srcPort: 5, dstPort: 6 }, new Uint8Array(64))
    return patch(whole, 18, id >> 8, id & 255, (more ? 0x20 : 0) | (offset >> 8), offset & 255)
  }
  const v6 = (offset: number, more: boolean): Uint8Array => {
    const path = { ...way('a', 'b'), src: stations.a.v6, dst: stations.b.v6, protocol: 44 }
    return ipFrame(path, concat(fragmentExtension(17, { offset, more, id: 9 }), Uint8Array.of(0, 5, 0, 6, 0, 72, 1, 1), new Uint8Array(64)))
  }

  test('follow the first, and only it', () => {
    groups.join('b', groups.group({ id: '1', direction: 'in', protocol: 'udp', ports: ['6'] }))
    groups.settle()
    dropped(send('a', v4(9, false)), 'fragment_order')
    passes(send('a', v4(0, true)))
    passes(send('a', v4(9, false)))
    dropped(send('a', v4(9, false, 78)), 'fragment_order')
    dropped(send('a', v6(72, false)), 'fragment_order')
    passes(send('a', v6(0, true)))
    passes(send('a', v6(72, false)))
  })

  test('of a packet that no rule allows are dropped, all of them', () => {
    groups.join('b', groups.group())
    groups.settle()
    dropped(send('a', v4(0, true, 99)), 'sg_denied')
    dropped(send('a', v4(9, false, 99)), 'fragment_order')
  })
})

describe('what nobody asks about', () => {
  beforeEach(() => {
    groups.join('b', groups.group({ id: '1', direction: 'out', protocol: 'tcp' }))
    groups.settle()
  })

  test('comes in: ARP, neighbour discovery, a DHCP answer', () => {
    const toB = { dstMac: stations.b.mac }
    passes(send('a', arpRequest({ sha: stations.a.mac, spa: stations.a.v4, tpa: stations.b.v4, ...toB })))
    passes(
      send('a', neighbourSolicitation({ srcMac: stations.a.mac, src: stations.a.v6, target: stations.b.v6, dst: stations.b.v6, ...toB })),
    )
    passes(
      groups.scene.from(
        'free',
        udpFrame({ srcMac: stations.free.mac, ...toB, src: stations.free.v4, dst: stations.b.v4, srcPort: 67, dstPort: 68 }),
      ),
    )
    dropped(
      groups.scene.from(
        'free',
        udpFrame({ srcMac: stations.free.mac, ...toB, src: stations.free.v4, dst: stations.b.v4, srcPort: 68, dstPort: 68 }),
      ),
      'sg_denied',
    )
  })

  test('and goes out: a DHCP request, and nothing else that no rule allows', () => {
    const toAll = { srcMac: stations.b.mac, dstMac: broadcastMac, src: ipFrom('0.0.0.0') as never, dst: ipFrom('255.255.255.255') as never }
    assert.equal(groups.scene.from('b', udpFrame({ ...toAll, srcPort: 68, dstPort: 67 })).verdict, 'flood')
    dropped(udp('b', 'a', 5, 5), 'sg_denied')
    passes(tcp('b', 'a', 'syn', 5, 5))
  })
})

describe('a multicast', () => {
  const multicast = (): BenchResult =>
    groups.scene.from(
      'a',
      udpFrame({
        srcMac: stations.a.mac,
        dstMac: macFrom('01:00:5e:00:00:fb'),
        src: stations.a.v4,
        dst: ipFrom('224.0.0.251') as never,
        srcPort: 5353,
        dstPort: 5353,
      }),
    )

  test('comes to a port in a group by a rule about multicasts alone', () => {
    assert.equal(multicast().copies, 3)
    const group = groups.group(everything)
    groups.join('b', group)
    groups.settle()
    const result = multicast()
    assert.equal(result.copies, 2)
    assert.equal(result.changed['b.tx'], undefined)
    groups.rules(group, { id: '1', direction: 'in', protocol: 'udp', peers: ['224.0.0.0/4'] })
    groups.settle()
    assert.equal(multicast().copies, 3)
  })
})

describe('when rules change', () => {
  const establish = (): void => {
    passes(tcp('a', 'b', 'syn', 1000, 22))
    passes(tcp('b', 'a', 'synAck', 22, 1000))
    passes(tcp('a', 'b', 'ack', 1000, 22))
  }

  test('a flow ends at the next packet, whoever sends it, and comes back with its rule', () => {
    const group = groups.group(ssh)
    groups.join('b', group)
    groups.settle()
    establish()
    groups.rules(group)
    groups.settle()
    // An answer does not open it again, though everything may go out.
    dropped(tcp('b', 'a', 'ack', 22, 1000), 'sg_revoked')
    dropped(tcp('a', 'b', 'ack', 1000, 22), 'sg_revoked')
    dropped(tcp('b', 'a', 'ack', 22, 1000), 'sg_revoked')
    groups.rules(group, { ...ssh, id: '7' })
    groups.settle()
    passes(tcp('b', 'a', 'ack', 22, 1000))
    passes(tcp('a', 'b', 'ack', 1000, 22))
  })

  test('a flow lives on where its groups are drained, and no other begins', () => {
    const group = groups.group(ssh)
    group.onRevoke = 'drain'
    groups.join('b', group)
    groups.settle()
    establish()
    groups.rules(group)
    groups.settle()
    passes(tcp('b', 'a', 'ack', 22, 1000))
    passes(tcp('a', 'b', 'ack', 1000, 22))
    dropped(tcp('a', 'b', 'syn', 1001, 22), 'sg_denied')
    group.onRevoke = 'end'
    groups.settle()
    dropped(tcp('a', 'b', 'ack', 1000, 22), 'sg_revoked')
  })

  test('a peer that leaves a group loses its flows, and no other peer does', () => {
    const clients = groups.group()
    groups.join('b', groups.group({ ...ssh, peers: [clients.id] }))
    groups.members(clients, '10.0.0.1', '10.0.0.9')
    establish()
    passes(tcp('far', 'b', 'syn', 2000, 22))
    groups.members(clients, '10.0.0.1')
    passes(tcp('a', 'b', 'ack', 1000, 22))
    dropped(tcp('b', 'far', 'synAck', 22, 2000), 'sg_revoked')
    dropped(tcp('far', 'b', 'syn', 2001, 22), 'sg_denied')
    groups.members(clients, '10.0.0.1', '10.0.0.9')
    passes(tcp('far', 'b', 'syn', 2001, 22))
  })

  test('a port that leaves all groups is open again, and has no flows', () => {
    groups.join('b', groups.group(ssh))
    groups.settle()
    establish()
    groups.join('b')
    groups.settle()
    passes(udp('a', 'b', 1, 1))
    assert.deepEqual(states(), { own: [], young: [] })
  })
})

describe('a flood', () => {
  test('of SYNs and of forged UDP leaves established flows of this and of other ports alone', () => {
    const small = new GroupScene(new Scene({ limits: { young: 128 } }))
    using _ = small
    const open = small.group(everything)
    small.join('a', open)
    small.join('b', open)
    small.settle()
    const talk = (port: number): void => {
      small.scene.from('a', udpFrame({ ...way('a', 'b'), srcPort: port, dstPort: 7 }))
      small.scene.from('b', udpFrame({ ...way('b', 'a'), srcPort: 7, dstPort: port }))
      small.scene.from('a', udpFrame({ ...way('a', 'b'), srcPort: port, dstPort: 7 }))
    }
    for (let port = 1; port <= 20; port++) talk(port)
    const { flows } = small.scene.tables.policy
    const kept = (port: number): number => flows.ofPort(port).length
    assert.deepEqual([kept(1), kept(2)], [20, 20])
    for (let i = 0; i < 150; i++) {
      const source = ipFrom(`10.9.${i >> 8}.${i & 255}`) as never
      small.scene.fromTunnel(udpFrame({ ...way('far', 'b'), src: source, srcPort: i + 1, dstPort: 9 }))
      small.scene.from(
        'free',
        tcpFrame({
          srcMac: stations.free.mac,
          dstMac: stations.b.mac,
          src: source,
          dst: stations.b.v4,
          srcPort: i + 1,
          dstPort: 80,
          flags: 2,
        }),
      )
    }
    assert.deepEqual([kept(1), kept(2)], [20, 20])
    assert.ok((flows.young().get(2)?.length ?? 0) <= 128)
    for (let port = 1; port <= 20; port++) passes(small.scene.from('b', udpFrame({ ...way('b', 'a'), srcPort: 7, dstPort: port })))
  })
})
