/**
 * Source NAT against a slow, simple model: random sequences of packets both ways, waits, sweeps of vpcd and floods, for
 * both families and all protocols. A port is one station's alone and the same for all peers, only peers get in, no live
 * port is taken, ports run out for the one that uses them up, those of ended connections serve again, and all come
 * back.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { natBlock, natExpire, natFirstPort, natGuestBlocks } from '#datapath/nat-cell-layout.ts'
import { runPacket, type PacketResult } from '#datapath/test-run.ts'
import { runSyscallProgram } from '#kernel/bpf-program.ts'
import { ipFrame, tcpFrame, udpFrame } from '#wire/frames.ts'
import { echoRest, encodeIcmp, encodeIcmpv6, icmpType, icmpv6Type } from '#wire/icmp.ts'
import { formatIp, fromMapped, ipFrom, isIpv6, toMapped, type Ip } from '#wire/ip-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { tcpFlag } from '#wire/tcp.ts'
import { NatScene, wireRouter } from './nat-scene.ts'
import { gateway, red, stations } from './scene.ts'
import { nextTick, share, shared, sharedNat } from './shared-nat.ts'
import { SourceNatModel, type Flag, type Inside, type Mapping, type Plane } from './source-nat-model.ts'

const planes: readonly Plane[] = ['tcp', 'udp', 'icmp']
const flags: Readonly<Record<Flag, number>> = {
  syn: tcpFlag.syn,
  'syn ack': tcpFlag.syn | tcpFlag.ack,
  ack: tcpFlag.ack,
  data: tcpFlag.psh | tcpFlag.ack,
  fin: tcpFlag.fin | tcpFlag.ack,
  rst: tcpFlag.rst,
}
const mostPorts = natBlock * natGuestBlocks
const sharedAddresses = [shared.v4, ipFrom('203.0.113.10'), shared.v6]
const guests = [0, 1, 2, 3]
const nothing = new Uint8Array()

/** Every second guest speaks IPv6. */
const guestOf = (guest: number): Ip => ipFrom(guest % 2 === 0 ? `10.0.0.${100 + guest}` : `fd00::${100 + guest}`)
const peerOf = (guest: number, peer: number): { address: Ip; port: number } => ({
  address: ipFrom(guest % 2 === 0 ? `198.51.100.${10 + peer}` : `2001:db8:ffff::${10 + peer}`),
  port: 53 + peer,
})

/** How the connections of a flood end. */
type End = 'not' | 'rst' | 'fins' | 'refused'

type Action =
  | { readonly kind: 'send'; readonly inside: Inside; readonly peer: number; readonly flag: Flag }
  | { readonly kind: 'answer'; readonly pick: number; readonly peer: number; readonly flag: Flag }
  | { readonly kind: 'probe'; readonly guest: number; readonly plane: Plane; readonly port: number }
  | {
      readonly kind: 'flood'
      readonly guest: number
      readonly plane: Plane
      readonly first: number
      readonly count: number
      readonly end: End
    }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'sweep' }

const guest = fc.constantFrom(...guests)
const plane = fc.constantFrom(...planes)
const peer = fc.nat(3)
const flag = fc.constantFrom<Flag>('syn', 'syn', 'syn ack', 'syn ack', 'ack', 'ack', 'data', 'fin', 'fin', 'rst')
const inside = fc.record({ guest, port: fc.integer({ min: 4000, max: 4004 }), plane })
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('send' as const), inside, peer, flag }) },
  { weight: 16, arbitrary: fc.record({ kind: fc.constant('answer' as const), pick: fc.nat(99), peer, flag }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('probe' as const), guest, plane, port: fc.nat(0xffff) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('flood' as const),
      guest,
      plane,
      first: fc.constantFrom(10_000, 10_100, 20_000),
      count: fc.constantFrom(60, 200, 300),
      end: fc.constantFrom<End>('not', 'rst', 'fins', 'refused'),
    }),
  },
  // Well apart from every limit, for seconds pass meanwhile.
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.constantFrom(5, 14, 24, 60, 210, 300, 8000) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'sweep' as const }) },
)

