/**
 * Work that a guest leaves to the host: a checksum to fill in, a segment to cut. With a tap and with a packet socket
 * the guest says where that checksum is; the host must change no other byte.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { portFlag } from '#datapath/layout.ts'
import { openEthtool, setDeviceFeatures } from '#kernel/ethtool.ts'
import { checksum } from '#wire/checksum.ts'
import { arpReply, ethernetFrame, ipFrame, ipv6Frame, patch, tcpFrame, udpFrame } from '#wire/frames.ts'
import { ipFrom, toMapped, type Ip } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { linkLocal } from '#wire/ipv6-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { fragmentExtension, paddingExtension } from '#wire/ipv6.ts'
import { routerAdvertisement } from '#wire/nd-frames.ts'
import { concat } from '#wire/struct.ts'
import { encodeUdp } from '#wire/udp.ts'
import { RawSocket } from '../lab/raw-socket.ts'
import { Fabric } from './fabric.ts'
import { Machines, own, peer, red, virtioHeader, type Virtio } from './machines.ts'
import { ping } from './traffic.ts'

const link = { srcMac: own.mac, dstMac: peer.mac }
const ports = { srcPort: 1000, dstPort: 9 }
/** The address of another guest. */
const victim = ipFrom('10.0.0.77') as Ipv4
const L3 = 14
const L4_IPV4 = 34
const L4_IPV6 = 54
const sctp = 132

/**
 * Change the word at `free` so that the checksum over all from `start` on comes out as `target`, the bytes at `field`
 * counted as they are.
 */
function aim(frame: Uint8Array, start: number, target: number, free: number): Uint8Array {
  const aimed = patch(frame, free, 0, 0)
  const word = (checksum(aimed.subarray(start)) + 65535 - target) % 65535
  return patch(aimed, free, word >> 8, word & 255)
}

/** A lie, and the checksum place that turns the honest packet into it after the check. */
interface Lie {
  readonly frame: Uint8Array
  readonly virtio: Virtio
}

const udp = (src: Ip = own.v4): Uint8Array =>
  patch(udpFrame({ ...link, src, dst: peer.v4, ...ports }, new Uint8Array(32)), L4_IPV4 + 6, 0, 0)
const payload4 = L4_IPV4 + 8 + 16
/** The checksum of the header is right for the victim's address, which is not there yet. */
const spoofed = patch(udp(victim), L3 + 14, 0, own.v4[3]!)
const reply = patch(arpReply({ sha: own.mac, spa: victim, tha: peer.mac, tpa: peer.v4 }), 30, 0, own.v4[3]!)
const advertisement = routerAdvertisement({ srcMac: own.mac, src: linkLocal(own.mac) })

const lies: Readonly<Record<string, Lie>> = {
  'an IPv4 source': { frame: aim(spoofed, 20, 77, payload4), virtio: { checksumFrom: 20, checksumAt: 8 } },
  'an ARP sender': { frame: aim(reply, 20, 77, 32), virtio: { checksumFrom: 20, checksumAt: 10 } },
  'the type of an ICMPv6 message': { frame: patch(advertisement, L4_IPV6, 200), virtio: { checksumFrom: 20, checksumAt: L4_IPV6 - 20 } },
  'the source port of UDP': { frame: aim(udp(), 20, 67, payload4), virtio: { checksumFrom: 20, checksumAt: L4_IPV4 - 20 } },
  'a UDP port from the header on': { frame: udp(), virtio: { checksumFrom: L4_IPV4, checksumAt: 0 } },
  'the type of ICMP': {
    frame: ipFrame({ ...link, src: own.v4, dst: peer.v4, protocol: ipProtocol.icmp }, Uint8Array.of(8, 0, 0, 0, 0, 1, 0, 1)),
    virtio: { checksumFrom: L4_IPV4, checksumAt: 0 },
  },
  'flags of TCP': { frame: tcpFrame({ ...link, src: own.v4, dst: peer.v4, ...ports }), virtio: { checksumFrom: L4_IPV4, checksumAt: 12 } },
  'a checksum of TCP that begins elsewhere': {
    frame: tcpFrame({ ...link, src: own.v4, dst: peer.v4, ...ports }),
    virtio: { checksumFrom: L4_IPV4 - 2, checksumAt: 18 },
  },
  'a later fragment': {
    frame: patch(udp(), L3 + 6, 0, 4, 64, 17, 0, 0),
    virtio: { checksumFrom: L4_IPV4, checksumAt: 6 },
  },
  'an extension header': {
    frame: ipv6Frame(
      { ...link, src: own.v6, dst: peer.v6, nextHeader: ipProtocol.destinationOptions },
      concat(paddingExtension(ipProtocol.udp, 3), encodeUdp(own.v6, peer.v6, ports, new Uint8Array(20))),
    ),
    virtio: { checksumFrom: L4_IPV6, checksumAt: 6 },
  },
  'a protocol without such a checksum': {
    frame: ipFrame({ ...link, src: own.v4, dst: peer.v4, protocol: 89 }, new Uint8Array(44)),
    virtio: { checksumFrom: L4_IPV4, checksumAt: 12 },
  },
  'the header of a tunnel': {
    frame: ipFrame({ ...link, src: own.v4, dst: peer.v4, protocol: 4 }, new Uint8Array(44)),
    virtio: { checksumFrom: L4_IPV4, checksumAt: 10 },
  },
}

