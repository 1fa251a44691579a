/**
 * A virtual machine's side: a tap, whose owner chooses every byte, the virtio header that describes it, and how little
 * of a packet the kernel finds in one piece.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ethertype, pushVlan } from '#wire/ethernet.ts'
import { arpReply, arpRequest, ethernetFrame, ipv6Frame, tcpFrame, tooBigFrame, udpFrame } from '#wire/frames.ts'
import type { Ip } from '#wire/ip-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { paddingExtension } from '#wire/ipv6.ts'
import { macFrom } from '#wire/mac.ts'
import { concat } from '#wire/struct.ts'
import { encodeUdp } from '#wire/udp.ts'
import { Machines, own, peer, red, type Virtio } from './machines.ts'

const link = { srcMac: own.mac, dstMac: peer.mac }
const ports = { srcPort: 1000, dstPort: 80 }

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

  test('is told of datagrams to be cut that are one byte too long, and of fragments likewise', () => {
    const datagrams = (src: Ip, dst: Ip): Uint8Array => udpFrame({ ...link, src, dst, ...ports }, new Uint8Array(6000))
    const four = datagrams(own.v4, peer.v4)
    const six = datagrams(own.v6, peer.v6)
    const from4 = { headerLength: 42, checksumFrom: 34, checksumAt: 6 }
    const from6 = { headerLength: 62, checksumFrom: 54, checksumAt: 6 }
    const fitting = [
      [four, { ...from4, gso: 'udp', gsoSize: 1472 }],
      [six, { ...from6, gso: 'udp', gsoSize: 1452 }],
      [four, { ...from4, gso: 'ufo', gsoSize: 1480 }],
    ] as const
    for (const [frame, virtio] of fitting) {
      // Fragments are made by the host, since no machine takes UFO.
      const { received, answers, drops } = machines.exchange(frame, virtio)
      assert.deepEqual([received.length, answers, drops], [virtio.gso === 'ufo' ? 5 : 1, [], {}], virtio.gso)
    }
    for (const excess of [1, 4, 8, 9]) {
      const tooLong = [
        [four, { ...from4, gso: 'udp', gsoSize: 1472 + excess }],
        [six, { ...from6, gso: 'udp', gsoSize: 1452 + excess }],
        [four, { ...from4, gso: 'ufo', gsoSize: 1480 + excess }],
      ] as const
      for (const [frame, virtio] of tooLong) {
        const { received, answers, drops } = machines.exchange(frame, virtio)
        assert.deepEqual([received, answers.length, drops], [[], 1, { too_big: 1 }], `${virtio.gso} of ${virtio.gsoSize}`)
      }
    }
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