interface Link {
  readonly srcMac: typeof gateway.mac
  readonly dstMac: typeof gateway.mac
  readonly ttl: number
}
interface Place {
  readonly address: Ip
  readonly port: number
}

/** A packet of a plane between two ends; of a ping, the station's end has the identifier. */
function frame(link: Link, plane: Plane, from: Place, to: Place, flag: Flag, answer: boolean): Uint8Array {
  const ends = { ...link, src: from.address, dst: to.address }
  if (plane === 'udp') return udpFrame({ ...ends, srcPort: from.port, dstPort: to.port })
  if (plane === 'tcp') return tcpFrame({ ...ends, srcPort: from.port, dstPort: to.port, flags: flags[flag] })
  const rest = echoRest((answer ? to : from).port, 1)
  if (isIpv6(from.address) && isIpv6(to.address)) {
    const type = answer ? icmpv6Type.echoReply : icmpv6Type.echoRequest
    return ipFrame({ ...ends, protocol: ipProtocol.icmpv6 }, encodeIcmpv6(from.address, to.address, { type, rest }, nothing))
  }
  return ipFrame(
    { ...ends, protocol: ipProtocol.icmp },
    encodeIcmp({ type: answer ? icmpType.echoReply : icmpType.echoRequest, rest }, nothing),
  )
}

let scene: NatScene
before(() => void (scene = new NatScene()))
after(() => scene[Symbol.dispose]())

/** Of packets of strangers: how many may pass by chance, and how many have. */
const doubt = { expected: 0, passed: 0, strangers: 0 }

class World {
  readonly model = new SourceNatModel()
  readonly #unit = scene.bench.program('unit', 'vpc_unit').fd
  readonly #wire = scene.bench.program('wire', 'vpc_wire').fd
  exhausted = 0

  constructor() {
    scene.reset()
    scene.lay()
    share(scene, sharedAddresses)
    for (const each of guests) scene.tables.hosts.set({ vpc: 1, addr: toMapped(guestOf(each)) }, { segment: red, mac: stations.free.mac })
  }

  do(action: Action): void {
    const { model } = this
    if (action.kind === 'send') this.#send(action.inside, action.peer, action.flag)
    else if (action.kind === 'answer') {
      const mapping = model.mappings[action.pick % Math.max(1, model.mappings.length)]
      if (mapping !== undefined) this.#answer(mapping, action.peer, action.flag)
    } else if (action.kind === 'probe') this.#probe(action)
    else if (action.kind === 'flood')
      for (let i = 0; i < action.count; i++) this.#connect({ guest: action.guest, plane: action.plane, port: action.first + i }, action.end)
    else if (action.kind === 'wait') {
      scene.tables.natCells.setIdle(sharedNat, action.seconds)
      model.wait(action.seconds)
    } else this.sweep()
  }

  /** What vpcd does every ten seconds; then model and tables have the same ports. */
  sweep(): void {
    runSyscallProgram(scene.bench.program('nat', 'vpc_nat_expire').fd, natExpire.encode({ nat: sharedNat, cells: 0, blocks: 0 }))
    this.model.sweep()
    const text = (each: Inside & { publicPort: number }, address: string): string =>
      `${formatIp(guestOf(each.guest))} ${each.plane} ${each.port} ${address} ${each.publicPort}`
    const found = scene.tables.natCells
      .used(sharedNat)
      .map(
        (cell) =>
          `${formatIp(fromMapped(cell.inside))} ${cell.plane} ${cell.port} ${formatIp(sharedAddresses[cell.address]!)} ${cell.publicPort}`,
      )
    assert.deepEqual(found.sort(), this.model.mappings.map((each) => text(each, each.address)).sort())
    const blocks = scene.tables.natCells.guests(sharedNat).flatMap(({ address, blocks: own }) => own.map((block) => `${address} ${block}`))
    assert.equal(new Set(blocks).size, blocks.length, 'a block is of two guests')
  }

