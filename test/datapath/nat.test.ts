/**
 * NAT by floating addresses, on this host's wire and by another host: what packets become, each compared with the
 * frame that this side's own encoders make, checksums included.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { routeKind } from '#datapath/layout.ts'
import {
  arpReply,
  arpRequest,
  echoFrame,
  gratuitousArp,
  ipFrame,
  ipv4Frame,
  tcpFrame,
  tooBigFrame,
  udpFrame,
  vxlanFrame,
} from '#wire/frames.ts'
import { encodeIcmp, encodeIcmpv6 } from '#wire/icmp.ts'
import { ipFrom, isIpv6, toMapped, type Ip } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import type { Ipv6 } from '#wire/ipv6-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { broadcastMac, type Mac } from '#wire/mac.ts'
import { neighbourAdvertisement, neighbourSolicitation } from '#wire/nd-frames.ts'
import { advertFlag } from '#wire/nd.ts'
import { encodeUdp } from '#wire/udp.ts'
import { vniFrom } from '#wire/vni.ts'
import { GroupScene } from './group-scene.ts'
import { NatScene, natNumber, outside, publicOf, wireRouter } from './nat-scene.ts'
import { dropped, expect, forwarded, gateway, listenAddress, red, stations, type Expectation } from './scene.ts'

const { a, b, far, free, other } = stations
let scene: NatScene
before(() => void (scene = new NatScene()))
beforeEach(() => {
  scene.reset()
  scene.lay()
})
after(() => scene[Symbol.dispose]())

interface Link {
  readonly srcMac: Mac
  readonly dstMac: Mac
}
const data = Uint8Array.from({ length: 33 }, (_, i) => i * 7)
type Make = (link: Link, src: Ip, dst: Ip, ttl: number) => Uint8Array
/** Packets of each protocol: the same one between other ends is what NAT must make of it. */
const kinds: Readonly<Record<string, Make>> = {
  TCP: (link, src, dst, ttl) => tcpFrame({ ...link, src, dst, ttl, srcPort: 1000, dstPort: 80 }, data),
  UDP: (link, src, dst, ttl) => udpFrame({ ...link, src, dst, ttl, srcPort: 1000, dstPort: 53 }, data),
  ping: (link, src, dst, ttl) => echoFrame({ ...link, src, dst, ttl, id: 77 }, data),
  SCTP: (link, src, dst, ttl) => ipFrame({ ...link, src, dst, ttl, protocol: 132 }, data),
  GRE: (link, src, dst, ttl) => ipFrame({ ...link, src, dst, ttl, protocol: 47 }, data),
}
const fromA: Link = { srcMac: a.mac, dstMac: gateway.mac }
const onWire = (): Link => ({ srcMac: wireRouter, dstMac: scene.wireMac })
const to = (mac: Mac): Link => ({ srcMac: gateway.mac, dstMac: mac })
const toWire = (from = 'a'): Expectation => forwarded(from, 'nat')

const families = [
  { family: 'IPv4', of: <T extends { v4: Ip; v6: Ip }>(station: T): Ip => station.v4 },
  { family: 'IPv6', of: <T extends { v4: Ip; v6: Ip }>(station: T): Ip => station.v6 },
]