/** What is sent for a checksum to be filled in, and where the field is. */
interface Honest {
  readonly frame: Uint8Array
  readonly start: number
  readonly offset: number
}
const path4 = { ...link, src: own.v4, dst: peer.v4 }
const path6 = { ...link, src: own.v6, dst: peer.v6 }
const honest: Readonly<Record<string, Honest>> = {
  'TCP, IPv4': { frame: tcpFrame({ ...path4, ...ports }, new Uint8Array(99)), start: L4_IPV4, offset: 16 },
  'TCP, IPv6': { frame: tcpFrame({ ...path6, ...ports }, new Uint8Array(100)), start: L4_IPV6, offset: 16 },
  'UDP, IPv4': { frame: udpFrame({ ...path4, ...ports }, new Uint8Array(31)), start: L4_IPV4, offset: 6 },
  'UDP, IPv6': { frame: udpFrame({ ...path6, ...ports }, new Uint8Array(30)), start: L4_IPV6, offset: 6 },
  ICMP: { frame: ipFrame({ ...path4, protocol: ipProtocol.icmp }, Uint8Array.of(8, 0, 0, 0, 0, 1, 0, 1)), start: L4_IPV4, offset: 2 },
  'SCTP, whose field has room for more': { frame: ipFrame({ ...path4, protocol: sctp }, new Uint8Array(32)), start: L4_IPV4, offset: 8 },
  'TCP behind an extension header': {
    frame: ipv6Frame(
      { ...path6, nextHeader: ipProtocol.destinationOptions },
      concat(paddingExtension(ipProtocol.udp, 2), encodeUdp(own.v6, peer.v6, ports, new Uint8Array(20))),
    ),
    start: L4_IPV6 + 16,
    offset: 6,
  },
  'what a tunnel in UDP carries': {
    frame: udpFrame({ ...path4, ...ports }, new Uint8Array(120)),
    start: L4_IPV4 + 8 + 8 + 14 + 20,
    offset: 16,
  },
  'what a tunnel in IP carries': { frame: ipFrame({ ...path4, protocol: 4 }, new Uint8Array(60)), start: L4_IPV4 + 20, offset: 16 },
  'what GRE carries': { frame: ipFrame({ ...path4, protocol: 47 }, new Uint8Array(60)), start: L4_IPV4 + 4 + 20, offset: 16 },
}

/** The frame with the checksum in it that the host fills in. */
function filled({ frame, start, offset }: Honest): Uint8Array {
  const sum = checksum(frame.subarray(start)) || 0xffff
  return patch(frame, start + offset, sum >> 8, sum & 255)
}

