/**
 * Source NAT: many stations behind one address, each packet compared with the frame that this side's own encoders make;
 * ports and blocks that are one station's alone, full tables, and what time takes back.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { natAddressBlocks, natBlock, natExpire, natFirstPort } from '#datapath/nat-cell-layout.ts'
import type { BenchResult } from '#datapath/test-bench.ts'
import { runPacket, type PacketResult } from '#datapath/test-run.ts'
import { runSyscallProgram } from '#kernel/bpf-program.ts'
import { ipFrame, ipv4Frame, tcpFrame, tooBigFrame, udpFrame } from '#wire/frames.ts'
import { echoRest, encodeIcmp, encodeIcmpv6, icmpType, icmpv6Type } from '#wire/icmp.ts'
import { ipFrom, isIpv6, toMapped, type Ip } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { tcpFlag } from '#wire/tcp.ts'
import { encodeUdp } from '#wire/udp.ts'
import { NatScene, outside, publicOf, wireRouter } from './nat-scene.ts'
import { dropped, expect, forwarded, gateway, red, stations } from './scene.ts'
import { nextTick, share, shared, sharedNat, sharedOf } from './shared-nat.ts'

const { free, far, a } = stations
let scene: NatScene
before(() => void (scene = new NatScene({ rates: { dropEventsPerSecond: 1000 } })))
beforeEach(() => {
  scene.reset()
  scene.lay()
  share(scene)
})
after(() => scene[Symbol.dispose]())

interface End {
  readonly address: Ip
  readonly port: number
}
interface Path {
  readonly srcMac: typeof free.mac
  readonly dstMac: typeof free.mac
  readonly ttl: number
}
type Make = (path: Path, from: End, to: End, flags?: number) => Uint8Array
const data = Uint8Array.from({ length: 33 }, (_, i) => i * 7)
const kinds: Readonly<Record<'TCP' | 'UDP', Make>> = {
  TCP: (path, from, to, flags = tcpFlag.syn) =>
    tcpFrame({ ...path, src: from.address, dst: to.address, srcPort: from.port, dstPort: to.port, flags }, data),
  UDP: (path, from, to) => udpFrame({ ...path, src: from.address, dst: to.address, srcPort: from.port, dstPort: to.port }, data),
}
const out: Path = { srcMac: free.mac, dstMac: gateway.mac, ttl: 64 }
const onWire = (ttl = 50): Path => ({ srcMac: wireRouter, dstMac: scene.wireMac, ttl })
const inward: Path = { srcMac: gateway.mac, dstMac: free.mac, ttl: 50 }

/** The port or identifier of an IP packet that has left. */
function portOf({ data: frame }: PacketResult, at = 0): number {
  const upper = frame[12] === 8 ? 34 : 54
  return (frame[upper + at]! << 8) | frame[upper + at + 1]!
}

const families = [
  { family: 'IPv4', of: <T extends { v4: Ip; v6: Ip }>(station: T): Ip => station.v4 },
  { family: 'IPv6', of: <T extends { v4: Ip; v6: Ip }>(station: T): Ip => station.v6 },
]