for (const { family, of } of families)
  describe(`NAT of ${family}`, () => {
    for (const [kind, make] of Object.entries(kinds)) {
      test(`${kind} leaves from the public address with a hop less, the first time and later`, () => {
        for (let i = 0; i < 3; i++) {
          const result = scene.from('a', make(fromA, of(a), of(outside), 64))
          expect(result, { ...toWire(), data: make(fromA, publicOf(of(a)), of(outside), 63) })
          assert.deepEqual(result.forward, { ifindex: scene.devices.wire, stats: natNumber, kind: 'nat' })
        }
      })

      test(`${kind} from the wire goes to the station, on this host and behind a VTEP`, () => {
        for (let i = 0; i < 2; i++)
          expect(scene.onWire(make(onWire(), of(outside), publicOf(of(a)), 50)), {
            ...forwarded('nat', 'a'),
            data: make(to(a.mac), of(outside), of(a), 50),
          })
        const result = scene.onWire(make(onWire(), of(outside), publicOf(of(far)), 50))
        expect(result, { ...forwarded('nat', 'mux'), data: make(to(far.mac), of(outside), of(far), 50) })
        const { usedFdb, usedNeighbours } = scene.tables
        assert.deepEqual(usedFdb.entries(), [[{ segment: red, mac: far.mac }, 1]], 'the entry is marked as used')
        assert.equal(usedNeighbours.get({ segment: red, addr: toMapped(of(far)) }), 1)
      })

      test(`${kind} between two public addresses turns round here: both ends change`, () => {
        for (const [name, station] of [
          ['b', b],
          ['mux', far],
        ] as const)
          expect(scene.from('a', make(fromA, of(a), publicOf(of(station)), 64)), {
            ...forwarded('a', name),
            data: make(to(station.mac), publicOf(of(a)), of(station), 63),
          })
      })

      test(`${kind} goes to the host that has the wire, as the station sent it, with a hop less`, () => {
        scene.lay({}, { elsewhere: true })
        const result = scene.from('a', make(fromA, of(a), of(outside), 64))
        expect(result, { ...forwarded('a', 'mux'), data: make(fromA, of(a), of(outside), 63) })
        assert.equal(result.forward?.kind, 'remote')
      })

      test(`${kind} of another host's station leaves by the wire, or turns round`, () => {
        const fromFar = { srcMac: far.mac, dstMac: gateway.mac }
        expect(scene.fromTunnel(make(fromFar, of(far), of(outside), 63)), {
          ...toWire('mux'),
          data: make(fromFar, publicOf(of(far)), of(outside), 63),
        })
        expect(scene.fromTunnel(make(fromFar, of(far), publicOf(of(b)), 63)), {
          ...forwarded('mux', 'b'),
          data: make(to(b.mac), publicOf(of(far)), of(b), 63),
        })
      })
    }

    test('a station reaches itself by its public address', () => {
      const make = kinds['ping']!
      expect(scene.from('a', make(fromA, of(a), publicOf(of(a)), 64)), {
        ...forwarded('a', 'a'),
        data: make(to(a.mac), publicOf(of(a)), of(a), 63),
      })
    })

    test('an ICMP error changes in what it quotes, both ways', () => {
      const quoted = (src: Ip, dst: Ip): Uint8Array => kinds['UDP']!(fromA, src, dst, 9).subarray(14)
      const error = (link: Link, src: Ip, dst: Ip, quote: Uint8Array, ttl: number): Uint8Array =>
        isIpv6(src)
          ? ipFrame(
              { ...link, src, dst, ttl, protocol: ipProtocol.icmpv6 },
              encodeIcmpv6(src, dst as Ipv6, { type: 1, code: 4, rest: 0 }, quote),
            )
          : ipFrame({ ...link, src, dst, ttl, protocol: ipProtocol.icmp }, encodeIcmp({ type: 3, code: 3, rest: 0 }, quote))
      expect(scene.from('a', error(fromA, of(a), of(outside), quoted(of(outside), of(a)), 64)), {
        ...toWire(),
        data: error(fromA, publicOf(of(a)), of(outside), quoted(of(outside), publicOf(of(a))), 63),
      })
      expect(scene.onWire(error(onWire(), of(outside), publicOf(of(a)), quoted(publicOf(of(a)), of(outside)), 50)), {
        ...forwarded('nat', 'a'),
        data: error(to(a.mac), of(outside), of(a), quoted(of(a), of(outside)), 50),
      })
    })

    test('nobody on the wire poses as a station or as a public address', () => {
      for (const src of [of(b), publicOf(of(b)), of(free)])
        expect(scene.onWire(kinds['TCP']!(onWire(), src, publicOf(of(a)), 50)), dropped('source_ip', 'nat'))
    })

    test('only public addresses are taken from the wire', () => {
      for (const dst of [of(a), publicOf(of(free)), of(gateway)])
        expect(scene.onWire(kinds['TCP']!(onWire(), of(outside), dst, 50)), { action: 'next', changed: {} })
      const foreign = { srcMac: wireRouter, dstMac: b.mac }
      expect(scene.onWire(kinds['TCP']!(foreign, of(outside), publicOf(of(a)), 50)), { action: 'next', changed: {} })
    })

    test('what does not fit is told to its sender, from the gateway and from the public address', () => {
      scene.lay({ mtu: 1300 })
      const big = udpFrame({ ...fromA, src: of(a), dst: of(outside), srcPort: 1, dstPort: 2 }, new Uint8Array(1300))
      expect(scene.from('a', big), {
        action: 'redirect',
        verdict: 'answer',
        changed: { 'a.rx': 1, 'a.too_big': 1, 'a.tooBig': 1 },
        data: tooBig({ ...to(a.mac), src: of(gateway), dst: of(a), mtuBytes: 1300 }, big),
      })
      scene.learn('a', scene.local('a', { mtu: 1290 }))
      const arriving = udpFrame({ ...onWire(), src: of(outside), dst: publicOf(of(a)), srcPort: 1, dstPort: 2 }, new Uint8Array(1300))
      expect(scene.onWire(arriving), {
        action: 'redirect',
        verdict: 'answer',
        changed: { 'nat.rx': 1, 'nat.too_big': 1, 'nat.tooBig': 1 },
        data: tooBig({ srcMac: scene.wireMac, dstMac: wireRouter, src: publicOf(of(a)), dst: of(outside), mtuBytes: 1290 }, arriving),
      })
    })

    test('a station without a public address is told that it may not, by its gateway', () => {
      const from = { srcMac: free.mac, dstMac: gateway.mac }
      const result = scene.from('free', kinds['TCP']!(from, of(free), of(outside), 64))
      expect(result, { action: 'redirect', verdict: 'answer', changed: { 'free.rx': 1, 'free.no_public_address': 1, 'free.tooBig': 1 } })
      const [type, code] = isIpv6(of(a)) ? [1, 1] : [3, 13]
      assert.deepEqual([...result.data.subarray(isIpv6(of(a)) ? 54 : 34).subarray(0, 2)], [type, code])
    })

    test('its last hop ends at the gateway, before any address changes', () => {
      const result = scene.from('a', kinds['UDP']!(fromA, of(a), of(outside), 1))
      expect(result, { action: 'redirect', verdict: 'answer', changed: { 'a.rx': 1, 'a.ttl_exceeded': 1, 'a.tooBig': 1 } })
    })

    test('another host decides neither about routes nor twice', () => {
      const fromFar = { srcMac: far.mac, dstMac: gateway.mac }
      const frame = kinds['TCP']!(fromFar, of(far), of(outside), 63)
      scene.lay({}, { elsewhere: true })
      expect(scene.fromTunnel(frame), dropped('forwarded', 'mux'))
      scene.lay()
      expect(scene.fromTunnel(kinds['TCP']!(fromFar, of(far), of(other), 63)), dropped('unknown_mac', 'mux'))
      scene.tables.routes.deleteMany(scene.tables.routes.entries().flatMap(([key, { kind }]) => (kind === routeKind.igw ? [key] : [])))
      expect(scene.fromTunnel(frame), dropped('unknown_mac', 'mux'))
    })

    test('a station that is not there gets nothing', () => {
      scene.float(publicOf(of(other)), isIpv6(of(a)) ? ipFrom('fd00::dead') : ipFrom('10.0.0.99'))
      expect(scene.onWire(kinds['TCP']!(onWire(), of(outside), publicOf(of(other)), 50)), dropped('no_host', 'nat'))
    })

    test('the groups of a port see addresses inside on the way out, and the outside one on the way in', () => {
      const groups = new GroupScene(scene)
      const rule = { direction: 'in', protocol: 'tcp', ports: ['80'] } as const
      const group = groups.group({ ...rule, id: '1', peers: [`${isIpv6(of(a)) ? '2001:db8:ffff::/48' : '198.51.100.0/24'}`] })
      groups.join('b', group)
      groups.settle()
      expect(scene.onWire(kinds['TCP']!(onWire(), of(outside), publicOf(of(b)), 50)), forwarded('nat', 'b'))
      expect(scene.from('a', kinds['TCP']!(fromA, of(a), publicOf(of(b)), 64)), dropped('sg_denied'))
      expect(scene.onWire(kinds['UDP']!(onWire(), of(outside), publicOf(of(b)), 50)), dropped('sg_denied', 'nat'))
    })
  })

