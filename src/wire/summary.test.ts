import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { dhcpOp, dhcpOption, dhcpType, encodeDhcp } from './dhcp.ts'
import { ethertype, pushVlan } from './ethernet.ts'
import {
  arpReply,
  arpRequest,
  echoFrame,
  ethernetFrame,
  ipv4Frame,
  ipv6Frame,
  patch,
  tcpFrame,
  tooBigFrame,
  udpFrame,
  vxlanFrame,
} from './frames.ts'
import { ipv4From } from './ipv4-address.ts'
import { ipProtocol } from './ipv4.ts'
import { ipv6From } from './ipv6-address.ts'
import { fragmentExtension } from './ipv6.ts'
import { broadcastMac, macFrom } from './mac.ts'
import { neighbourAdvertisement, neighbourSolicitation } from './nd-frames.ts'
import { summarize } from './summary.ts'
import { tcpFlag } from './tcp.ts'
import { vniFrom } from './vni.ts'

const a = macFrom('02:00:00:00:00:0a')
const b = macFrom('02:00:00:00:00:0b')
const four = { srcMac: a, dstMac: b, src: ipv4From('10.0.0.1'), dst: ipv4From('10.0.0.2') }
const six = { srcMac: a, dstMac: b, src: ipv6From('fd00::1'), dst: ipv6From('fd00::2') }
const link = '02:00:00:00:00:0a > 02:00:00:00:00:0b'

/** The line of a frame, without the addresses that most of these have in common. */
const says = (frame: Uint8Array, line: string, length?: number): void =>
  assert.equal(summarize(frame, length).replace(`${link} `, ''), line)

test('TCP and UDP with their ports', () => {
  says(tcpFrame({ ...four, srcPort: 1234, dstPort: 80 }), 'IPv4 10.0.0.1:1234 > 10.0.0.2:80 TCP S len 54')
  says(
    tcpFrame({ ...six, srcPort: 1234, dstPort: 80, flags: tcpFlag.syn | tcpFlag.ack }),
    'IPv6 [fd00::1]:1234 > [fd00::2]:80 TCP S. len 74',
  )
  says(tcpFrame({ ...four, srcPort: 1, dstPort: 2, flags: 0 }), 'IPv4 10.0.0.1:1 > 10.0.0.2:2 TCP none len 54')
  says(udpFrame({ ...four, srcPort: 53, dstPort: 5353 }, new Uint8Array(10)), 'IPv4 10.0.0.1:53 > 10.0.0.2:5353 UDP len 52')
})

test('ARP and neighbour discovery', () => {
  const asks = arpRequest({ sha: a, spa: four.src, tpa: four.dst })
  assert.equal(summarize(asks), '02:00:00:00:00:0a > ff:ff:ff:ff:ff:ff ARP who-has 10.0.0.2 tell 10.0.0.1 len 42')
  says(arpReply({ sha: a, spa: four.src, tha: b, tpa: four.dst }), 'ARP 10.0.0.1 is-at 02:00:00:00:00:0a len 42')
  says(neighbourSolicitation({ ...six, target: six.dst }), 'IPv6 fd00::1 > fd00::2 ICMPv6 neighbour solicitation who-has fd00::2 len 86')
  says(neighbourAdvertisement(six), 'IPv6 fd00::1 > fd00::2 ICMPv6 neighbour advertisement fd00::1 len 86')
})

test('ICMP', () => {
  says(echoFrame({ ...four, id: 7, seq: 3 }), 'IPv4 10.0.0.1 > 10.0.0.2 ICMP echo request id 7 seq 3 len 42')
  says(echoFrame({ ...six, reply: true }), 'IPv6 fd00::1 > fd00::2 ICMPv6 echo reply id 1 seq 1 len 62')
  says(tooBigFrame({ ...four, mtuBytes: 1450 }, new Uint8Array(28)), 'IPv4 10.0.0.1 > 10.0.0.2 ICMP fragmentation needed mtu 1450 len 70')
  says(tooBigFrame({ ...six, mtuBytes: 1430 }, new Uint8Array(48)), 'IPv6 fd00::1 > fd00::2 ICMPv6 packet too big mtu 1430 len 110')
})

test('VLAN tags, other types, 802.3', () => {
  const ping = echoFrame(four)
  says(pushVlan(ping, 7), 'vlan 7 IPv4 10.0.0.1 > 10.0.0.2 ICMP echo request id 1 seq 1 len 46')
  says(
    pushVlan(pushVlan(ping, 7), 9, { tpid: ethertype.qinq }),
    'qinq 9 vlan 7 IPv4 10.0.0.1 > 10.0.0.2 ICMP echo request id 1 seq 1 len 50',
  )
  says(ethernetFrame({ srcMac: a, dstMac: b, type: 0x88cc }), 'type 0x88cc len 14')
  says(ethernetFrame({ srcMac: a, dstMac: b, type: 38 }, new Uint8Array(38)), '802.3 length 38 len 52')
})

