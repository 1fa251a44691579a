/**
 * Random packets of units and of other hosts, with rules that change and flows that earlier packets have begun: each is
 * traced, then really sent, and what happened is compared.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'

import type { TraceOutcome, TraceReport } from '#abi/trace.ts'
import { gatewayMac } from '#datapath/layout.ts'

import { sendFrame } from '#kernel/packet-socket.ts'
import { decodeEthernet } from '#wire/ethernet.ts'
import { echoFrame, ipFrame, tcpFrame, udpFrame, vxlanFrame, type Path } from '#wire/frames.ts'
import { formatIp, ipFrom, type Ip } from '#wire/ip-address.ts'
import { decodeIpv4 } from '#wire/ipv4.ts'
import { macFrom, type Mac } from '#wire/mac.ts'
import { summarize } from '#wire/summary.ts'
import { decodeUdp } from '#wire/udp.ts'
import { decodeVxlan } from '#wire/vxlan.ts'
import type { Vni } from '#wire/vni.ts'

import { addressIn, subnets, type TraceWorld, type Unit } from './trace-world.ts'

const strangerMac = macFrom('02:00:00:00:00:77')
const services = [22, 80, 1000] as const

/** A packet, by its parts. `to`: 0 to 3 units, 4 and 5 stations elsewhere, then places that nobody has. */
const packet = fc.record({
  kind: fc.constantFrom('tcp', 'tcp', 'tcp', 'udp', 'icmp', 'other'),
  family: fc.constantFrom(4 as const, 4 as const, 6 as const),
  to: fc.integer({ min: 0, max: 14 }),
  srcPort: fc.constantFrom(...services),
  dstPort: fc.constantFrom(...services),
  flags: fc.constantFrom(2, 2, 2, 0x12, 0x10, 0x10, 0x11, 4, 3),
  ttl: fc.constantFrom(64, 64, 64, 1),
  bytes: fc.constantFrom(0, 900, 1300),
  isForged: fc.nat(9).map((n) => n === 0),
})
type Packet = typeof packet extends fc.Arbitrary<infer T> ? T : never

const rule = fc.record({
  direction: fc.constantFrom('in', 'in', 'in', 'out'),
  protocol: fc.constantFrom('any', 'any', 'tcp', 'tcp', 'udp'),
  port: fc.constantFrom(null, ...services),
  peer: fc.constantFrom(null, null, '10.0.0.0/24', '10.1.0.0/16', 'fd00::/16', 0, 1),
})

export const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('send' as const), from: fc.nat(3), packet }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('arrive' as const), from: fc.nat(1), isAstray: fc.nat(5).map((n) => n === 0), packet }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('talk' as const),
      from: fc.nat(3),
      to: fc.nat(3),
      dstPort: fc.constantFrom(...services),
      revokes: fc.nat(2).map((n) => n === 0),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rules' as const), group: fc.nat(1), rules: fc.array(rule, { maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('join' as const), unit: fc.nat(3), groups: fc.subarray([0, 1]) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** Flags of a connection's first packets, by turns. */
const handshake = [2, 0x12, 0x10, 0x10, 0x10]
/** Of how many traces one is looked at for effects: reading all tables takes long. */
const lookEvery = 15

/** How many packets ended in each way, or had a flow in each state: a test that meets few of them shows little. */
export const met = new Map<string, number>()

export class Comparison {
  readonly #world: TraceWorld
  #traces = 0

  constructor(world: TraceWorld) {
    this.#world = world
  }

  async perform(each: Step): Promise<void> {
    const world = this.#world
    switch (each.do) {
      case 'rules':
        return world.rules(
          each.group,
          each.rules.map((one, i) => this.#rule(one, i + 1)),
        )
      case 'join':
        return world.join(world.units[each.unit]!, ...each.groups)
      case 'send':
        return this.#send(world.units[each.from]!, each.packet)
      case 'arrive':
        return this.#arrive(each.from, each.isAstray, each.packet)
      case 'talk':
        return this.#talk(each)
    }
  }

  /** Both ends of a connection, as far as they get; `revokes`: it is allowed, and then no more. */
  async #talk({ from, to, dstPort: port, revokes }: Step & { do: 'talk' }): Promise<void> {
    const usual = { kind: 'tcp', family: 4, ttl: 64, bytes: 0, isForged: false } as const
    if (revokes) {
      this.#world.join(this.#world.units[to]!, 0)
      this.#world.rules(0, [{ id: '9', direction: 'in' }])
    }
    for (const [i, flags] of handshake.entries()) {
      if (revokes && i === 3) this.#world.rules(0, [])
      const [sender, receiver] = i % 2 === 0 ? [from, to] : [to, from]
      const [srcPort, dstPort] = i % 2 === 0 ? [1000, port] : [port, 1000]
      await this.#send(this.#world.units[sender]!, { ...usual, to: receiver, srcPort, dstPort, flags } as Packet)
    }
  }

