/**
 * Frames of other encoders: the kernel's (captured from Linux 6.18), and those printed in RFCs. They are decoded, and
 * built again byte for byte.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeArp } from './arp.ts'
import { checksum, transportChecksum, udpChecksum } from './checksum.ts'
import { decodeDhcp, dhcpMessageType, dhcpOption, dhcpType } from './dhcp.ts'
import { decodeEthernet } from './ethernet.ts'
import { arpReply, arpRequest, ipv4Frame, ipv6Frame, tcpFrame, vxlanFrame } from './frames.ts'
import { echoRest, encodeIcmp, encodeIcmpv6, icmpType, icmpv6Type } from './icmp.ts'
import { ipv4From } from './ipv4-address.ts'
import { decodeIpv4, ipProtocol } from './ipv4.ts'
import { ipv6From } from './ipv6-address.ts'
import { formatMac, macFrom } from './mac.ts'
import { neighbourAdvertisement, neighbourSolicitation, routerSolicitation } from './nd-frames.ts'
import { decodeNd, linkLayerOption } from './nd.ts'
import { must } from './result.ts'
import { decodeTcp, tcpFlag } from './tcp.ts'
import { decodeUdp } from './udp.ts'
import { vniFrom } from './vni.ts'
import { decodeVxlan } from './vxlan.ts'

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'))
const same = (built: Uint8Array, hex: string): void => assert.equal(Buffer.from(built).toString('hex'), hex.replaceAll(/\s/g, ''))

const a = macFrom('02:00:00:00:00:0a')
const b = macFrom('02:00:00:00:00:0b')
const a4 = ipv4From('192.0.2.1')
const b4 = ipv4From('192.0.2.2')
const a6 = ipv6From('2001:db8::1')
const b6 = ipv6From('2001:db8::2')
const pingData = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7)

test('the checksum of RFC 1071, section 3', () => {
  assert.equal(checksum(bytesOf('0001 f203 f4f5 f6f7')), 0x220d)
  assert.equal(checksum(bytesOf('01')), 0xfeff)
})

test('ICMP echo', () => {
  const path = { srcMac: a, dstMac: b, src: a4, dst: b4, protocol: ipProtocol.icmp, id: 0x5558 }
  const message = encodeIcmp({ type: icmpType.echoRequest, rest: echoRest(10996, 1) }, pingData)
  same(ipv4Frame(path, message), '02000000000b02000000000a0800 45000024555840004001617dc0000201c0000202 0800c0fa2af400010001020304050607')
})

test('ICMPv6 echo', () => {
  const path = { srcMac: a, dstMac: b, src: a6, dst: b6, nextHeader: ipProtocol.icmpv6, flowLabel: 0xc662 }
  const message = encodeIcmpv6(a6, b6, { type: icmpv6Type.echoRequest, rest: echoRest(10998, 1) }, pingData)
  same(
    ipv6Frame(path, message),
    `02000000000b02000000000a86dd 6000c66200103a4020010db800000000000000000000000120010db8000000000000000000000002
     8000ed382af600010001020304050607`,
  )
})

const solicitation = `3333ff00000202000000000a86dd 6000000000203aff20010db8000000000000000000000001ff0200000000000000000001ff000002
  87001c1e0000000020010db8000000000000000000000002 010102000000000a`

test('neighbour solicitation', () => {
  same(neighbourSolicitation({ srcMac: a, src: a6, target: b6 }), solicitation)
  const message = must(decodeNd(bytesOf(solicitation).subarray(54)))
  assert.ok(message.kind === 'ns')
  assert.deepEqual(message.target, b6)
  assert.equal(formatMac(linkLayerOption(message.options, 1)!), '02:00:00:00:00:0a')
})

test('neighbour solicitation for duplicate address detection has no option but a nonce', () => {
  const nonce = { type: 14, data: bytesOf('d61b7f050cad') }
  same(
    neighbourSolicitation({ srcMac: b, src: ipv6From('::'), target: ipv6From('fe80::ff:fe00:b'), options: [nonce] }),
    `3333ff00000b02000000000b86dd 6000000000203aff00000000000000000000000000000000ff0200000000000000000001ff00000b
     87000d3a00000000fe80000000000000000000fffe00000b 0e01d61b7f050cad`,
  )
  assert.equal(neighbourSolicitation({ srcMac: b, src: ipv6From('::'), target: b6 }).length, 14 + 40 + 24)
})

test('neighbour advertisement', () => {
  same(
    neighbourAdvertisement({ srcMac: b, src: b6, dstMac: a, dst: a6 }),
    `02000000000a02000000000b86dd 6000000000203aff20010db800000000000000000000000220010db8000000000000000000000001
     88008a686000000020010db8000000000000000000000002 020102000000000b`,
  )
})

test('router solicitation', () => {
  same(
    routerSolicitation({ srcMac: a, src: ipv6From('fe80::ff:fe00:a') }),
    `33330000000202000000000a86dd 6000000000103afffe80000000000000000000fffe00000aff020000000000000000000000000002
     85007b1a00000000 010102000000000a`,
  )
})

test('TCP reset', () => {
  const hex = '02000000000a02000000000b0800 45000028000040004006b6ccc0000202c0000201 0050d88400000000fc914ef05014000007760000'
  const flags = tcpFlag.rst | tcpFlag.ack
  same(tcpFrame({ srcMac: b, dstMac: a, src: b4, dst: a4, srcPort: 80, dstPort: 55428, ack: 4237381360, flags, window: 0 }), hex)
  const segment = bytesOf(hex).subarray(34)
  assert.equal(transportChecksum(b4, a4, ipProtocol.tcp, segment), 0)
  assert.equal(must(decodeTcp(segment)).flags, flags)
})

test('ARP in VXLAN', () => {
  const vx1 = macFrom('02:00:00:00:01:01')
  const vx2 = macFrom('02:00:00:00:01:02')
  const spa = ipv4From('10.0.0.1')
  const tpa = ipv4From('10.0.0.2')
  const arpHex = 'ffffffffffff0200000001010806 0001080006040001 0200000001010a000001 0000000000000a000002'
  same(arpRequest({ sha: vx1, spa, tpa }), arpHex)
  same(
    arpReply({ sha: vx2, spa: tpa, tha: vx1, tpa: spa }),
    '0200000001010200000001020806 0001080006040002 0200000001020a000002 0200000001010a000001',
  )
  assert.equal(must(decodeArp(bytesOf(arpHex).subarray(14))).op, 1)

  const built = vxlanFrame({ srcMac: a, dstMac: b, src: a4, dst: b4, vni: vniFrom(5001), srcPort: 0xe6c5 }, bytesOf(arpHex))
  const captured = bytesOf(
    `02000000000b02000000000a0800 4500004ed9c5000040111cd6c0000201c0000202 e6c512b5003a844f 0800000000138900 ${arpHex}`,
  )
  // The capture's UDP checksum is left to the device, its IP header has an id and may be fragmented: compare from the
  // ports on.
  assert.deepEqual(built.subarray(34, 40), captured.subarray(34, 40))
  assert.deepEqual(built.subarray(42), captured.subarray(42))
  const udp = decodeUdp(must(decodeIpv4(captured.subarray(14))) && captured.subarray(34))
  assert.ok(udp.ok)
  const vxlan = decodeVxlan(udp.payload)
  assert.ok(vxlan.ok && vxlan.value.vni === 5001)
  same(vxlan.payload, arpHex)
})

/** The first frame of Wireshark's sample capture dhcp.pcap. */
const discover = `ffffffffffff000b8201fc420800 4500012ca8360000fa11178b00000000ffffffff 004400430118591f
  0101060000003d1d000000000000000000000000000000000000 0000 000b8201fc42 ${'00'.repeat(10 + 192)}
  63825363 350101 3d0701000b8201fc42 320400000000 370401 03062a ff ${'00'.repeat(7)}`

test('DHCP discover', () => {
  const frame = bytesOf(discover)
  const ip = decodeIpv4(must(decodeEthernet(frame)) && frame.subarray(14))
  assert.ok(ip.ok && ip.value.checksumOk)
  const udp = decodeUdp(ip.payload)
  assert.ok(udp.ok)
  assert.equal(udpChecksum(ip.value.src, ip.value.dst, ip.payload), 0xffff, 'a sum over a right checksum')
  const dhcp = must(decodeDhcp(udp.payload))
  assert.equal(dhcpMessageType(dhcp), dhcpType.discover)
  assert.equal(dhcp.xid, 0x3d1d)
  assert.equal(formatMac(dhcp.chaddr), '00:0b:82:01:fc:42')
  assert.deepEqual([...dhcp.options.get(dhcpOption.parameters)!], [1, 3, 6, 42])
})