const tooBig = (path: Parameters<typeof tooBigFrame>[0], frame: Uint8Array): Uint8Array =>
  tooBigFrame({ ...path, ...(path.src.length === 4 && { tos: 0xc0 }) }, frame.subarray(14))

describe('fragments through NAT', () => {
  const whole = (src: Ip, dst: Ip): Uint8Array => encodeUdp(src, dst, { srcPort: 1, dstPort: 2 }, new Uint8Array(1000).fill(5))
  const fragments = (link: Link, src: Ipv4, dst: Ipv4, ttl: number): Uint8Array[] => {
    const bytes = whole(src, dst)
    const base = { ...link, src, dst, ttl, id: 9, protocol: ipProtocol.udp, dontFragment: false }
    return [
      ipv4Frame({ ...base, moreFragments: true }, bytes.subarray(0, 800)),
      ipv4Frame({ ...base, fragmentOffset: 800 }, bytes.subarray(800)),
    ]
  }
  test('change in their addresses; the first one in its checksum, which is that of the whole', () => {
    const [out, gone] = [fragments(fromA, a.v4, outside.v4 as Ipv4, 64), fragments(fromA, publicOf(a.v4) as Ipv4, outside.v4 as Ipv4, 63)]
    for (const [i, frame] of out.entries()) expect(scene.from('a', frame), { ...toWire(), data: gone[i]! })
    const [come, into] = [
      fragments(onWire(), outside.v4 as Ipv4, publicOf(a.v4) as Ipv4, 50),
      fragments(to(a.mac), outside.v4 as Ipv4, a.v4, 50),
    ]
    for (const [i, frame] of come.entries()) expect(scene.onWire(frame), { ...forwarded('nat', 'a'), data: into[i]! })
  })
})