for (const { family, of } of families)
  describe(`source NAT of ${family}`, () => {
    const from = { address: of(free), port: 4000 }
    const server = { address: of(outside), port: 443 }
    const mapped = (result: BenchResult, at = 0): End => ({ address: sharedOf(of(free)), port: portOf(result, at) })

    for (const [kind, make] of Object.entries(kinds))
      test(`${kind} leaves from one public port to whomever it goes, and is answered by those alone`, () => {
        const first = scene.from('free', make(out, from, server))
        const end = mapped(first)
        expect(first, { ...forwarded('free', 'nat'), data: make({ ...out, ttl: 63 }, end, server) })
        assert.ok(end.port >= natFirstPort)
        const other = { ...server, port: 8443 }
        // One stranger in a thousand passes by chance: see bpf/lib/nat-cell.h.
        const strangers = Array.from({ length: 16 }, (_, i) => scene.onWire(make(onWire(), { ...server, port: 9000 + i }, end)))
        assert.ok(strangers.filter(({ reason }) => reason === 'nat_no_mapping').length >= 14)
        expect(scene.from('free', make(out, from, other)), { ...forwarded('free', 'nat'), data: make({ ...out, ttl: 63 }, end, other) })
        for (const peer of [server, other])
          expect(scene.onWire(make(onWire(), peer, end, tcpFlag.syn | tcpFlag.ack)), {
            ...forwarded('nat', 'free'),
            data: make(inward, peer, from, tcpFlag.syn | tcpFlag.ack),
          })
        expect(scene.onWire(make(onWire(), server, { ...end, port: end.port ^ 1 })), dropped('nat_no_mapping', 'nat'))
        expect(scene.onWire(make(onWire(), server, { ...end, port: 80 })), dropped('nat_no_mapping', 'nat'))
      })

    for (const [kind, make] of Object.entries(kinds))
      test(`${kind} that the CPU knows leaves as before, until anything is not as it was`, () => {
        const end = mapped(scene.from('free', make(out, from, server)))
        const reply = (flags: number = tcpFlag.ack) => scene.onWire(make(onWire(), server, end, flags))
        const leaves = (source = end): void =>
          expect(scene.from('free', make(out, from, server, tcpFlag.ack)), {
            ...forwarded('free', 'nat'),
            data: make({ ...out, ttl: 63 }, source, server, tcpFlag.ack),
          })
        reply(tcpFlag.syn | tcpFlag.ack)
        for (let i = 0; i < 3; i++) leaves()
        assert.equal(scene.from('free', make({ ...out, ttl: 1 }, from, server, tcpFlag.ack)).verdict, 'answer')
        scene.reserve(server.address, server.port)
        if (kind === 'UDP') expect(scene.from('free', make(out, from, server)), dropped('not_from_mux', 'free'))
        else leaves()
        scene.tables.tunnelEnds.deleteMany(scene.tables.tunnelEnds.entries().map(([key]) => key))
        leaves()
        scene.tables.natCells.setIdle(sharedNat, 10_000)
        expect(reply(), dropped('nat_no_mapping', 'nat'))
        leaves()
        expect(reply(), { ...forwarded('nat', 'free'), data: make(inward, server, from, tcpFlag.ack) })
        const next = isIpv6(end.address) ? '2001:db8:7::a' : '203.0.113.10'
        share(scene, [ipFrom(next)])
        leaves({ address: ipFrom(next), port: portOf(scene.from('free', make(out, from, server, tcpFlag.ack))) })
      })

    test('a ping leaves with an identifier of the station’s, and its answer comes back', () => {
      const echo = (path: Path, src: Ip, dst: Ip, id: number, reply = false): Uint8Array => {
        const rest = echoRest(id, 3)
        if (isIpv6(src) && isIpv6(dst))
          return ipFrame(
            { ...path, src, dst, protocol: ipProtocol.icmpv6 },
            encodeIcmpv6(src, dst, { type: reply ? icmpv6Type.echoReply : icmpv6Type.echoRequest, rest }, data),
          )
        const type = reply ? icmpType.echoReply : icmpType.echoRequest
        return ipFrame({ ...path, src, dst, protocol: ipProtocol.icmp }, encodeIcmp({ type, rest }, data))
      }
      const first = scene.from('free', echo(out, of(free), of(outside), 7))
      const { address, port } = mapped(first, 4)
      expect(first, { ...forwarded('free', 'nat'), data: echo({ ...out, ttl: 63 }, address, of(outside), port) })
      expect(scene.onWire(echo(onWire(), of(outside), address, port, true)), {
        ...forwarded('nat', 'free'),
        data: echo(inward, of(outside), of(free), 7, true),
      })
      expect(scene.onWire(echo(onWire(), of(outside), address, port)), dropped('nat_no_mapping', 'nat'))
    })

    test('a router outside says that a packet is too big: the station hears of its own packet', () => {
      const end = mapped(scene.from('free', kinds.UDP(out, from, server)))
      const router = ipFrom(isIpv6(of(free)) ? '2001:db8:ffff::1' : '198.51.100.1')
      const error = (path: Path, dst: Ip, quoted: End): Uint8Array =>
        tooBigFrame({ ...path, src: router, dst, mtuBytes: 1300 }, kinds.UDP({ ...out, ttl: 60 }, quoted, server).subarray(14))
      expect(scene.onWire(error(onWire(), end.address, end)), { ...forwarded('nat', 'free'), data: error(inward, of(free), from) })
      const strange = { ...end, port: end.port ^ 1 }
      expect(scene.onWire(error(onWire(), end.address, strange)), dropped('nat_no_mapping', 'nat'))
    })

    test('what NAT cannot carry is dropped', () => {
      const gre = ipFrame({ ...out, src: of(free), dst: of(outside), protocol: 47 }, data)
      expect(scene.from('free', gre), dropped('nat_protocol', 'free'))
      expect(scene.from('free', kinds.TCP(out, from, server, tcpFlag.syn | tcpFlag.fin)), dropped('nat_protocol', 'free'))
    })
  })