test('VXLAN shows the frame inside, and of one inside that the VNI', () => {
  const inner = echoFrame(six)
  const once = vxlanFrame({ ...four, vni: vniFrom(5001) }, inner)
  const outer = 'IPv4 10.0.0.1:50000 > 10.0.0.2:4789 UDP VXLAN vni 5001'
  says(once, `${outer} {${link} IPv6 fd00::1 > fd00::2 ICMPv6 echo request id 1 seq 1} len 112`)
  const twice = vxlanFrame({ ...four, vni: vniFrom(5001) }, vxlanFrame({ ...four, vni: vniFrom(6001) }, inner))
  assert.match(summarize(twice), /vni 5001 \{.* UDP VXLAN vni 6001\} len 162$/)
  says(
    vxlanFrame({ ...four, vni: vniFrom(1), vxlanFlags: 0 }, inner),
    'IPv4 10.0.0.1:50000 > 10.0.0.2:4789 UDP [VXLAN with flags 0] len 112',
  )
})

test('DHCP says the type, or in a short capture the side', () => {
  const zero = ipv4From('0.0.0.0')
  const options = new Map([[dhcpOption.messageType, Uint8Array.of(dhcpType.offer)]])
  const message = encodeDhcp({
    op: dhcpOp.reply,
    xid: 1,
    secs: 0,
    flags: 0,
    ciaddr: zero,
    yiaddr: zero,
    siaddr: zero,
    giaddr: zero,
    chaddr: a,
    options,
  })
  const frame = udpFrame({ ...four, dstMac: broadcastMac, srcPort: 67, dstPort: 68 }, message)
  assert.match(summarize(frame), /UDP DHCP offer of 02:00:00:00:00:0a len 342$/)
  assert.match(summarize(frame.subarray(0, 128), frame.length), /UDP DHCP from a server len 342$/)
})

test('fragments: the first has a header, later ones do not', () => {
  const first = ipv4Frame(
    { ...four, protocol: ipProtocol.udp, dontFragment: false, moreFragments: true },
    Uint8Array.of(0, 1, 0, 2, 0, 16, 0, 0),
  )
  says(first, 'IPv4 10.0.0.1:1 > 10.0.0.2:2 UDP [fragment at 0] len 42')
  const last = ipv4Frame({ ...four, protocol: ipProtocol.udp, fragmentOffset: 8 }, new Uint8Array(8))
  says(last, 'IPv4 10.0.0.1 > 10.0.0.2 UDP [fragment at 8, the last] len 42')
  const later = fragmentExtension(ipProtocol.tcp, { offset: 1448, more: true, id: 1 })
  says(ipv6Frame({ ...six, nextHeader: ipProtocol.fragment }, later), 'IPv6 fd00::1 > fd00::2 TCP [fragment at 1448] len 62')
})

test('a short capture ends in dots; a short frame says what is missing', () => {
  const frame = tcpFrame({ ...four, srcPort: 1, dstPort: 2 })
  says(frame.subarray(0, 40), 'IPv4 10.0.0.1 > 10.0.0.2 TCP ... len 54', 54)
  says(frame.subarray(0, 40), 'IPv4 10.0.0.1 > 10.0.0.2 [TCP cut short: 6 of 20 bytes] [14 bytes missing] len 40')
  assert.equal(summarize(frame.subarray(0, 9)), '[Ethernet cut short: 9 of 14 bytes] len 9')
  assert.equal(summarize(new Uint8Array(), 60), 'Ethernet ... len 60')
  says(patch(frame, 14, 0x55), '[IPv4 with version 5] len 54')
  says(patch(frame, 22, 63), 'IPv4 10.0.0.1:1 > 10.0.0.2:2 TCP S [bad header checksum] len 54')
})

test('garbage, and every frame with bytes changed or cut off, is one printable line', () => {
  const frames = [
    tcpFrame({ ...six, srcPort: 1, dstPort: 2 }),
    vxlanFrame({ ...six, vni: vniFrom(1) }, neighbourSolicitation({ ...six, target: six.dst })),
  ]
  const changed = fc
    .tuple(fc.constantFrom(...frames), fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 8 }), fc.nat(200))
    .map(([frame, changes, end]) => {
      const out = frame.slice()
      for (const [at, byte] of changes) if (at < out.length) out[at] = byte
      return out.subarray(0, end)
    })
  fc.assert(
    fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 160 })), fc.nat(1600), (bytes, length) =>
      assert.match(summarize(bytes, length), /^[ -~]+$/),
    ),
    {
      numRuns: 1000,
    },
  )
})
