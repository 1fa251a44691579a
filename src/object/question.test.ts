import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arpRequest, udpFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { ipv4From } from '#wire/ipv4-address.ts'
import { ipv6From } from '#wire/ipv6-address.ts'
import { broadcastMac, macFrom } from '#wire/mac.ts'
import { neighbourSolicitation } from '#wire/nd-frames.ts'
import { readQuestion } from './question.ts'

const mac = macFrom('02:00:00:00:00:01')

test('who asks for what', () => {
  const arp = arpRequest({ sha: mac, spa: ipv4From('10.0.0.1'), tpa: ipv4From('10.0.0.2') })
  assert.deepEqual(readQuestion(arp), { mac: '02:00:00:00:00:01', address: '10.0.0.1', target: '10.0.0.2' })
  const probe = arpRequest({ sha: mac, spa: ipv4From('0.0.0.0'), tpa: ipv4From('10.0.0.2'), vlan: 7 })
  assert.deepEqual(readQuestion(probe), { mac: '02:00:00:00:00:01', address: null, target: '10.0.0.2' })
  const nd = neighbourSolicitation({ srcMac: mac, src: ipv6From('fe80::1'), target: ipv6From('fe80::2') })
  assert.deepEqual(readQuestion(nd), { mac: '02:00:00:00:00:01', address: 'fe80::1', target: 'fe80::2' })
  const link = { srcMac: mac, dstMac: broadcastMac }
  const dhcp = udpFrame({ ...link, src: ipFrom('0.0.0.0'), dst: ipFrom('255.255.255.255'), srcPort: 68, dstPort: 67 }, new Uint8Array(300))
  assert.deepEqual(readQuestion(dhcp.subarray(0, 128)), { mac: '02:00:00:00:00:01', address: null, target: null })
})

test('garbage is neither a question nor an error', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 128 }), (data) => void readQuestion(data)))
})
