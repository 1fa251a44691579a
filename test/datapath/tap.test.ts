/**
 * A virtual machine's side: a tap, whose owner chooses every byte, the virtio header that describes it, and how little of a packet the kernel
 * finds in one piece.
 */
import assert from 'node:assert/strict'
import { readSync, writeFileSync, writeSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { dstKind, noDst, portFlag } from '#datapath/layout.ts'
import { close } from '#kernel/libc.ts'
import { createTap, openTapQueue } from '#kernel/tap.ts'
import { ethertype, pushVlan } from '#wire/ethernet.ts'
import { arpReply, arpRequest, ethernetFrame, ipv6Frame, tcpFrame, tooBigFrame, udpFrame } from '#wire/frames.ts'
import { ipFrom, toMapped } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import type { Ipv6 } from '#wire/ipv6-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { paddingExtension } from '#wire/ipv6.ts'
import { macFrom } from '#wire/mac.ts'
import { concat } from '#wire/struct.ts'
import { encodeUdp } from '#wire/udp.ts'
import { Host } from './fabric.ts'

const red = 5001
const VNET_HEADER = 12
const own = { mac: macFrom('02:00:00:00:00:01'), v4: ipFrom('10.0.0.1') as Ipv4, v6: ipFrom('fd00::1') as Ipv6 }
const peer = { mac: macFrom('02:00:00:00:00:02'), v4: ipFrom('10.0.0.2') as Ipv4, v6: ipFrom('fd00::2') as Ipv6 }
const link = { srcMac: own.mac, dstMac: peer.mac }
const ports = { srcPort: 1000, dstPort: 80 }

/** What virtio says of a frame: struct virtio_net_hdr. */
interface Virtio {
  readonly checksumFrom?: number
  readonly checksumAt?: number
  readonly gso?: 'tcp4' | 'tcp6' | 'udp'
  readonly gsoSize?: number
  /** How much of the frame the kernel is to lay into one piece. */
  readonly headerLength?: number
}
const gsoType = { tcp4: 1, tcp6: 4, udp: 5 } as const

function virtioHeader({ checksumFrom, checksumAt = 0, gso, gsoSize = 0, headerLength = 0 }: Virtio): Uint8Array {
  const header = new Uint8Array(VNET_HEADER)
  const view = new DataView(header.buffer)
  header[0] = checksumFrom === undefined ? 0 : 1
  header[1] = gso ? gsoType[gso] : 0
  view.setUint16(2, headerLength, true)
  view.setUint16(4, gsoSize, true)
  view.setUint16(6, checksumFrom ?? 0, true)
  view.setUint16(8, checksumAt, true)
  return header
}

/** A machine on a tap of a host, and a second one that it speaks to. */
class Machines implements Disposable {
  readonly host: Host
  readonly mine: number
  readonly theirs: number
  readonly #stack: DisposableStack

  constructor() {
    using stack = new DisposableStack()
    this.host = stack.use(new Host('192.0.2.1'))
    // The host's own stack has nothing to say on a tap.
    this.host.space.netns.run(() => writeFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', '1'))
    this.host.segment(red)
    this.mine = stack.adopt(this.#machine('vmnic0', own, 10), close)
    this.theirs = stack.adopt(this.#machine('vmnic1', peer, 11), close)
    this.#stack = stack.move()
  }

  #machine(name: string, { mac, v4, v6 }: typeof own, stats: number): number {
    const { space, tables } = this.host
    const queue = space.netns.run(() => {
      createTap({ name })
      return openTapQueue({ name })
    })
    const ifindex = space.ifindex(name)
    space.netlink.setLink(ifindex, { addrGenModeNone: true, up: true })
    tables.ports.set(ifindex, { segment: red, flags: portFlag.up | portFlag.antispoof, stats, vlan: 0, mac })
    tables.fdb.set({ segment: red, mac }, { ...noDst, kind: dstKind.local, mtu: 1500, ifindex, stats })
    for (const address of [v4, v6]) tables.neighbours.set({ segment: red, addr: toMapped(address) }, { mac })
    this.host.attach('unit', ifindex)
    return queue
  }

  send(frame: Uint8Array, virtio: Virtio = {}): void {
    writeSync(this.mine, concat(virtioHeader(virtio), frame))
  }

  /** Every frame that waits at a machine, without its virtio header. */
  drain(queue: number): Uint8Array[] {
    const frames: Uint8Array[] = []
    const buffer = new Uint8Array(70_000)
    for (;;) {
      try {
        frames.push(buffer.slice(VNET_HEADER, readSync(queue, buffer)))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return frames
        throw error
      }
    }
  }

  /** What the other one gets of a frame, and what comes back. */
  exchange(frame: Uint8Array, virtio: Virtio = {}): { received: Uint8Array[]; answers: Uint8Array[]; drops: Record<string, number> } {
    const before = this.host.tables.drops.read(10) as Record<string, number>
    this.send(frame, virtio)
    const after = this.host.tables.drops.read(10) as Record<string, number>
    const drops = Object.fromEntries(
      Object.entries(after)
        .map(([reason, count]): [string, number] => [reason, count - (before[reason] ?? 0)])
        .filter(([, count]) => count > 0),
    )
    return { received: this.drain(this.theirs), answers: this.drain(this.mine), drops }
  }

  [Symbol.dispose](): void {
    this.#stack.dispose()
  }
}

describe('a machine on a tap', () => {
  let machines: Machines
  before(() => void (machines = new Machines()))
  after(() => machines[Symbol.dispose]())
  const passes = (frame: Uint8Array, virtio: Virtio = {}, as = frame): void =>
    assert.deepEqual(machines.exchange(frame, virtio), { received: [as], answers: [], drops: {} })
  const isDropped = (frame: Uint8Array, reason: string, virtio: Virtio = {}): void =>
    assert.deepEqual(machines.exchange(frame, virtio), { received: [], answers: [], drops: { [reason]: 1 } })

  test('sends to another one', () => {
    passes(tcpFrame({ ...link, src: own.v4, dst: peer.v4, ...ports }, new Uint8Array(100)))
    passes(tcpFrame({ ...link, src: own.v6, dst: peer.v6, ...ports }, new Uint8Array(1440)))
  })

  test('gets its answers', () => {
    const reply = arpReply({ sha: peer.mac, spa: peer.v4, tha: own.mac, tpa: own.v4 })
    const request = arpRequest({ sha: own.mac, spa: own.v4, tpa: peer.v4 })
    assert.deepEqual(machines.exchange(request), { received: [], answers: [reply], drops: {} })
  })

  // Under a page the kernel lays a packet into one piece whatever the header says.
  test('may leave any part of a packet out of the first piece', () => {
    const rest = new Uint8Array(6000)
    const { tables } = machines.host
    const key = { segment: red, mac: peer.mac }
    const dst = tables.fdb.get(key)!
    tables.fdb.set(key, { ...dst, mtu: 9000 })
    try {
      const chain = concat(paddingExtension(ipProtocol.udp, 30), encodeUdp(own.v6, peer.v6, ports, rest))
      const honest = [
        tcpFrame({ ...link, src: own.v4, dst: peer.v4, ...ports }, rest),
        udpFrame({ ...link, src: own.v6, dst: peer.v6, ...ports }, rest),
        ipv6Frame({ ...link, src: own.v6, dst: peer.v6, nextHeader: ipProtocol.destinationOptions }, chain),
      ]
      const server = udpFrame({ ...link, src: own.v4, dst: peer.v4, srcPort: 67, dstPort: 68 }, rest)
      const lie = concat(arpReply({ sha: own.mac, spa: peer.v4, tha: peer.mac, tpa: peer.v4 }), rest)
      for (const headerLength of [14, 15, 20, 33, 34, 40, 41, 54, 62, 200, 4000]) {
        for (const frame of honest) passes(frame, { headerLength })
        isDropped(server, 'dhcp_spoof', { headerLength })
        isDropped(lie, 'arp_spoof', { headerLength })
      }
    } finally {
      tables.fdb.set(key, dst)
    }
  })

  test('cannot cut a packet within its headers', () => {
    const whole = tcpFrame({ ...link, src: own.v4, dst: peer.v4, ...ports })
    for (const length of [14, 15, 20, 33, 34, 53]) isDropped(whole.subarray(0, length), 'malformed')
    const whole6 = tcpFrame({ ...link, src: own.v6, dst: peer.v6, ...ports })
    for (const length of [14, 15, 53, 54, 73]) isDropped(whole6.subarray(0, length), 'malformed')
    isDropped(arpRequest({ sha: own.mac, spa: own.v4, tpa: peer.v4 }).subarray(0, 41), 'malformed')
  })

  test('has its priority tag taken off, and no other tag passes', () => {
    const frame = tcpFrame({ ...link, src: own.v4, dst: peer.v4, ...ports })
    passes(pushVlan(frame, 0, { pcp: 3 }), {}, frame)
    isDropped(pushVlan(frame, 7), 'vlan_mismatch')
    isDropped(pushVlan(pushVlan(frame, 0), 0), 'vlan_mismatch')
    isDropped(pushVlan(frame, 0, { tpid: ethertype.qinq }), 'vlan_mismatch')
  })

  test('gets the tag of its port', () => {
    const { tables, space } = machines.host
    const key = { segment: red, mac: peer.mac }
    const dst = tables.fdb.get(key)!
    tables.fdb.set(key, { ...dst, vlan: 7 })
    try {
      const frame = tcpFrame({ ...link, src: own.v4, dst: peer.v4, ...ports })
      passes(frame, {}, pushVlan(frame, 7))
      tables.flood.set(
        { segment: red, page: 0 },
        {
          segment: red,
          count: 2,
          more: 0,
          dst: [
            { ...dst, vlan: 7 },
            { ...dst, ifindex: space.ifindex('vmnic0') },
          ],
        },
      )
      const hello = ethernetFrame({ srcMac: own.mac, dstMac: macFrom('ff:ff:ff:ff:ff:ff'), type: 0x88b5 }, new Uint8Array(50))
      passes(hello, {}, pushVlan(hello, 7))
    } finally {
      tables.fdb.set(key, dst)
    }
  })

  test('sends large segments whole', () => {
    const large = tcpFrame({ ...link, src: own.v4, dst: peer.v4, ...ports }, new Uint8Array(40_000))
    passes(large, { gso: 'tcp4', gsoSize: 1460, headerLength: 54, checksumFrom: 34, checksumAt: 16 })
    const large6 = tcpFrame({ ...link, src: own.v6, dst: peer.v6, ...ports }, new Uint8Array(40_000))
    passes(large6, { gso: 'tcp6', gsoSize: 1440, headerLength: 74, checksumFrom: 54, checksumAt: 16 })
  })

  test('is told what does not fit, with a checksum that is right, whether or not its own was', () => {
    for (const [frame, virtio] of [
      [
        tcpFrame({ ...link, src: own.v4, dst: peer.v4, ...ports }, new Uint8Array(40_000)),
        { gso: 'tcp4', gsoSize: 1461, headerLength: 54, checksumFrom: 34, checksumAt: 16 },
      ],
      [tcpFrame({ ...link, src: own.v4, dst: peer.v4, ...ports }, new Uint8Array(1500)), {}],
    ] as const) {
      const { received, answers, drops } = machines.exchange(frame, virtio)
      assert.deepEqual([received, drops, answers.length], [[], { too_big: 1 }, 1])
      const wanted = tooBigFrame(
        { srcMac: peer.mac, dstMac: own.mac, src: peer.v4, dst: own.v4, tos: 0xc0, mtuBytes: 1500 },
        quoted(answers[0]!),
      )
      assert.deepEqual(answers[0], wanted)
      if (!('gso' in virtio)) assert.deepEqual(answers[0]!.subarray(42), frame.subarray(14, 14 + 548))
    }
  })
})

/** What an error of IPv4 quotes. */
const quoted = (error: Uint8Array): Uint8Array => error.subarray(42)
