/**
 * Floating addresses against a slow, simple model: random worlds and packets; the same verdict, the same way and the
 * same bytes, for the first packet and for the next ones, which find what was remembered.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { echoFrame, ipFrame, patch, tcpFrame, udpFrame } from '#wire/frames.ts'
import type { Ip } from '#wire/ip-address.ts'
import type { Mac } from '#wire/mac.ts'
import { toMapped } from '#wire/ip-address.ts'
import { natNumber, NatScene, outside, publicOf, wireRouter } from './nat-scene.ts'
import { gateway, stations } from './scene.ts'

const inside = ['a', 'b', 'free', 'far'] as const
type Inside = (typeof inside)[number]
const protocols = ['tcp', 'udp', 'udp without a checksum', 'ping', 'other'] as const

interface Packet {
  readonly way: 'out' | 'in' | 'tunnel'
  readonly family: 4 | 6
  readonly station: Inside
  /** Whom it is for, or from on the way in: a station by its public address or its own, or the outside. */
  readonly other: { readonly station: Inside | 'outside'; readonly by: 'public' | 'own' }
  readonly protocol: (typeof protocols)[number]
  readonly ports: readonly [number, number]
  readonly ttl: number
  readonly payload: Uint8Array
}
interface World {
  /** Stations with a public address. */
  readonly floats: readonly Inside[]
  readonly mtu: number
  readonly packets: readonly Packet[]
}

const place = fc.record({ station: fc.constantFrom(...inside, 'outside' as const), by: fc.constantFrom('public' as const, 'own' as const) })
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(1221, 1400).map((length) => new Uint8Array(length).fill(0xa5)),
)
const packet: fc.Arbitrary<Packet> = fc.record({
  way: fc.constantFrom('out', 'in', 'tunnel'),
  family: fc.constantFrom(4, 6),
  station: fc.constantFrom(...inside),
  other: place,
  protocol: fc.constantFrom(...protocols),
  ports: fc.tuple(fc.nat(0xffff), fc.constantFrom(53, 80, 0xffff)),
  ttl: fc.constantFrom(1, 2, 64),
  payload,
})
const world: fc.Arbitrary<World> = fc.record({
  floats: fc.subarray([...inside]),
  mtu: fc.constantFrom(1300, 1500),
  packets: fc.array(packet, { minLength: 5, maxLength: 15 }),
})

const addressOf = (name: Inside | 'outside', family: 4 | 6): Ip => {
  const { v4, v6 } = name === 'outside' ? outside : stations[name]
  return family === 4 ? v4 : v6
}
const placeOf = ({ station, by }: Packet['other'], family: 4 | 6): Ip =>
  by === 'public' && station !== 'outside' ? publicOf(addressOf(station, family)) : addressOf(station, family)

/** The same packet between other ends, on another link: what NAT must make of it, with checksums of its own. */
function build(
  { protocol, ports: [srcPort, dstPort], payload: bytes }: Packet,
  link: { srcMac: Mac; dstMac: Mac },
  src: Ip,
  dst: Ip,
  ttl: number,
): Uint8Array {
  const path = { ...link, src, dst, ttl }
  if (protocol === 'tcp') return tcpFrame({ ...path, srcPort, dstPort }, bytes)
  if (protocol === 'ping') return echoFrame({ ...path, id: srcPort }, bytes)
  if (protocol === 'other') return ipFrame({ ...path, protocol: 99 }, bytes)
  const udp = udpFrame({ ...path, srcPort, dstPort }, bytes)
  return protocol === 'udp' || src.length === 16 ? udp : patch(udp, 40, 0, 0)
}

interface Verdict {
  /** A counter: of a drop, or of where it goes. */
  readonly counts: string
  readonly data?: Uint8Array
}