  #rule({ direction, protocol, port, peer }: typeof rule extends fc.Arbitrary<infer T> ? T : never, id: number): object {
    const peers = peer === null ? [] : [typeof peer === 'number' ? this.#world.groups[peer]!.id : peer]
    return { id: String(id), direction, protocol, peers, ...(protocol !== 'any' && port !== null && { ports: [String(port)] }) }
  }

  async #send(unit: Unit, packet: Packet): Promise<void> {
    // Few of those that are for the sender itself: half of them go outside.
    const isOwn = this.#world.units[packet.to] === unit && packet.srcPort !== 22
    const frame = this.#frame(unit.subnet, unit.number, unit.mac, isOwn ? { ...packet, to: 12 } : packet)
    await this.#compare(
      () => this.#world.trace(unit, frame),
      () => sendFrame(unit.ifindex, frame),
      unit,
      frame,
    )
  }

  /** From a station on another host, by a VTEP that may be its own or not. */
  async #arrive(from: number, isAstray: boolean, packet: Packet): Promise<void> {
    const { subnet, number, mac } = this.#world.remote[from]!
    const vtep = isAstray ? 4 : subnet + 2
    const inner = this.#frame(subnet, number, mac, { ...packet, to: packet.to % 4, bytes: packet.bytes === 0 ? 0 : 900 })
    const link = { srcMac: macFrom('02:aa:bb:cc:00:02'), dstMac: this.#world.wireMac }
    const outer = vxlanFrame({ ...link, src: ipFrom(`192.0.2.${vtep}`), dst: ipFrom('192.0.2.1'), vni: subnets[subnet] as Vni }, inner)
    await this.#compare(
      () => this.#world.traceArrival(outer),
      () => sendFrame(this.#world.wireIfindex, outer),
      undefined,
      inner,
    )
  }

  #frame(subnet: 0 | 1, number: number, mac: Mac, { kind, family, to, srcPort, dstPort, flags, ttl, bytes, isForged }: Packet): Uint8Array {
    const { ip, subnet: target, mac: owner } = this.#target(subnet, family, to)
    const own = ip.length === 4 ? 4 : 6
    const src = isForged ? addressIn(subnet, 99, own) : addressIn(subnet, number, own)
    const path: Path = { srcMac: mac, dstMac: target === subnet ? owner : gatewayMac, src, dst: ip, ttl }
    const payload = new Uint8Array(bytes)
    if (kind === 'tcp') return tcpFrame({ ...path, srcPort, dstPort, flags }, payload)
    if (kind === 'udp') return udpFrame({ ...path, srcPort, dstPort }, payload)
    return kind === 'icmp' ? echoFrame({ ...path, id: srcPort }, payload) : ipFrame({ ...path, protocol: 47 }, payload)
  }

  #target(subnet: 0 | 1, family: 4 | 6, to: number): { readonly ip: Ip; readonly subnet: number; readonly mac: Mac } {
    const station = [...this.#world.units, ...this.#world.remote][to]
    if (station !== undefined) return { ip: addressIn(station.subnet, station.number, family), subnet: station.subnet, mac: station.mac }
    if (to === 6) return { ip: addressIn(subnet, 98, family), subnet, mac: strangerMac }
    if (to >= 12) return { ip: ipFrom(['198.51.100.7', '203.0.113.21', '203.0.113.20'][to - 12]!), subnet: -1, mac: gatewayMac }
    if (to === 11) return { ip: addressIn(subnet === 0 ? 1 : 0, 98, family), subnet: -1, mac: gatewayMac }
    if (to === 7) return { ip: addressIn(subnet, 1, family), subnet: -1, mac: gatewayMac }
    return { ip: ipFrom(family === 4 ? ['10.9.0.1', '10.8.0.1', '10.7.0.1'][to - 8]! : `2001:db8::${to}`), subnet: -1, mac: gatewayMac }
  }

  async #compare(trace: () => TraceReport, send: () => void, unit: Unit | undefined, frame: Uint8Array): Promise<void> {
    const world = this.#world
    const before = this.#traces++ % lookEvery === 0 ? world.contents() : undefined
    const report = trace()
    if (before !== undefined) assert.deepEqual(world.contents(), before, 'a trace leaves everything as it was')
    const { outcome } = report
    const told = `${summarize(frame)}\n${JSON.stringify(report, null, 1)}`
    const states = statesOf(report)
    const flowsBefore = world.flows()
    for (const state of states.slice(0, 1))
      assert.ok(
        flowsBefore.some((flow) => flow.state === state),
        `no flow is ${state}: ${told}`,
      )
    const drops = world.drops()
    for (const { seen } of world.units) while (seen.receive() !== undefined);
    for (const wire of [world.wire, world.outside]) while (wire.receive() !== undefined);
    send()
    for (const name of [nameOf(outcome), ...states]) met.set(name, (met.get(name) ?? 0) + 1)
    assert.ok(await world.until(() => this.#happened(outcome, unit, drops)), `it did not happen: ${told}\n${this.#what(drops)}`)
    this.#compareRules(report, told)
  }

  #happened(outcome: TraceOutcome, unit: Unit | undefined, drops: ReadonlyMap<string, number>): boolean {
    switch (outcome.verdict) {
      case 'drop': {
        const rose = differences(drops, this.#world.drops())
        return rose.length === 1 && rose[0] === outcome.reason && (!outcome.answered || unit?.seen.receive() !== undefined)
      }
      case 'delivered': {
        const { seen } = this.#world.units.find(({ name }) => name === outcome.unit)!
        return Buffer.from(seen.receive() ?? []).toString('hex') === outcome.frame
      }
      case 'tunnel':
        return sameOuter(this.#world.wire.receive(), Buffer.from(outcome.frame!, 'hex'), outcome)
      case 'outside': {
        const left = this.#world.outside.receive()
        return left !== undefined && withoutMacs(summarize(left)) === withoutMacs(outcome.packet)
      }
      case 'answered': {
        const answer = unit!.seen.receive()
        return answer !== undefined && summarize(answer) === outcome.answer
      }
      default:
        return assert.fail(`such packets are not sent here: ${outcome.verdict}`)
    }
  }

  #what(before: ReadonlyMap<string, number>): string {
    return `dropped: ${differences(before, this.#world.drops()).join(' ') || 'nothing'}`
  }

  /** The rule of the packet's flow is the one that the trace named, for each port that the packet passed. */
  #compareRules({ packet: text, steps, outcome }: TraceReport, told: string): void {
    if (outcome.verdict === 'drop') return
    const flows = this.#world.flows()
    const begins = !text.includes(' TCP ') || text.includes(' TCP S ')
    for (const { stage, text: step, rule: named } of steps) {
      const [, port, peer, state] = /(vpcp\d+) .*, with (\S+)(?: \(.*\))?: (its flow is)?/.exec(step) ?? []
      if (stage !== 'groups' || named === undefined || (!begins && state === undefined)) continue
      const its = flows.filter((flow) => flow.port === port && flow.outside === peer)
      assert.ok(
        its.some((flow) => flow.rule === named && flow.idleSeconds < 5),
        `no flow by ${named}: ${told}`,
      )
    }
  }
}