  /** A connection that begins, and that ends. */
  #connect(inside: Inside, end: End): void {
    this.#send(inside, 0, 'syn')
    const mapping = this.model.of(inside)
    if (mapping === undefined || inside.plane !== 'tcp' || end === 'not') return
    if (end === 'refused') return this.#answer(mapping, 0, 'rst')
    this.#answer(mapping, 0, 'syn ack')
    if (end === 'rst') return this.#send(inside, 0, 'rst')
    this.#send(inside, 0, 'fin')
    this.#answer(mapping, 0, 'fin')
    this.#send(inside, 0, 'ack')
  }

  #send(inside: Inside, to: number, flag: Flag, again = false): void {
    const { model } = this
    const from = { address: guestOf(inside.guest), port: inside.port }
    const peer = peerOf(inside.guest, to)
    const link = { srcMac: stations.free.mac, dstMac: gateway.mac, ttl: 64 }
    const result = this.#run(this.#unit, scene.devices.free, frame(link, inside.plane, from, peer, flag, false))
    const mapping = model.of(inside)
    if (mapping === undefined && inside.plane === 'tcp' && flag === 'rst') return assert.equal(result.reason, 'nat_no_mapping')
    if (result.reason === 'nat_exhausted' && !again && this.#hasSpare(inside, flag)) {
      nextTick()
      return this.#send(inside, to, flag, true)
    }
    if (result.reason === 'nat_exhausted') return this.#mayBeExhausted(inside, mapping, flag)
    assert.equal(result.reason ?? result.verdict, 'forward')
    const end = endOf(result, inside.plane)
    assert.ok(end.port >= natFirstPort)
    assert.deepEqual(result.data, frame({ ...link, ttl: 63 }, inside.plane, end, peer, flag, false))
    const address = formatIp(end.address)
    if (mapping === undefined) return assert.equal(model.begin(inside, to, address, end.port, flag, mostPorts), undefined)
    // Endpoint-independent: whoever the peer is, and as long as nobody has taken it back.
    assert.deepEqual([address, end.port], [mapping.address, mapping.publicPort])
    return model.pass(mapping, 'out', to, flag, () => this.#hasMany(mapping))
  }

  #hasSpare(inside: Inside, flag: Flag): boolean {
    return this.model.owned(inside).some((each) => this.model.isSpare(each, flag))
  }

  /** All ports of all blocks that a guest may have are in use. */
  #mayBeExhausted(inside: Inside, mapping: Mapping | undefined, flag: Flag): void {
    this.exhausted++
    assert.equal(mapping, undefined, 'a mapping that is there is not lost')
    assert.equal(this.model.owned(inside).filter((each) => !this.model.isSpare(each, flag)).length, mostPorts)
  }

  #answer(mapping: Mapping, from: number, flag: Flag): void {
    const { model } = this
    const peer = peerOf(mapping.guest, from)
    const end = { address: ipFrom(mapping.address), port: mapping.publicPort }
    const result = this.#enter(mapping.plane, peer, end, flag)
    if (!model.isLive(mapping)) return assert.equal(result.reason, 'nat_no_mapping')
    if (!mapping.peers.has(from) && !this.#passesByChance(mapping, result)) return undefined
    const inside = { address: guestOf(mapping.guest), port: mapping.port }
    const inward = { srcMac: gateway.mac, dstMac: stations.free.mac, ttl: 50 }
    assert.equal(result.reason ?? result.verdict, 'forward')
    assert.deepEqual(result.data, frame(inward, mapping.plane, peer, inside, flag, true))
    return model.pass(mapping, 'in', from, flag, () => this.#hasMany(mapping))
  }

  /** Each peer is two bits of 64. */
  #passesByChance(mapping: Mapping, result: PacketResult): boolean {
    doubt.strangers++
    doubt.expected += Math.min(1, (2 * mapping.peers.size) / 64) ** 2
    if (result.reason === 'nat_no_mapping') return false
    doubt.passed++
    return true
  }

  #probe({ guest: of, plane: by, port }: Action & { kind: 'probe' }): void {
    const address = of % 2 === 0 ? shared.v4 : shared.v6
    if (this.model.at(by, formatIp(address), port) !== undefined) return
    assert.equal(this.#enter(by, peerOf(of, 0), { address, port }, 'syn').reason, 'nat_no_mapping')
  }

  #enter(by: Plane, peer: Place, end: Place, flag: Flag): PacketResult {
    const link = { srcMac: wireRouter, dstMac: scene.wireMac, ttl: 50 }
    return this.#run(this.#wire, scene.devices.wire, frame(link, by, peer, end, flag, true))
  }

  /** Two peers may have the same bits: then the programs know of one. */
  #hasMany({ plane: by, publicPort, address, peers }: Mapping): boolean {
    if (peers.size < 2) return false
    const cell = scene.tables.natCells
      .used(sharedNat)
      .find((each) => each.plane === by && each.publicPort === publicPort && formatIp(sharedAddresses[each.address]!) === address)
    return cell!.peers.toString(2).replaceAll('0', '').length > 2
  }

  #run(fd: number, ifindex: number, bytes: Uint8Array): PacketResult {
    return scene.netns.run(() => runPacket(fd, bytes, { ifindex }))
  }
}

