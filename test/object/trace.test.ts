/**
 * Traces against what then happens to the real packet: random packets of units and of other hosts, with rules that
 * change, and flows that earlier packets have begun. A trace says the same verdict, reason, rule and destination, and
 * leaves every table, counter and ring byte for byte as it was.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import { handleType, openFlag, operations } from '#abi/command.ts'
import { generateId, idBytes, type Id } from '#abi/id.ts'
import type { TypeName } from '#abi/object-type.ts'
import { maxTracedBytes, type TraceReport } from '#abi/trace.ts'
import { gatewayMac } from '#datapath/layout.ts'
import { Access } from '#object/host.ts'

import { patch, tcpFrame, udpFrame } from '#wire/frames.ts'
import { PacketCapture } from '#kernel/packet-capture.ts'
import { sendFrame } from '#kernel/packet-socket.ts'
import { broadcastMac } from '#wire/mac.ts'
import { summarize } from '#wire/summary.ts'
import { ipFrom } from '#wire/ip-address.ts'

import { json, jsonText } from './inputs.ts'
import { Comparison, met, nameOf, step } from './trace-comparison.ts'
import { addressIn, TraceWorld, type Station, type Unit } from './trace-world.ts'

const expected = [
  'delivered',
  'tunnel',
  'answered',
  'sg_denied',
  'sg_revoked',
  'flow_invalid',
  'source_ip',
  'route_blackhole',
  'no_route',
  'no_host',
  'ttl_exceeded',
  'bad_vtep',
  'too_big',
  'outside',
  'no_public_address',
  'new',
  'replied',
  'established',
]

suite('a trace', () => {
  let world: TraceWorld
  before(() => void (world = new TraceWorld()))
  after(() => world[Symbol.asyncDispose]())

  const forwarded = (unit: Unit, to: Unit | Station): Uint8Array => {
    const ends = { src: addressIn(unit.subnet, unit.number, 4), dst: addressIn(to.subnet, to.number, 4) }
    return tcpFrame({ srcMac: unit.mac, dstMac: unit.subnet === to.subnet ? to.mac : gatewayMac, ...ends, srcPort: 5, dstPort: 6 })
  }
  const frameOf = (frame: Uint8Array): Uint8Array => jsonText({ frame: Buffer.from(frame).toString('hex') })

  test('loads the programs beside everything else that vpcd does', async () => {
    const [a, b] = world.units as [Unit, Unit]
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    const answer = await a.port.handle.request(operations.vpcpTrace.command, frameOf(forwarded(a, b)))
    clearInterval(timer)
    assert.equal((json(answer) as TraceReport).outcome.verdict, 'delivered')
    assert.ok(turns > 1, `the event loop had ${turns} turns`)
  })

  test('asks for the MAC first, as the guest would', () => {
    const [a, , c] = world.units as [Unit, Unit, Unit]
    const plain = { from: null, protocol: 'tcp', port: 80, sourcePort: 1, flags: 2, ttl: 64, size: null, vlan: null, mac: null }
    const ask = (packet: object): TraceReport => json(a.port.do('vpcpTrace', jsonText({ packet: { ...plain, ...packet } }))) as TraceReport
    const routed = ask({ to: '10.1.0.10', size: 500 })
    assert.match(routed.steps[0]!.text, /^gateway 10\.0\.0\.1 is at 02:76:70:63:00:01/)
    assert.equal(routed.outcome.verdict === 'delivered' && routed.outcome.unit, c.name)
    assert.match(routed.packet, / 10\.0\.0\.10:1 > 10\.1\.0\.10:80 TCP S len 514/)
    assert.equal(ask({ to: 'fd00::20' }).outcome.verdict, 'tunnel')
    const nobody = ask({ to: '10.0.0.98' })
    assert.equal(nameOf(nobody.outcome), 'no_neighbour')
    assert.match(nobody.steps.at(-1)!.text, /does not answer for 10\.0\.0\.98/)
    assert.equal(nameOf(ask({ to: '10.0.0.98', mac: '02:00:00:00:00:77' }).outcome), 'unknown_unicast')
    for (const [packet, why] of [
      [{ to: 'x' }, /'x'/],
      [{ to: '10.0.0.9', from: 'fd00::1' }, /two families/],
      [{ to: '10.0.0.9', protocol: 'ip' }, /protocol/],
      [{ to: '10.0.0.9', size: 9000 }, /size/],
      [{}, /texts/],
    ] as const)
      assert.throws(() => ask(packet), why)
  })

  test('sends no copy of a broadcast, and counts as many as there would be', async () => {
    const [a, b] = world.units as [Unit, Unit]
    const { stats } = world.host.datapath.tables
    const sent = (): number => [...stats.readAll().values()].reduce((sum, { txPackets }) => sum + Number(txPackets), 0)
    using seen = new PacketCapture(b.ifindex, 0xffffffff)
    const toAll = { srcMac: a.mac, dstMac: broadcastMac, src: addressIn(0, 10, 4), dst: ipFrom('255.255.255.255') }
    const frame = udpFrame({ ...toAll, srcPort: 1, dstPort: 9 })
    const [before, contents] = [sent(), world.contents()]
    const { outcome, steps } = world.trace(a, frame)
    assert.deepEqual([world.contents(), seen.receive()], [contents, undefined])
    sendFrame(a.ifindex, frame)
    assert.ok(await world.until(() => seen.receive() !== undefined))
    assert.deepEqual(outcome, { verdict: 'copied', copies: sent() - before })
    assert.equal(steps.filter(({ stage }) => stage === 'copy').length, sent() - before)
  })

  test('names others only to those who may read the whole host', () => {
    const [a, b, c] = world.units as [Unit, Unit, Unit]
    world.join(b, 0)
    world.rules(0, [])
    const rights = new Set(['read'] as const)
    world.host.host.access = new Access({
      rules: [{ to: { uid: 1000 }, types: new Set(['vpcp'] as const), ids: new Set([a.port.id]), rights }],
    })
    const tenant = { pid: process.pid, uid: 1000, gid: 1000 }
    const open = (type: TypeName, id: Id, flags: number) => world.host.host.open(tenant, idBytes(id), handleType(type), BigInt(flags))
    using own = open('vpcp', a.port.id, openFlag.open | openFlag.read)
    const traced = (to: Unit | Station): string => Buffer.from(own.ctl(operations.vpcpTrace.command, frameOf(forwarded(a, to)))).toString()
    for (const [to, verdict] of [
      [b, '"reason":"sg_denied"'],
      [c, '"verdict":"delivered"'],
      [world.remote[0]!, '"verdict":"tunnel"'],
      [world.remote[1]!, '"verdict":"tunnel"'],
    ] as const) {
      const said = traced(to)
      assert.ok(said.includes(verdict), said)
      const { packet: _, ...rest } = JSON.parse(said) as TraceReport
      for (const secret of [/group\d|web|--group-id/, /vpcp[1-9]|hostif[1-9]/, /vpcrtr|vpcmux|192\.0\.2/, /([\da-f]{2}:){5}/])
        assert.doesNotMatch(JSON.stringify(rest), secret)
    }
    assert.throws(() => open('vpcp', b.port.id, openFlag.open | openFlag.read), /may not read/)
    using mgmt = open('mgmt', generateId('mgmt'), openFlag.create | openFlag.read)
    assert.throws(
      () => mgmt.ctl(operations.mgmtTraceArrival.command, jsonText({ arrived: '00' })),
      /about all of this host, and user 1000 lacks right read of type mgmt/,
    )
    world.host.host.access = new Access()
    assert.match(JSON.stringify(world.trace(a, forwarded(a, b))), /group0 \(web\)/)
    world.join(b)
  })

  test('says what then happens to the real packet, and has no effect', async () => {
    const comparison = new Comparison(world)
    world.join(world.units[1]!, 0)
    world.join(world.units[2]!, 0, 1)
    world.rules(0, [{ id: '1', direction: 'in', protocol: 'tcp', ports: ['22', '80'] }])
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 25, maxLength: 35 }), async (steps) => {
        for (const each of steps) await comparison.perform(each)
      }),
      { seed: 20_261_128, numRuns: 6, endOnFailure: true },
    )
    for (const name of expected) assert.ok((met.get(name) ?? 0) > 0, `too few packets were ${name}: ${JSON.stringify([...met])}`)
  })

  test('takes no public port of a NAT, and names the one that the packet then gets', async () => {
    world.shareAddress('203.0.113.25')
    const unit = world.units[1]!
    world.join(unit)
    const path = { srcMac: unit.mac, dstMac: gatewayMac, src: addressIn(0, 11, 4), dst: ipFrom('198.51.100.7') }
    const frame = tcpFrame({ ...path, srcPort: 4000, dstPort: 80 })
    const before = world.contents()
    const { outcome, steps } = world.trace(unit, frame)
    assert.deepEqual(world.contents(), before)
    assert.ok(outcome.verdict === 'outside')
    const end = / (203\.0\.113\.25:(\d+)) > /.exec(outcome.packet)!
    assert.match(steps.map(({ text }) => text).join('\n'), new RegExp(`the sender becomes 203\\.0\\.113\\.25, port ${end[2]}$`, 'm'))
    while (world.outside.receive() !== undefined);
    sendFrame(unit.ifindex, frame)
    let left: Uint8Array | undefined
    assert.ok(await world.until(() => (left = world.outside.receive()) !== undefined))
    assert.match(summarize(left!), new RegExp(` ${end[1]!.replaceAll('.', '\\.')} > 198`))
    // The next one of the connection has the same.
    const next = world.trace(unit, tcpFrame({ ...path, srcPort: 4000, dstPort: 80, flags: 0x10 })).outcome
    assert.ok(next.verdict === 'outside' && next.packet.includes(` ${end[1]} > `))
  })

  test('finds a packet that is not what it was asked about', () => {
    const [unit] = world.units
    world.join(unit!)
    const frame = tcpFrame({
      srcMac: unit!.mac,
      dstMac: gatewayMac,
      src: addressIn(0, 10, 4),
      dst: ipFrom('10.9.0.1'),
      srcPort: 1,
      dstPort: 2,
    })
    assert.equal(nameOf(world.trace(unit!, frame).outcome), 'route_blackhole')
    assert.equal(nameOf(world.trace(unit!, patch(frame, 14, 0x44)).outcome), 'malformed')
    // The largest one that is taken, and the smallest.
    const other = world.units[1]!
    const path = { srcMac: unit!.mac, dstMac: other.mac, src: addressIn(0, 10, 4), dst: addressIn(0, 11, 4) }
    const large = udpFrame({ ...path, srcPort: 1, dstPort: 2 }, new Uint8Array(maxTracedBytes - 42))
    assert.equal(nameOf(world.trace(unit!, large).outcome), 'too_big')
    assert.equal(nameOf(world.trace(unit!, frame.slice(0, 34)).outcome), 'malformed')
    assert.throws(() => world.trace(unit!, frame.slice(0, 33)), /has 33 bytes; one of its type has 34/)
  })
})
