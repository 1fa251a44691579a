/** Security groups with the real programs: what passes, by which rule, and what becomes of flows when rules change. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { RuleJson } from '#abi/group-rule.ts'
import type { DropReason } from '#datapath/layout.ts'
import type { BenchResult } from '#datapath/test-bench.ts'
import { ipv4Frame, tcpFrame, udpFrame } from '#wire/frames.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { GroupScene } from './group-scene.ts'
import { stations } from './scene.ts'

let groups: GroupScene
before(() => void (groups = new GroupScene()))
beforeEach(() => groups.reset())
after(() => groups[Symbol.dispose]())

const flags = { syn: 2, synAck: 0x12, ack: 0x10, fin: 0x11, rst: 4 } as const
type TcpFlag = keyof typeof flags

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

const tcp = (from: Name, to: Name, flag: TcpFlag, srcPort: number, dstPort: number): BenchResult =>
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
    passes(udp('b', 'a', 1, 1))
    passes(tcp('far', 'a', 'syn', 1, 1))
  })
})
