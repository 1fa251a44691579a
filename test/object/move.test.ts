/**
 * What moves between entries of tables loses no packet. A packet goes each way before every single write into a map, so
 * between any two of them: each must arrive at the old place or at the new one.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { observeSteps } from '#datapath/step.ts'
import { gatewayMac } from '#datapath/layout.ts'
import type { PacketCapture } from '#kernel/packet-capture.ts'
import { sendFrame } from '#kernel/packet-socket.ts'
import { udpFrame } from '#wire/frames.ts'
import { ipFrom, type Ip } from '#wire/ip-address.ts'
import { macFrom } from '#wire/mac.ts'
import { floats, routes } from './inputs.ts'
import { addressIn, TraceWorld, type Unit } from './trace-world.ts'

const outside = ipFrom('198.51.100.7')
const moving = ipFrom('203.0.113.20')

suite('between any two writes of an operation', () => {
  let world: TraceWorld
  let a: Unit, b: Unit, c: Unit, d: Unit
  before(() => {
    world = new TraceWorld()
    ;[a, b, c, d] = world.units as [Unit, Unit, Unit, Unit]
  })
  after(() => world?.[Symbol.asyncDispose]())

  /** A frame that comes within a moment: packets pass in the same call, but for an interrupt elsewhere. */
  function next(...captures: readonly PacketCapture[]): number {
    for (const end = Date.now() + 200; Date.now() < end;) {
      const found = captures.findIndex((capture) => capture.receive() !== undefined)
      if (found >= 0) return found
    }
    return -1
  }

  const send = (unit: Unit, dst: Ip): void => {
    const ends = { srcMac: unit.mac, dstMac: gatewayMac, src: addressIn(unit.subnet, unit.number, 4), dst }
    sendFrame(unit.ifindex, udpFrame({ ...ends, srcPort: 7, dstPort: 9 }))
  }

  /** Has a probe run before each write of an operation, and after it. Returns what the probes said. */
  function during<T>(operation: () => unknown, probe: () => T): T[] {
    const said: T[] = [probe()]
    observeSteps((what) => void (what.startsWith('MAP_') && said.push(probe())))
    try {
      operation()
    } finally {
      observeSteps(undefined)
    }
    said.push(probe())
    return said
  }

  /** One change, at one point. */
  function movesOnce(said: readonly number[], from: number, to: number): void {
    assert.ok(said.length > 4, `${said.length} packets`)
    assert.match(said.join(' '), new RegExp(`^${from}( ${from})*( ${to})+$`), 'lost, or back again')
  }

  test('a floating address is of the old station or the new one, and whoever has got a packet can answer', () => {
    const units = [a, b]
    const out0 = world.host.netlink.linkByName('out0')!
    const from = { srcMac: macFrom('02:aa:bb:cc:00:01'), dstMac: out0.mac as never, src: outside, dst: moving }
    const frame = udpFrame({ ...from, srcPort: 9, dstPort: 7 })
    const outer = world.host.netlink.linkByName('out0-wire')!.ifindex
    const said = during(
      () => world.nat.do('vpcnatFloatAdd', floats('203.0.113.20 to 10.0.0.11')),
      () => {
        sendFrame(outer, frame)
        const got = next(a.seen, b.seen)
        assert.notEqual(got, -1, 'lost on the way in')
        send(units[got]!, outside)
        assert.equal(next(world.outside), 0, 'lost on the way out')
        return got
      },
    )
    movesOnce(said, 0, 1)
  })

  test('routes that come in place of others lead to the old next hop or the new one', () => {
    const all = (...list: string[]): unknown => world.router.do('vpcrtrRoutesSet', routes('198.51.100.0/24 igw', ...list))
    all('10.6.0.0/16 via 10.1.0.10')
    const said = during(
      () => all('10.6.0.0/17 via 10.1.0.11', '10.6.128.0/17 via 10.1.0.11'),
      () => {
        send(a, ipFrom('10.6.0.9'))
        return next(c.seen, d.seen)
      },
    )
    movesOnce(said, 0, 1)
  })
})