/** The slow way: from the addresses alone. */
function judge({ floats, mtu }: World, packet: Packet, wireMac: Mac): Verdict | 'not ours' {
  const { way, family, station, other, ttl } = packet
  const has = (name: Inside | 'outside'): boolean => name !== 'outside' && floats.includes(name)
  const length =
    build(packet, { srcMac: wireMac, dstMac: wireMac }, addressOf(station, family), outside[family === 4 ? 'v4' : 'v6'], 9).length - 14
  const turned = (source: string, name: Inside, src: Ip, hops: number): Verdict => {
    if (length > (name === 'far' ? 1450 : 1500)) return { counts: `${source}.too_big` }
    const link = { srcMac: gateway.mac, dstMac: stations[name].mac }
    return { counts: `${name === 'far' ? 'mux' : name}.tx`, data: build(packet, link, src, addressOf(name, family), hops) }
  }
  if (way === 'in') {
    if (!has(station)) return 'not ours'
    if (other.station !== 'outside' && (other.by === 'own' || has(other.station))) return { counts: 'nat.source_ip' }
    return turned('nat', station, placeOf(other, family), ttl)
  }
  const source = way === 'out' ? station : 'mux'
  const hops = way === 'out' ? ttl - 1 : ttl
  if (!has(station)) return { counts: `${source}.no_public_address` }
  const src = publicOf(addressOf(station, family))
  if (way === 'out' && ttl <= 1) return { counts: `${source}.ttl_exceeded` }
  if (other.station !== 'outside' && has(other.station)) return turned(source, other.station, src, hops)
  if (length > mtu) return { counts: `${source}.too_big` }
  const link = { srcMac: stations[station].mac, dstMac: gateway.mac }
  return { counts: 'nat.tx', data: build(packet, link, src, placeOf(other, family), hops) }
}

let scene: NatScene
before(() => void (scene = new NatScene()))
after(() => scene[Symbol.dispose]())

function lay({ floats, mtu }: World): void {
  scene.reset()
  scene.lay({ mtu })
  const { publicAddresses, floats: table } = scene.tables
  for (const each of [publicAddresses, table]) for (const [key] of each.entries()) each.delete(key as never)
  for (const name of floats)
    for (const family of [4, 6] as const) {
      const own = addressOf(name, family)
      table.set({ vpc: 1, addr: toMapped(own) }, { nat: natNumber, addr: toMapped(publicOf(own)) })
      scene.float(publicOf(own), own)
    }
}

test('random packets become what the model says', () => {
  fc.assert(
    fc.property(world, (made) => {
      lay(made)
      // Guests of this host send; `far` is on another one. A guest does not reach another's own address by this way.
      const fits = ({ way, station, other }: Packet): boolean =>
        way === 'in' || ((way === 'tunnel') === (station === 'far') && (other.station === 'outside' || other.by === 'public'))
      const packets = made.packets.filter(fits)
      for (const one of [...packets, ...packets]) {
        const { way, family, station, other, ttl } = one
        const [own, peer] = [addressOf(station, family), placeOf(other, family)]
        const link = way === 'in' ? { srcMac: wireRouter, dstMac: scene.wireMac } : { srcMac: stations[station].mac, dstMac: gateway.mac }
        const frame = way === 'in' ? build(one, link, peer, publicOf(own), ttl) : build(one, link, own, peer, ttl)
        const result = way === 'in' ? scene.onWire(frame) : way === 'out' ? scene.from(station as 'a', frame) : scene.fromTunnel(frame)
        const said = judge(made, one, scene.wireMac)
        const where = `${way} ${family} ${station} ${JSON.stringify(other)} ${one.protocol} ttl ${ttl}`
        if (said === 'not ours') {
          assert.deepEqual([result.action, result.changed], ['next', {}], where)
          continue
        }
        assert.ok((result.changed[said.counts] ?? 0) > 0, `${where}: ${said.counts}, not ${JSON.stringify(result.changed)}`)
        if (said.data !== undefined) assert.deepEqual(result.data, said.data, where)
      }
    }),
    { numRuns: 40 },
  )
})
