/**
 * Stations reach each other by the ports that they have of a shared address, RFC 4787 section 6: both see the other's
 * public end, and only who was sent to gets in. And a host that begins to share addresses knows who had which ports.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { natAddressBlocks, natBlock, natFirstPort } from '#datapath/nat-cell-layout.ts'
import type { BenchResult } from '#datapath/test-bench.ts'
import type { PacketResult } from '#datapath/test-run.ts'
import { ipv4Frame, tcpFrame, tooBigFrame, udpFrame } from '#wire/frames.ts'
import { isIpv6, toMapped, type Ip } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { encodeUdp } from '#wire/udp.ts'
import { NatScene, outside, publicOf } from './nat-scene.ts'
import { dropped, expect, forwarded, gateway, red, stations } from './scene.ts'
import { share, shared, sharedNat, sharedOf } from './shared-nat.ts'

let scene: NatScene
before(() => void (scene = new NatScene()))
beforeEach(() => {
  scene.reset()
  scene.lay()
  share(scene)
  for (const name of ['b', 'far'] as const)
    for (const inside of [stations[name].v4, stations[name].v6]) scene.tables.floats.delete({ vpc: 1, addr: toMapped(inside) })
})
after(() => scene[Symbol.dispose]())

interface End {
  readonly address: Ip
  readonly port: number
}
type Link = { readonly srcMac: typeof gateway.mac; readonly dstMac: typeof gateway.mac; readonly ttl: number }
type Make = (link: Link, from: End, to: End, bytes?: Uint8Array) => Uint8Array
const kinds: Readonly<Record<string, Make>> = {
  TCP: (link, from, to, bytes) => tcpFrame({ ...link, src: from.address, dst: to.address, srcPort: from.port, dstPort: to.port }, bytes),
  UDP: (link, from, to, bytes) => udpFrame({ ...link, src: from.address, dst: to.address, srcPort: from.port, dstPort: to.port }, bytes),
}
const UDP = kinds['UDP']!
const small = Uint8Array.of(1, 2, 3)

function portOf({ data: frame }: PacketResult): number {
  const upper = frame[12] === 8 ? 34 : 54
  return (frame[upper]! << 8) | frame[upper + 1]!
}
const out = (name: 'free' | 'b' | 'a' | 'far', ttl = 64): Link => ({ srcMac: stations[name].mac, dstMac: gateway.mac, ttl })
const to = (name: 'free' | 'b' | 'a' | 'far', ttl = 63): Link => ({ srcMac: gateway.mac, dstMac: stations[name].mac, ttl })
const pairs = (['v4', 'v6'] as const).map((family) => ({
  family,
  free: { address: stations.free[family], port: 4000 },
  b: { address: stations.b[family], port: 5000 },
  far: { address: stations.far[family], port: 6000 },
}))

for (const { family, free, b, far } of pairs)
  describe(`by ports of a shared address, ${family}`, () => {
    /** The public end of a station, which it gets by sending to somebody. */
    const publicEnd = (name: 'free' | 'b', from: End, make: Make, peer: End): End => {
      const sent = scene.from(name, make(out(name), from, peer, small))
      return { address: sharedOf(from.address), port: portOf(sent) }
    }
    const elsewhere = (port: number): End => ({ address: family === 'v4' ? publicOf(stations.a.v4) : publicOf(stations.a.v6), port })

    for (const [kind, make] of Object.entries(kinds))
      test(`${kind}: each sees the other's public end; who was not sent to gets nowhere`, () => {
        const [mine, theirs] = [publicEnd('free', free, make, elsewhere(9)), publicEnd('b', b, make, elsewhere(9))]
        assert.notEqual(mine.port, theirs.port)
        // The first packet of a pair opens the way for the other one's.
        const first = scene.from('free', make(out('free'), free, theirs, small))
        expect(first, dropped('nat_no_mapping', 'free'))
        expect(scene.from('b', make(out('b'), b, mine, small)), {
          ...forwarded('b', 'free'),
          data: make(to('free'), theirs, free, small),
        })
        expect(scene.from('free', make(out('free'), free, theirs, small)), {
          ...forwarded('free', 'b'),
          data: make(to('b'), mine, b, small),
        })
        const stranger = { ...free, port: 4001 }
        const tries = Array.from({ length: 8 }, (_, i) =>
          scene.from('free', make(out('free'), { ...stranger, port: 4001 + i }, theirs, small)),
        )
        assert.ok(tries.filter(({ reason }) => reason === 'nat_no_mapping').length >= 6)
        expect(scene.from('free', make(out('free'), free, { ...theirs, port: theirs.port ^ 1 }, small)), dropped('nat_no_mapping', 'free'))
      })

    test('a station with a floating address, one on another host, and itself', () => {
      const theirs = publicEnd('b', b, UDP, elsewhere(7))
      // b has sent to a's floating address from that port, so a may answer.
      const a = { address: stations.a[family], port: 7 }
      expect(scene.from('a', UDP(out('a'), a, theirs, small)), {
        ...forwarded('a', 'b'),
        data: UDP(to('b'), elsewhere(7), b, small),
      })
      const remote = scene.fromTunnel(UDP(out('far', 63), far, theirs, small))
      expect(remote, dropped('nat_no_mapping', 'mux'))
      const guests = scene.tables.natCells.used(8).find(({ port }) => port === far.port)
      assert.ok(guests)
      const distant = { address: sharedOf(far.address), port: guests.publicPort }
      const back = scene.from('b', UDP(out('b'), b, distant, small))
      expect(back, forwarded('b', 'mux'))
      assert.equal(back.forward?.kind, 'remote')
      expect(scene.fromTunnel(UDP(out('far', 63), far, theirs, small)), {
        ...forwarded('mux', 'b'),
        data: UDP(to('b'), distant, b, small),
      })
      expect(scene.from('b', UDP(out('b'), b, theirs, small)), { ...forwarded('b', 'b'), data: UDP(to('b'), theirs, b, small) })
    })

    test('an ICMP error goes back the same way, and who sends too much hears of its own packet', () => {
      const [mine, theirs] = [publicEnd('free', free, UDP, elsewhere(9)), publicEnd('b', b, UDP, elsewhere(9))]
      scene.from('free', UDP(out('free'), free, theirs))
      scene.from('b', UDP(out('b'), b, mine))
      const error = (link: Link, src: Ip, dst: Ip, quoted: Uint8Array): Uint8Array =>
        tooBigFrame({ ...link, src, dst, mtuBytes: 1300 }, quoted.subarray(14))
      expect(scene.from('b', error(out('b'), b.address, mine.address, UDP(to('b', 62), mine, b))), {
        ...forwarded('b', 'free'),
        data: error(to('free'), theirs.address, free.address, UDP(to('b', 62), free, theirs)),
      })
      const { subnets } = scene.tables
      subnets.set(red, { ...subnets.get(red)!, mtu: 1300 })
      const large = UDP(out('free'), free, theirs, new Uint8Array(1301))
      const told = scene.from('free', large)
      assert.deepEqual([told.verdict, told.reason], ['answer', undefined])
      const quote = Buffer.from(told.data).subarray(isIpv6(free.address) ? 62 : 42)
      assert.deepEqual(quote, Buffer.from(large).subarray(14, 14 + quote.length))
    })
  })

