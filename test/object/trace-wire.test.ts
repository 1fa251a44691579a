/** Traces from the wire of a NAT, against what then happens to the real packet; nothing changes by a trace. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TraceReport } from '#abi/trace.ts'
import { gatewayMac } from '#datapath/layout.ts'
import { sendFrame } from '#kernel/packet-socket.ts'
import { arpRequest, udpFrame } from '#wire/frames.ts'
import { ipFrom, type Ip } from '#wire/ip-address.ts'
import { asMac, macFrom, type Mac } from '#wire/mac.ts'
import { json, jsonText } from './inputs.ts'
import { addressIn, TraceWorld, type Unit } from './trace-world.ts'

let world: TraceWorld
before(() => void (world = new TraceWorld()))
after(() => world?.[Symbol.asyncDispose]())

const routerMac = macFrom('02:aa:bb:cc:00:01')
const far = ipFrom('198.51.100.7')

function traceOn(wire: string, frame: Uint8Array): TraceReport {
  const mgmt = world.host.mgmt()
  using _ = mgmt.handle
  return json(mgmt.do('mgmtTraceArrival', jsonText({ arrived: Buffer.from(frame).toString('hex'), wire }))) as TraceReport
}

const link = (name: string): { readonly ifindex: number; readonly mac: Mac } => {
  const { ifindex, mac } = world.host.netlink.linkByName(name)!
  return { ifindex, mac: asMac(mac) }
}
const frameTo = (dst: Ip, src: Ip = far, srcPort = 9): Uint8Array =>
  udpFrame({ srcMac: routerMac, dstMac: link('out0').mac, src, dst, srcPort, dstPort: 7 })

test('a packet for a floating address: its station, the groups of its port, and the frame that arrives', async () => {
  const [a] = world.units as [Unit]
  const contents = world.contents()
  const frame = frameTo(ipFrom('203.0.113.20'))
  const { steps, outcome } = traceOn('out0', frame)
  assert.match(steps[0]!.text, /vpcnat0: the destination becomes 10\.0\.0\.10, by its floating address/)
  assert.deepEqual(world.contents(), contents)
  sendFrame(link('out0-wire').ifindex, frame)
  let arrived: Uint8Array | undefined
  assert.ok(await world.until(() => (arrived = a.seen.receive()) !== undefined))
  assert.ok(outcome.verdict === 'delivered')
  assert.deepEqual([outcome.unit, outcome.frame], [a.name, Buffer.from(arrived!).toString('hex')])
  world.join(a, 0)
  assert.deepEqual(traceOn('out0', frame).outcome, { verdict: 'drop', reason: 'sg_denied', answered: false })
  world.join(a)
})

test('a port of a shared address tells the station, once that has sent; all others go to nobody', async () => {
  world.shareAddress('203.0.113.30')
  const b = world.units[1]!
  const refused = { verdict: 'drop', reason: 'nat_no_mapping', answered: false }
  assert.deepEqual(traceOn('out0', frameTo(ipFrom('203.0.113.30'))).outcome, refused)
  const ends = { srcMac: b.mac, dstMac: gatewayMac, src: addressIn(b.subnet, b.number, 4), dst: far }
  sendFrame(b.ifindex, udpFrame({ ...ends, srcPort: 4000, dstPort: 9 }))
  let left: Uint8Array | undefined
  assert.ok(await world.until(() => (left = world.outside.receive()) !== undefined))
  const port = (left![34]! << 8) | left![35]!
  const back = udpFrame({ srcMac: routerMac, dstMac: link('out0').mac, src: far, dst: ipFrom('203.0.113.30'), srcPort: 9, dstPort: port })
  const { steps, outcome } = traceOn('out0', back)
  assert.match(steps[0]!.text, /the destination becomes 10\.0\.0\.11, by its port of a shared address/)
  assert.equal(outcome.verdict === 'delivered' && outcome.unit, b.name)
})

test('what is not for the NAT, what it answers, and who may not send', () => {
  assert.deepEqual(traceOn('out0', frameTo(ipFrom('203.0.113.2'))).outcome, { verdict: 'host' })
  const [spa, tpa] = [ipFrom('203.0.113.1'), ipFrom('203.0.113.20')] as const
  const question = arpRequest({ srcMac: routerMac, dstMac: macFrom('ff:ff:ff:ff:ff:ff'), sha: routerMac, spa, tpa } as never)
  assert.equal(traceOn('out0', question).outcome.verdict, 'answered')
  const spoofed = traceOn('out0', frameTo(ipFrom('203.0.113.20'), ipFrom('10.0.0.11'))).outcome
  assert.deepEqual(spoofed, { verdict: 'drop', reason: 'source_ip', answered: false })
  assert.throws(() => traceOn('wire0', frameTo(tpa)), /no NAT of this host has its addresses on wire0/)
})
