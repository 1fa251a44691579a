/** tcpdump reads every frame that the builders make: an independent check of lengths and checksums. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { dhcpOp, dhcpOption, dhcpType, encodeDhcp } from './dhcp.ts'
import { arpReply, arpRequest, echoFrame, gratuitousArp, ipv6Frame, tcpFrame, tooBigFrame, udpFrame, vxlanFrame } from './frames.ts'
import { ipv4From } from './ipv4-address.ts'
import { ipProtocol } from './ipv4.ts'
import { ipv6From } from './ipv6-address.ts'
import { fragmentExtension, paddingExtension } from './ipv6.ts'
import { broadcastMac, macFrom } from './mac.ts'
import { neighbourAdvertisement, neighbourSolicitation, routerAdvertisement, routerSolicitation } from './nd-frames.ts'
import { encodePcap } from './pcap.ts'
import { prefixFrom } from './prefix.ts'
import { concat } from './struct.ts'
import { tcpFlag } from './tcp.ts'
import { encodeUdp } from './udp.ts'
import { vniFrom } from './vni.ts'

const a = macFrom('02:00:00:00:00:0a')
const b = macFrom('02:00:00:00:00:0b')
const a4 = ipv4From('10.0.0.1')
const b4 = ipv4From('10.0.0.2')
const a6 = ipv6From('fd00::1')
const b6 = ipv6From('fd00::2')
const four = { srcMac: a, dstMac: b, src: a4, dst: b4 }
const six = { srcMac: a, dstMac: b, src: a6, dst: b6 }
const odd = new Uint8Array(31).fill(0xa5)

/** What tcpdump says of one frame, on one line. */
function tcpdump(frame: Uint8Array): string {
  const { stdout, stderr, status } = spawnSync('tcpdump', ['-nn', '-e', '-t', '-vvv', '-r', '-'], {
    input: encodePcap([{ data: frame }]),
    encoding: 'utf8',
  })
  assert.equal(status, 0, `tcpdump: ${stderr}`)
  return stdout.replaceAll(/\s+/g, ' ')
}