test('a station with a floating address keeps that, and one of another host comes by the tunnel', () => {
  const frame = (src: Ip, path: Path): Uint8Array => kinds.UDP(path, { address: src, port: 9 }, { address: outside.v4, port: 53 })
  const path = { ...out, srcMac: a.mac }
  for (let i = 0; i < 3; i++)
    expect(scene.from('a', frame(a.v4, path)), { ...forwarded('a', 'nat'), data: frame(publicOf(a.v4), { ...path, ttl: 63 }) })
  scene.tables.floats.delete({ vpc: 1, addr: toMapped(far.v4) })
  const result = scene.fromTunnel(
    kinds.UDP({ ...out, srcMac: far.mac, ttl: 63 }, { address: far.v4, port: 9 }, { address: outside.v4, port: 53 }),
  )
  expect(result, forwarded('mux', 'nat'))
  const end = { address: shared.v4, port: portOf(result) }
  const back = scene.onWire(kinds.UDP(onWire(), { address: outside.v4, port: 53 }, end))
  expect(back, forwarded('nat', 'mux'))
  assert.equal(back.forward?.kind, 'remote')
  share(scene, [shared.v4], scene.remote())
  expect(scene.from('free', frame(free.v4, out)), { ...forwarded('free', 'mux'), data: frame(free.v4, { ...out, ttl: 63 }) })
})

describe('fragments', () => {
  const upper = (src: Ip, port: number): Uint8Array =>
    encodeUdp(
      src,
      outside.v4,
      { srcPort: port, dstPort: 53 },
      Uint8Array.from({ length: 100 }, (_, i) => i),
    )
  const part = (path: Path, src: Ip, dst: Ip, whole: Uint8Array, later: boolean, id = 5): Uint8Array =>
    ipv4Frame(
      {
        ...path,
        src: src as Ipv4,
        dst: dst as Ipv4,
        protocol: ipProtocol.udp,
        id,
        dontFragment: false,
        moreFragments: !later,
        fragmentOffset: later ? 40 : 0,
      },
      later ? whole.subarray(40) : whole.subarray(0, 40),
    )

  test('later ones follow the first, both ways; before it they are dropped', () => {
    const whole = upper(free.v4, 4000)
    expect(scene.from('free', part(out, free.v4, outside.v4, whole, true)), dropped('nat_fragment', 'free'))
    const first = scene.from('free', part(out, free.v4, outside.v4, whole, false))
    const port = portOf(first)
    const translated = upper(shared.v4, port)
    expect(first, { ...forwarded('free', 'nat'), data: part({ ...out, ttl: 63 }, shared.v4, outside.v4, translated, false) })
    expect(scene.from('free', part(out, free.v4, outside.v4, whole, true)), {
      ...forwarded('free', 'nat'),
      data: part({ ...out, ttl: 63 }, shared.v4, outside.v4, translated, true),
    })
    const answer = (dst: Ip, dstPort: number): Uint8Array => encodeUdp(outside.v4, dst, { srcPort: 53, dstPort }, new Uint8Array(90))
    const [there, here] = [answer(shared.v4, port), answer(free.v4, 4000)]
    expect(scene.onWire(part(onWire(), outside.v4, shared.v4, there, true, 6)), dropped('nat_fragment', 'nat'))
    for (const later of [false, true])
      expect(scene.onWire(part(onWire(), outside.v4, shared.v4, there, later, 6)), {
        ...forwarded('nat', 'free'),
        data: part(inward, outside.v4, free.v4, here, later, 6),
      })
  })
})

/** What vpcd does every ten seconds. */
function sweep(): { readonly cells: number; readonly blocks: number } {
  const { fd } = scene.bench.program('nat', 'vpc_nat_expire')
  const { cells, blocks } = natExpire.decode(runSyscallProgram(fd, natExpire.encode({ nat: sharedNat, cells: 0, blocks: 0 })))
  return { cells, blocks }
}

/** The inside address of guest number i. */
const guest = (i: number): Ip => ipFrom(`10.1.${i >> 8}.${i & 255}`)
const addGuests = (count: number): void => {
  for (let i = 0; i < count; i++) scene.tables.hosts.set({ vpc: 1, addr: toMapped(guest(i)) }, { segment: red, mac: free.mac })
}
/** Many packets, without a look at all counters. */
const send = (frame: Uint8Array): PacketResult =>
  scene.netns.run(() => runPacket(scene.bench.program('unit', 'vpc_unit').fd, frame, { ifindex: scene.devices.free }))