/** The public end of a packet that has left. */
function endOf({ data }: PacketResult, by: Plane): Place {
  const v4 = data[12] === 8
  const address = (v4 ? data.slice(26, 30) : data.slice(22, 38)) as Ip
  const at = (v4 ? 34 : 54) + (by === 'icmp' ? 4 : 0)
  return { address, port: (data[at]! << 8) | data[at + 1]! }
}

test('random packets, waits and floods: as the model says', () => {
  const sequence = fc.array(action, { minLength: 30, maxLength: 60, size: 'max' })
  fc.assert(
    fc.property(sequence, (actions) => {
      const world = new World()
      for (const each of actions) world.do(each)
      world.sweep()
    }),
    { numRuns: Number(process.env['VPC_NAT_RUNS'] ?? 4), endOnFailure: true },
  )
  assert.ok(doubt.strangers > 8, `${doubt.strangers} packets of strangers`)
  assert.ok(doubt.passed <= 3 * doubt.expected + 4, `${doubt.passed} of ${doubt.strangers} strangers passed, not ${doubt.expected}`)
})

test('a guest that is out of ports gets some when their time is over, and others are not concerned', () => {
  const world = new World()
  for (const first of [10_000, 10_300]) world.do({ kind: 'flood', guest: 0, plane: 'udp', first, count: 300, end: 'not' })
  assert.ok(world.exhausted > 0)
  const before = world.exhausted
  world.do({ kind: 'send', inside: { guest: 2, port: 4000, plane: 'udp' }, peer: 1, flag: 'syn' })
  world.do({ kind: 'send', inside: { guest: 0, port: 4000, plane: 'tcp' }, peer: 1, flag: 'syn' })
  world.do({ kind: 'wait', seconds: 60 })
  world.do({ kind: 'flood', guest: 0, plane: 'udp', first: 20_000, count: 300, end: 'not' })
  world.sweep()
  assert.equal(world.exhausted, before)
})

test('a guest that opens and ends connections gets ports without end, and its live ones stay', () => {
  for (const end of ['rst', 'fins', 'refused'] as const) {
    const world = new World()
    const live = { guest: 0, plane: 'tcp', port: 4000 } as const
    world.do({ kind: 'send', inside: live, peer: 1, flag: 'syn' })
    const port = world.model.of(live)?.publicPort
    world.do({ kind: 'flood', guest: 0, plane: 'tcp', first: 10_000, count: 700, end })
    assert.equal(world.exhausted, 0)
    assert.equal(world.model.of(live)?.publicPort, port)
    world.sweep()
  }
})
