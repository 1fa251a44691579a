import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arpReply, arpRequest, echoFrame, ethernetFrame, tcpFrame, tooBigFrame, udpFrame, vxlanFrame } from './frames.ts'
import { ipv4From } from './ipv4-address.ts'
import { ipv6From } from './ipv6-address.ts'
import { macFrom } from './mac.ts'
import { neighbourSolicitation } from './nd-frames.ts'
import { vniFrom } from './vni.ts'

const a = macFrom('02:00:00:00:00:0a')
const b = macFrom('02:00:00:00:00:0b')
const four = { srcMac: a, dstMac: b, src: ipv4From('10.0.0.1'), dst: ipv4From('10.0.0.2') }
const six = { srcMac: a, dstMac: b, src: ipv6From('fd00::1'), dst: ipv6From('fd00::2') }
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('an ARP request is 42 bytes to everybody', () => {
  const frame = arpRequest({ sha: a, spa: four.src, tpa: four.dst })
  assert.equal(hex(frame), 'ffffffffffff02000000000a0806' + '0001080006040001' + '02000000000a0a000001' + '0000000000000a000002')
  assert.equal(arpReply({ sha: b, spa: four.dst, tha: a, tpa: four.src }).length, 42)
})

test('a frame is tagged behind its addresses', () => {
  assert.equal(hex(ethernetFrame({ srcMac: a, dstMac: b, vlan: 7, type: 0x0800 })), '02000000000b02000000000a810000070800')
})

test('each builder has the length that its formats add up to', () => {
  assert.equal(udpFrame({ ...four, srcPort: 1, dstPort: 2 }, new Uint8Array(5)).length, 14 + 20 + 8 + 5)
  assert.equal(tcpFrame({ ...six, srcPort: 1, dstPort: 2 }).length, 14 + 40 + 20)
  assert.equal(
    tcpFrame({ ...four, srcPort: 1, dstPort: 2, options: new Uint8Array(4) }).length,
    14 + 20 + 24,
    'the options are TCP’s alone',
  )
  assert.equal(echoFrame(six).length, 14 + 40 + 8)
  assert.equal(vxlanFrame({ ...four, vni: vniFrom(1) }, echoFrame(six)).length, 14 + 20 + 8 + 8 + 62)
  assert.equal(neighbourSolicitation({ srcMac: a, src: six.src, target: six.dst }).length, 14 + 40 + 24 + 8)
  assert.equal(tooBigFrame({ ...six, mtuBytes: 1280 }, new Uint8Array(9000)).length, 14 + 1280)
})

test('addresses of two families do not make a packet', () => {
  assert.throws(() => udpFrame({ ...four, dst: six.dst, srcPort: 1, dstPort: 2 }), RangeError)
})