describe('on the wire', () => {
  const asker = { mac: wireRouter, v4: ipFrom('203.0.113.250') as Ipv4, v6: ipFrom('2001:db8:7::250') as Ipv6 }

  test('public addresses are answered with the MAC of the interface, also to a probe; no others are', () => {
    const spa = publicOf(a.v4) as Ipv4
    const reply = arpReply({ sha: scene.wireMac, spa, tha: asker.mac, tpa: asker.v4 })
    const answered = { action: 'redirect', verdict: 'answer', changed: { 'nat.answered': 1 } } as const
    for (const dstMac of [broadcastMac, scene.wireMac])
      expect(scene.onWire(arpRequest({ sha: asker.mac, spa: asker.v4, tpa: spa, dstMac })), { ...answered, data: reply })
    const probe = arpRequest({ sha: asker.mac, spa: ipFrom('0.0.0.0') as Ipv4, tpa: spa })
    expect(scene.onWire(probe), answered)
    for (const frame of [arpRequest({ sha: asker.mac, spa: asker.v4, tpa: a.v4 }), gratuitousArp({ sha: asker.mac, spa })])
      expect(scene.onWire(frame), { action: 'next', changed: {} })
  })

  test('solicitations are answered likewise', () => {
    const target = publicOf(a.v6) as Ipv6
    const answered = { action: 'redirect', verdict: 'answer', changed: { 'nat.answered': 1 } } as const
    const reply = neighbourAdvertisement({
      srcMac: scene.wireMac,
      src: target,
      dstMac: asker.mac,
      dst: asker.v6,
      flags: (advertFlag.override | advertFlag.solicited) >>> 0,
    })
    expect(scene.onWire(neighbourSolicitation({ srcMac: asker.mac, src: asker.v6, target })), { ...answered, data: reply })
    const probe = neighbourSolicitation({ srcMac: asker.mac, src: ipFrom('::') as Ipv6, target })
    expect(scene.onWire(probe), answered)
    for (const frame of [
      neighbourSolicitation({ srcMac: asker.mac, src: asker.v6, target: a.v6 }),
      neighbourSolicitation({ srcMac: asker.mac, src: asker.v6, target, hopLimit: 64 }),
    ])
      expect(scene.onWire(frame), { action: 'next', changed: {} })
  })

  test('guests send nothing to the ports of VTEPs', () => {
    scene.reserve(ipFrom('198.51.100.9'))
    const frame = udpFrame({ ...fromA, src: a.v4, dst: ipFrom('198.51.100.9'), srcPort: 1, dstPort: 4789 })
    expect(scene.from('a', frame), dropped('not_from_mux'))
  })

  test('nobody sends from an address of one link', () => {
    for (const [src, dst] of [
      ['169.254.7.7', publicOf(a.v4)],
      ['fe80::7', publicOf(a.v6)],
    ] as const)
      expect(scene.onWire(kinds['TCP']!(onWire(), ipFrom(src), dst, 50)), dropped('source_ip', 'nat'))
  })

  test('what is remembered of one sender is not so of another with the same slot', () => {
    // The slot follows from the words of both addresses, all of one put together by exclusive or.
    const words = (address: Ip): DataView => new DataView(Uint8Array.from(address).buffer)
    const sum = words(outside.v6)
    const inside = words(a.v6)
    let last = 0
    for (let at = 0; at < 16; at += 4) last ^= sum.getUint32(at) ^ (at < 12 ? inside.getUint32(at) : 0)
    inside.setUint32(12, last)
    expect(scene.onWire(kinds['TCP']!(onWire(), outside.v6, publicOf(b.v6), 50)), forwarded('nat', 'b'))
    const spoofed = new Uint8Array(inside.buffer) as unknown as Ip
    expect(scene.onWire(kinds['TCP']!(onWire(), spoofed, publicOf(b.v6), 50)), dropped('source_ip', 'nat'))

    const fromFar = { srcMac: far.mac, dstMac: gateway.mac }
    expect(scene.fromTunnel(kinds['TCP']!(fromFar, far.v6, outside.v6, 63)), toWire('mux'))
    const other = scene.fromTunnel(kinds['TCP']!(fromFar, ipFrom('fd00::1:0:8'), outside.v6, 63))
    assert.deepEqual([other.changed['mux.no_public_address'], other.changed['nat.tx']], [1, undefined])
  })

  test('frames of other hosts to the gateway come through the stack, though their VTEP is heard', () => {
    const ends = { srcMac: far.mac, dstMac: scene.wireMac, src: ipFrom('192.0.2.2') as Ipv4, dst: listenAddress as Ipv4 }
    scene.tables.muxes.set(scene.devices.wire, scene.tables.muxes.get(scene.devices.mux)!)
    const decide = (frame: Uint8Array) => {
      const packet = vxlanFrame({ ...ends, vni: vniFrom(red) }, frame)
      packet.set([0, 0], 40)
      return scene.bench.decide('underlay', packet, { ifindex: scene.devices.wire })
    }
    const toStation = udpFrame({ srcMac: far.mac, dstMac: a.mac, src: far.v4, dst: a.v4, srcPort: 1, dstPort: 2 }, data)
    assert.ok(scene.takesOnceHeard(toStation, () => decide(toStation).verdict === 'forward'))
    const leaving = kinds['UDP']!({ srcMac: far.mac, dstMac: gateway.mac }, far.v4, outside.v4, 63)
    scene.hear(toStation)
    assert.equal(decide(leaving).verdict, 'none')
    expect(scene.fromTunnel(leaving), toWire('mux'))
  })

  test('packets cut short are malformed, and none of it is passed on', () => {
    const frame = kinds['TCP']!(onWire(), outside.v4, publicOf(a.v4), 50)
    expect(scene.onWire(frame.subarray(0, 40)), dropped('malformed', 'nat'))
  })
})
