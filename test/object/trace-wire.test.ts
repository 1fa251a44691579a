/** Traces from the wires of a NAT and an uplink, against what becomes of the real packet; a trace changes nothing. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TraceReport } from '#abi/trace.ts'
import { idBytes } from '#abi/id.ts'
import { gatewayMac } from '#datapath/layout.ts'
import { sendFrame } from '#kernel/packet-socket.ts'
import { arpRequest, udpFrame } from '#wire/frames.ts'
import { ipFrom, type Ip } from '#wire/ip-address.ts'
import { asMac, macFrom, type Mac } from '#wire/mac.ts'
import { json, jsonText, text, vni } from './inputs.ts'
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

/** Where a frame from the uplink's wire has gone: to a unit, to another host, or nowhere. */
async function sentFrom(wire: number, frame: Uint8Array): Promise<{ readonly unit?: string; readonly drops: readonly string[] }> {
  const before = world.drops()
  const counted = (): number =>
    [...world.host.datapath.tables.stats.readAll().values()].reduce((sum, { rxPackets }) => sum + Number(rxPackets), 0)
  const packets = counted()
  sendFrame(wire, frame)
  // A frame that is left to the host is counted by nobody: it has been there once the next one has.
  const known = unicast(ipFrom('10.0.0.200'), 2000)
  if (Buffer.compare(frame, known) !== 0) sendFrame(wire, known)
  assert.ok(await world.until(() => counted() > packets))
  const drops = [...world.drops()].filter(([reason, count]) => count > (before.get(reason) ?? 0)).map(([reason]) => reason)
  const arrived = world.units.flatMap(({ seen, name }) => {
    const found: string[] = []
    for (let data = seen.receive(); data !== undefined; data = seen.receive()) if (Buffer.compare(data, frame) === 0) found.push(name)
    return found
  })
  return { ...(arrived[0] !== undefined && { unit: arrived[0] }), drops }
}

const unicast = (src: Ip, dstPort: number, change: Partial<Parameters<typeof udpFrame>[0]> = {}): Uint8Array => {
  const [a] = world.units as [Unit]
  return udpFrame({ srcMac: routerMac, dstMac: a.mac, src, dst: addressIn(0, 10, 4), srcPort: 9, dstPort, ...change })
}

test('a frame on the wire of an uplink: for a unit, behind a VTEP, or refused, as the real one', async () => {
  const [a, b] = world.units as [Unit, Unit]
  const { host, sw } = world
  host.addInterface('up0')
  const [ethlink, port] = [host.create('ethlink'), host.create('vpcp')]
  ethlink.do('ethlinkConnect', text('up0'))
  port.do('vpcpVniSet', vni(5001))
  sw.do('vpcswPortAdd', idBytes(port.id))
  port.do('vpcpConnect', idBytes(ethlink.id))
  sw.do('vpcswUplinkSet', idBytes(port.id))
  world.join(a, 0)
  world.rules(0, [{ id: '1', direction: 'in', protocol: 'udp', ports: ['2000'] }])
  const outer = ipFrom('10.0.0.200')
  const far = world.remote[0]!
  const wanted: readonly (readonly [Uint8Array, RegExp, string])[] = [
    [unicast(outer, 2000), /into vpcp0.*rule/s, a.name],
    [unicast(outer, 2001), /refused/, 'sg_denied'],
    [unicast(outer, 2000, { dstMac: b.mac, dst: addressIn(0, 11, 4) }), /hostif1 in vpcp1/, b.name],
    // A reflection of a unit's own frame, and one whose sender is behind a VTEP.
    [unicast(outer, 2000, { srcMac: b.mac }), /drop/, 'source_mac'],
    [unicast(outer, 2000, { srcMac: far.mac }), /drop/, 'source_mac'],
    [unicast(outer, 2000, { dstMac: macFrom('02:00:00:00:00:99') }), /in .*VNI 5001/, 'host'],
    [unicast(outer, 2000, { vlan: 9 }), /in .*VNI 5001/, 'host'],
    [unicast(outer, 2000, { dstMac: far.mac, dst: addressIn(0, 20, 4) }), /behind 192\.0\.2\.2/, 'tunnel'],
  ]
  const contents = world.contents()
  for (const [frame, says, where] of wanted) {
    const { steps, outcome } = traceOn('up0', frame)
    const words = steps.map(({ stage, text: each }) => `${stage} ${each}`).join('\n')
    assert.match(words, says)
    const traced = outcome.verdict === 'delivered' ? outcome.unit : outcome.verdict === 'drop' ? outcome.reason : outcome.verdict
    assert.equal(traced, where, words)
  }
  assert.deepEqual(world.contents(), contents)
  for (const [frame, , where] of wanted) {
    const { unit, drops } = await sentFrom(link('up0-wire').ifindex, frame)
    assert.equal(unit ?? drops.find((reason) => reason === where), where === 'host' || where === 'tunnel' ? undefined : where)
  }
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
  assert.throws(() => traceOn('wire0', frameTo(tpa)), /wire0 is the interface of no uplink and of no NAT of this host/)
})