test('later fragments follow the first one', () => {
  const [{ free, b }] = pairs as [(typeof pairs)[number]]
  const open = (name: 'free' | 'b', from: End, peer: End): BenchResult => scene.from(name, UDP(out(name), from, peer))
  const away = { address: publicOf(stations.a.v4), port: 9 }
  const mine = { address: sharedOf(free.address), port: portOf(open('free', free, away)) }
  const theirs = { address: sharedOf(b.address), port: portOf(open('b', b, away)) }
  open('b', b, mine)
  const part = (link: Link, from: End, dest: End, later: boolean): Uint8Array => {
    const whole = encodeUdp(from.address, dest.address, { srcPort: from.port, dstPort: dest.port }, new Uint8Array(100).fill(7))
    const place = { id: 5, dontFragment: false, moreFragments: !later, fragmentOffset: later ? 40 : 0 }
    const ends = { src: from.address as Ipv4, dst: dest.address as Ipv4, protocol: ipProtocol.udp }
    return ipv4Frame({ ...link, ...ends, ...place }, later ? whole.subarray(40) : whole.subarray(0, 40))
  }
  expect(scene.from('free', part(out('free'), free, theirs, true)), dropped('nat_fragment', 'free'))
  for (const later of [false, true])
    expect(scene.from('free', part(out('free'), free, theirs, later)), {
      ...forwarded('free', 'b'),
      data: part(to('b'), mine, b, later),
    })
})

for (const [address, family] of (['v4', 'v6'] as const).entries())
  test(`a station has the block that it had on another host, and nobody else gets it (${family})`, () => {
    const { natCells } = scene.tables
    const [from, server] = [
      { address: stations.free[family], port: 4000 },
      { address: outside[family], port: 443 },
    ]
    const block = (): number => Math.floor((portOf(scene.from('free', UDP(out('free'), from, server))) - natFirstPort) / natBlock)
    const byItself = block()
    const begin = (inside: Ip, had: number): void => {
      natCells.set(sharedNat, [])
      natCells.set(sharedNat, [shared.v4, shared.v6].map(toMapped), [{ vpc: 1, inside: toMapped(inside), address, block: had }])
    }
    begin(stations.a[family], byItself)
    assert.equal(block(), (byItself + 1) % natAddressBlocks)
    begin(stations.free[family], (byItself + 7) % natAddressBlocks)
    assert.equal(block(), (byItself + 7) % natAddressBlocks)
  })