const udp = (i: number, port: number, to: End = { address: outside.v4, port: 53 }): Uint8Array =>
  kinds.UDP(out, { address: guest(i), port }, to)

describe('public ports', () => {
  beforeEach(() => addGuests(4))

  test('are for stations alone: a guest that may send from any address gets none for it', () => {
    expect(scene.from('free', udp(9, 1)), {
      action: 'redirect',
      verdict: 'answer',
      changed: { 'free.rx': 1, 'free.no_public_address': 1, 'free.tooBig': 1 },
    })
    assert.deepEqual(scene.tables.natCells.guests(sharedNat), [])
    assert.equal(scene.tables.natCells.fill(sharedNat)!.blocks, 0)
    assert.equal(scene.tables.natCells.fill(sharedNat + 1), undefined)
  })

  test('nor does one that has no address yet: its packet would leave from 0.0.0.0 or ::', () => {
    for (const [none, to] of [
      ['0.0.0.0', outside.v4],
      ['::', outside.v6],
    ] as const)
      assert.equal(send(kinds.UDP(out, { address: ipFrom(none), port: 1 }, { address: to, port: 53 })).reason, 'no_public_address')
  })

  test('1 000 guests behind one address have each their own', () => {
    addGuests(1000)
    const [owners, blocks] = [new Map<number, number>(), new Map<number, number>()]
    for (let i = 0; i < 1000; i++) {
      for (const port of [4000, 4001]) {
        const result = send(udp(i, port))
        assert.equal(result.verdict, 'forward')
        assert.equal(owners.get(portOf(result)), undefined)
        owners.set(portOf(result), i)
        const block = Math.floor((portOf(result) - natFirstPort) / natBlock)
        assert.equal(blocks.get(block) ?? i, i)
        blocks.set(block, i)
      }
    }
    for (const [port, i] of owners)
      if (i % 50 === 0)
        expect(scene.onWire(kinds.UDP(onWire(), { address: outside.v4, port: 53 }, { address: shared.v4, port })), forwarded('nat', 'free'))
    assert.equal(scene.tables.natCells.guests(sharedNat).length, 1000)
    // Each has one block at least; those of a guest that has gone may still be leaving.
    const fill = scene.tables.natCells.fill(sharedNat)!
    const had = scene.tables.natCells.guests(sharedNat).reduce((sum, guest) => sum + guest.blocks.length, 0)
    assert.deepEqual([fill.blocks, fill.maxBlocks % 1008], [had, 0])
  })

  test('the address of a guest, and its block, follow from its own alone', () => {
    const blocks = (): unknown =>
      scene.tables.natCells.guests(sharedNat).map(({ inside, blocks }) => [Buffer.from(inside).toString('hex'), blocks])
    scene.from('free', udp(1, 1))
    const before = blocks()
    share(scene)
    scene.from('free', udp(1, 77))
    assert.deepEqual(blocks(), before)
  })

  test('a guest gets more blocks while there are many, and at last hears that there is none', () => {
    const ports = new Set<number>()
    let sent = send(udp(1, 1))
    for (let port = 2; sent.reason === undefined && port < 2000; port++) {
      ports.add(portOf(sent))
      sent = send(udp(1, port))
    }
    assert.equal(ports.size, 8 * natBlock)
    const result = scene.from('free', udp(1, 2000))
    expect(result, dropped('nat_exhausted', 'free'))
    const [event] = result.events
    assert.ok(event?.kind === 'drop')
    assert.deepEqual([event.reason, event.nat, event.data.slice(26, 30)], ['nat_exhausted', sharedNat, guest(1)])
    // Others, and what the guest has, go on.
    expect(scene.from('free', udp(2, 1)), forwarded('free', 'nat'))
    expect(scene.from('free', udp(1, 5)), forwarded('free', 'nat'))
    // The oldest idle port is taken; none of a live flow is.
    scene.tables.natCells.setIdle(sharedNat, 31)
    const kept = portOf(scene.from('free', udp(1, 5)))
    for (let port = 3000; port < 3100; port++) {
      const taken = send(udp(1, port))
      assert.equal(taken.verdict, 'forward')
      assert.notEqual(portOf(taken), kept)
    }
  })

  test('a guest that uses all takes ports of ended connections again, the oldest first, and no other ones', () => {
    const server = { address: outside.v4, port: 80 }
    const all = 8 * natBlock
    const packet = (port: number, flags: number, to = server): PacketResult => send(kinds.TCP(out, { address: guest(1), port }, to, flags))
    const answer = (port: number, flags: number): void =>
      assert.equal(scene.onWire(kinds.TCP(onWire(), server, { address: shared.v4, port }, flags)).reason, undefined)
    const connect = (port: number): number => {
      const result = packet(port, tcpFlag.syn)
      assert.equal(result.reason, undefined)
      packet(port, tcpFlag.rst)
      return portOf(result)
    }
    const round = (first: number): number[] => Array.from({ length: all }, (_, i) => connect(first + i))
    assert.equal(new Set(round(1000)).size, all)
    const { natCells } = scene.tables
    assert.deepEqual([natCells.guests(sharedNat)[0]!.used[0], natCells.over(natCells.guests(sharedNat)[0]!)], [all, all])
    const second = round(2000)
    assert.equal(new Set(second).size, all)
    assert.deepEqual(round(3000), second)
    // One whose last peer was another one comes before the next.
    assert.equal(portOf(packet(4000, tcpFlag.syn, { ...server, port: 81 })), second[0])
    packet(4000, tcpFlag.rst, { ...server, port: 81 })
    for (let i = 1; i < all; i++) packet(4000 + i, tcpFlag.syn)
    assert.equal(natCells.over(natCells.guests(sharedNat)[0]!), 1)
    // All are live now but that one, and only a connection that begins gets it.
    assert.equal(packet(5000, tcpFlag.ack).reason, 'nat_exhausted')
    nextTick()
    assert.equal(packet(5000, tcpFlag.syn).reason, undefined)
    assert.equal(packet(5001, tcpFlag.syn).reason, 'nat_exhausted')
    // A peer's RST may be forged once it has accepted; what it refuses at once is over.
    answer(second[1]!, tcpFlag.syn | tcpFlag.ack)
    answer(second[1]!, tcpFlag.rst | tcpFlag.ack)
    assert.equal(packet(5002, tcpFlag.syn).reason, 'nat_exhausted')
    answer(second[2]!, tcpFlag.rst | tcpFlag.ack)
    nextTick()
    assert.equal(portOf(packet(5003, tcpFlag.syn)), second[2])
  })

  test('a guest does not take the last quarter of blocks; then there is none for the next guest', () => {
    const { natCells } = scene.tables
    addGuests(natAddressBlocks + 1)
    let i = 0
    for (; i < natAddressBlocks * 2; i++) if (send(udp(i, 1)).reason === 'nat_exhausted') break
    assert.equal(i, natAddressBlocks)
    for (let port = 2; port < 200; port++) send(udp(0, port))
    const own = natCells.guests(sharedNat).find(({ inside }) => Buffer.compare(inside, toMapped(guest(0))) === 0)
    assert.equal(own?.blocks.length, 1)
  })

  test('ports and blocks come back when nobody uses them', () => {
    const { natCells } = scene.tables
    for (let port = 1; port < 100; port++) send(udp(1, port))
    assert.equal(natCells.used(sharedNat).length, 99)
    scene.tables.natCells.setIdle(sharedNat, 31)
    assert.deepEqual(sweep(), { cells: 99, blocks: 0 })
    assert.deepEqual(natCells.guests(sharedNat)[0]?.used, [0, 0, 0])
    natCells.setIdle(sharedNat, 700)
    assert.deepEqual(sweep(), { cells: 0, blocks: 0 })
    assert.equal(natCells.guests(sharedNat).length, 0)
    natCells.setIdle(sharedNat, 700)
    assert.deepEqual(sweep(), { cells: 0, blocks: 2 })
  })

  test('another address beside the first leaves what there is alone', () => {
    const { natCells } = scene.tables
    const port = portOf(scene.from('free', udp(1, 1)))
    natCells.set(
      sharedNat,
      [shared.v4, shared.v6, ipFrom('203.0.113.10')].map((address) => toMapped(address)),
    )
    assert.equal(portOf(scene.from('free', udp(1, 1))), port)
    natCells.set(
      sharedNat,
      [ipFrom('203.0.113.10')].map((address) => toMapped(address)),
    )
    assert.equal(natCells.guests(sharedNat).length, 0)
    expect(scene.from('free', udp(1, 1)), forwarded('free', 'nat'))
  })
})