describe('the checksum that a machine leaves to the host', () => {
  let machines: Machines
  before(() => {
    machines = new Machines()
    machines.withoutOffloads(machines.theirs)
  })
  after(() => machines[Symbol.dispose]())

  for (const [name, { frame, virtio }] of Object.entries(lies))
    test(`cannot write ${name}`, () =>
      assert.deepEqual(machines.exchange(frame, virtio), { received: [], answers: [], drops: { bad_offload: 1 } }))

  for (const [name, packet] of Object.entries(honest))
    test(`is filled in: ${name}`, () => {
      const virtio = { checksumFrom: packet.start, checksumAt: packet.offset }
      assert.deepEqual(machines.exchange(packet.frame, virtio), { received: [filled(packet)], answers: [], drops: {} })
    })

  test('is not one of a packet that is not IP', () => {
    const hello = ethernetFrame({ ...link, type: 0x88b5 }, new Uint8Array(60))
    const nothing = { received: [], answers: [], drops: { bad_offload: 1 } }
    assert.deepEqual(machines.exchange(hello, { checksumFrom: 20, checksumAt: 8 }), nothing)
  })

  // The kernel itself refuses the header of the plainer lies.
  for (const [name, frame, gso] of [
    ['OSPF as TCP', ipFrame({ ...path4, protocol: 89 }, new Uint8Array(4000)), 'tcp4'],
    [
      'a later fragment as TCP',
      ipv6Frame({ ...path6, nextHeader: 44 }, concat(fragmentExtension(6, { offset: 1480, more: false, id: 7 }), new Uint8Array(4000))),
      'tcp6',
    ],
  ] as const)
    test(`is not there to cut ${name}: such a segment is dropped and counted, or the kernel does not take it`, () => {
      const virtio = { gso, gsoSize: 1000, headerLength: 60 }
      try {
        assert.deepEqual(machines.exchange(frame, virtio), { received: [], answers: [], drops: { bad_offload: 1 } })
      } catch (error) {
        // Linux 7.3 looks at the protocol itself.
        if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
      }
    })
})

describe('a container that describes its packets itself', () => {
  let fabric: Fabric
  before(() => {
    fabric = new Fabric()
    for (const host of [fabric.a, fabric.b]) {
      host.segment(red)
      host.shortcut()
    }
  })
  after(() => fabric[Symbol.dispose]())

  // Without offloads, software fills the checksum in before the receiver sees the packet.
  for (const offloads of [false, true])
    test(`gets no other address on another host, offloads ${offloads ? 'on' : 'off'}`, async () => {
      const { a, b } = fabric
      const n = offloads ? 3 : 1
      const mallory = a.guest({
        mac: `02:00:00:00:01:0${n}`,
        segment: red,
        addresses: [`10.0.0.${n}`],
        flags: portFlag.antispoof | portFlag.addresses,
      })
      a.tables.portAddresses.set({ stats: mallory.dst.stats, addr: toMapped(mallory.addresses[0]!) }, 1)
      const carol = b.guest({ mac: `02:00:00:00:02:0${n}`, segment: red, addresses: [`10.0.0.${n + 1}`] })
      a.meet(b)
      b.meet(a)
      {
        using ethtool = openEthtool(a.space.netns.fd)
        setDeviceFeatures(ethtool, a.space.ifindex('wire'), { 'tx-checksum-ip-generic': offloads })
      }
      await ping(mallory.space, `10.0.0.${n + 1}`)
      using sender = RawSocket.open(mallory.space.name, 'eth0', { virtio: true })
      using seen = RawSocket.open(carol.space.name, 'eth0')
      const to = { srcMac: mallory.mac, dstMac: carol.mac, dst: carol.addresses[0]!, ...ports }
      const shown = patch(udpFrame({ ...to, src: victim }, new Uint8Array(32)), L4_IPV4 + 6, 0, 0)
      const lie = aim(patch(shown, L3 + 14, 0, n), 20, 77, payload4)
      sender.send(concat(virtioHeader({ checksumFrom: 20, checksumAt: 8 }, 10), lie))
      const truth = udpFrame({ ...to, src: mallory.addresses[0]! }, new Uint8Array(40))
      sender.send(concat(virtioHeader({ checksumFrom: L4_IPV4, checksumAt: 6 }, 10), truth))
      const first = await seen.waitFor((frame) => frame[12] === 8 && frame[13] === 0 && frame[23] === ipProtocol.udp)
      assert.equal(first?.length, truth.length, 'the truth arrives, and not the lie before it')
      assert.equal((a.tables.drops.read(mallory.dst.stats) as Record<string, number>)['bad_offload'], 1)
    })
})