/** How a packet ended, in one word. */
export const nameOf = (outcome: TraceOutcome): string => (outcome.verdict === 'drop' ? outcome.reason : outcome.verdict)

/** The kernel writes those of the wire. */
const withoutMacs = (text: string): string => text.replace(/^.* IPv/, 'IPv')

/** The states that a trace says flows have. */
const statesOf = ({ steps }: TraceReport): string[] => steps.flatMap(({ text }) => /its flow is (\w+); /.exec(text)?.[1] ?? [])

const differences = (before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): string[] =>
  [...now].flatMap(([reason, count]) => (count === (before.get(reason) ?? 0) ? [] : [reason]))

/** Both have the same inner frame, VNI and VTEP: source port and identification differ from packet to packet. */
function sameOuter(real: Uint8Array | undefined, traced: Uint8Array, { vtep, vni }: TraceOutcome & { verdict: 'tunnel' }): boolean {
  const [a, b] = [real, traced].map((bytes) => bytes && innerOf(bytes))
  return (
    a !== undefined &&
    b !== undefined &&
    Buffer.compare(a.inner, b.inner) === 0 &&
    a.vni === vni &&
    b.vni === vni &&
    a.dst === vtep &&
    b.dst === vtep
  )
}

function innerOf(bytes: Uint8Array): { readonly dst: string; readonly vni: number; readonly inner: Uint8Array } | undefined {
  const frame = decodeEthernet(bytes)
  const ip = frame.ok ? decodeIpv4(frame.payload) : undefined
  const udp = ip?.ok === true ? decodeUdp(ip.payload) : undefined
  const vxlan = udp?.ok === true ? decodeVxlan(udp.payload) : undefined
  return ip?.ok === true && vxlan?.ok === true ? { dst: formatIp(ip.value.dst), vni: vxlan.value.vni, inner: vxlan.payload } : undefined
}