/** Each of these stands in what tcpdump says, and no complaint does. */
function reads(frame: Uint8Array, ...expected: readonly string[]): void {
  const text = tcpdump(frame)
  for (const part of expected) assert.ok(text.includes(part), `'${part}' is not in: ${text}`)
  assert.doesNotMatch(text, /bad|incorrect|invalid|truncated|wrong|\[\||(?<!sack)-> 0x/i)
}

test('ARP', () => {
  reads(arpRequest({ sha: a, spa: a4, tpa: b4 }), 'Request who-has 10.0.0.2 tell 10.0.0.1, length 28')
  reads(arpReply({ sha: a, spa: a4, tha: b, tpa: b4 }), 'Reply 10.0.0.1 is-at 02:00:00:00:00:0a, length 28')
  reads(gratuitousArp({ sha: a, spa: a4 }), 'who-has 10.0.0.1 tell 10.0.0.1')
})

test('TCP and UDP over both families, with and without a tag', () => {
  for (const path of [four, six, { ...four, vlan: 7 }]) {
    const tagged = 'vlan' in path ? ['vlan 7'] : []
    reads(
      tcpFrame({ ...path, srcPort: 1234, dstPort: 80, options: Uint8Array.of(2, 4, 5, 180) }, odd),
      '(correct)',
      'Flags [S]',
      'mss 1460',
      ...tagged,
    )
    reads(tcpFrame({ ...path, srcPort: 1, dstPort: 80, flags: tcpFlag.ack | tcpFlag.psh }), '(correct)', 'Flags [P.]', ...tagged)
    reads(udpFrame({ ...path, srcPort: 5000, dstPort: 5001 }, odd), '[udp sum ok]', 'UDP, length 31', ...tagged)
  }
})

test('ICMP and ICMPv6', () => {
  reads(echoFrame({ ...four, id: 7, seq: 9 }, odd), 'ICMP echo request, id 7, seq 9, length 39')
  reads(echoFrame({ ...six, id: 7, seq: 9, reply: true }, odd), '[icmp6 sum ok] ICMP6, echo reply, id 7, seq 9')
  const big4 = tcpFrame({ ...four, srcPort: 1, dstPort: 80 }, new Uint8Array(1400)).subarray(14)
  assert.match(tcpdump(tooBigFrame({ ...four, mtuBytes: 1400 }, big4)), /ICMP 10.0.0.2 unreachable - need to frag \(mtu 1400\), length 556/)
  const big6 = tcpFrame({ ...six, srcPort: 1, dstPort: 80 }, new Uint8Array(1400)).subarray(14)
  assert.match(tcpdump(tooBigFrame({ ...six, mtuBytes: 1400 }, big6)), /\[icmp6 sum ok\] ICMP6, packet too big, mtu 1400/)
})

test('neighbour discovery', () => {
  reads(
    neighbourSolicitation({ srcMac: a, src: a6, target: b6 }),
    '[icmp6 sum ok]',
    'fd00::1 > ff02::1:ff00:2',
    'who has fd00::2',
    'source link-address option (1), length 8 (1): 02:00:00:00:00:0a',
  )
  reads(neighbourAdvertisement(six), '[icmp6 sum ok]', 'tgt is fd00::1, Flags [solicited, override]', 'destination link-address option (2)')
  reads(neighbourAdvertisement({ srcMac: a, src: a6 }), '[icmp6 sum ok]', '> ff02::1:', 'Flags [override]')
  reads(routerSolicitation({ srcMac: a, src: a6 }), '[icmp6 sum ok]', 'router solicitation')
  const advert = routerAdvertisement({ srcMac: a, src: ipv6From('fe80::1'), mtuBytes: 1450, prefixes: [prefixFrom('fd00::/64')] })
  reads(advert, '[icmp6 sum ok]', 'router lifetime 1800s', 'mtu option (5), length 8 (1): 1450', 'fd00::/64, Flags [onlink, auto]')
})

test('VXLAN over both families', () => {
  for (const path of [four, six]) {
    const frame = vxlanFrame({ ...path, vni: vniFrom(5001) }, udpFrame({ ...six, srcPort: 5000, dstPort: 5001 }, odd))
    reads(frame, 'VXLAN, flags [I] (0x08), vni 5001', '[udp sum ok] VXLAN', '[udp sum ok] UDP, length 31')
  }
})

test('IPv6 extension headers', () => {
  const udp = encodeUdp(a6, b6, { srcPort: 5000, dstPort: 5001 }, odd)
  reads(
    ipv6Frame({ ...six, nextHeader: ipProtocol.hopByHop }, concat(paddingExtension(ipProtocol.udp, 2), udp)),
    'HBH (padn)',
    '[udp sum ok]',
  )
  const fragment = fragmentExtension(ipProtocol.udp, { offset: 0, more: true, id: 0x1234 })
  reads(ipv6Frame({ ...six, nextHeader: ipProtocol.fragment }, concat(fragment, udp)), 'frag (0x00001234:0|39)')
})

test('DHCP', () => {
  const zero = ipv4From('0.0.0.0')
  const options = new Map<number, Uint8Array>([
    [dhcpOption.messageType, Uint8Array.of(dhcpType.offer)],
    [dhcpOption.serverId, a4],
    [dhcpOption.leaseTime, Uint8Array.of(0, 0, 14, 16)],
    [dhcpOption.subnetMask, Uint8Array.of(255, 255, 255, 0)],
    [dhcpOption.router, a4],
    [dhcpOption.mtu, Uint8Array.of(5, 170)],
  ])
  const message = encodeDhcp({
    op: dhcpOp.reply,
    xid: 0x1234,
    secs: 0,
    flags: 0,
    ciaddr: zero,
    yiaddr: b4,
    siaddr: zero,
    giaddr: zero,
    chaddr: b,
    options,
  })
  const frame = udpFrame({ ...four, dst: ipv4From('255.255.255.255'), dstMac: broadcastMac, srcPort: 67, dstPort: 68 }, message)
  reads(
    frame,
    '[udp sum ok]',
    'BOOTP/DHCP, Reply',
    'Your-IP 10.0.0.2',
    'DHCP-Message (53), length 1: Offer',
    'Lease-Time (51), length 4: 3600',
    'MTU (26), length 2: 1450',
    'END (255)',
  )
})
