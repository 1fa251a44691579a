/**
 * Routing against a slow, simple model: random routes, stations, settings and packets; the same verdict, the same next
 * hop, the same bytes, for the first packet and for the next ones, which find what was remembered.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { routeKind } from '#datapath/layout.ts'
import { tcpFrame } from '#wire/frames.ts'
import { formatIp, ipFrom, toMapped, type Ip } from '#wire/ip-address.ts'
import { contains, networkOf, type Prefix } from '#wire/prefix.ts'
import { blue, gateway, red, Scene, stations, type Unit } from './scene.ts'

const { a } = stations
/** Where stations are; `far` is behind a VTEP. */
const places = { b: red, free: red, other: blue, far: blue } as const
type Place = keyof typeof places

type Target =
  | { readonly kind: 'local' | 'blackhole' | 'unreachable' }
  | { readonly kind: 'instance'; readonly hop: Ip }
  | { readonly kind: 'peer' }
interface World {
  readonly routes: readonly { readonly prefix: Prefix; readonly target: Target }[]
  /** Of this VPC, then of the peer. */
  readonly hosts: readonly { readonly address: Ip; readonly peer: boolean; readonly place: Place }[]
  readonly mtu: number
  readonly packets: readonly { readonly to: Ip; readonly ttl: number; readonly bytes: number }[]
}

const family = fc.constantFrom(4, 6)
const addressOf = (version: number, net: number, last: number): Ip => ipFrom(version === 4 ? `10.0.${net}.${last}` : `fd00::${net}:${last}`)
const address = fc.tuple(family, fc.nat(3), fc.integer({ min: 1, max: 6 })).map(([version, net, last]) => addressOf(version, net, last))
const lengths: Readonly<Record<number, readonly number[]>> = {
  4: [0, 8, 22, 23, 24, 29, 30, 31, 32],
  6: [0, 16, 110, 111, 112, 125, 126, 127, 128],
}
const prefix = fc
  .tuple(address, fc.nat(8))
  .map(([of, i]): Prefix => networkOf({ address: of, length: lengths[of.length === 4 ? 4 : 6]![i]! }))

/** A hop of the prefix's family. */
const route = fc
  .tuple(prefix, fc.constantFrom('local', 'blackhole', 'unreachable', 'instance', 'peer'), fc.nat(3), fc.integer({ min: 1, max: 6 }))
  .map(([of, kind, net, last]) => ({
    prefix: of,
    target: (kind === 'instance' ? { kind, hop: addressOf(of.address.length === 4 ? 4 : 6, net, last) } : { kind }) as Target,
  }))

const world: fc.Arbitrary<World> = fc.record({
  routes: fc.array(route, { maxLength: 8 }),
  hosts: fc.array(fc.record({ address, peer: fc.boolean(), place: fc.constantFrom(...(Object.keys(places) as Place[])) }), {
    maxLength: 14,
  }),
  mtu: fc.constantFrom(0, 1300, 1480),
  packets: fc.array(fc.record({ to: address, ttl: fc.constantFrom(0, 1, 2, 64), bytes: fc.constantFrom(10, 1380) }), {
    minLength: 4,
    maxLength: 12,
  }),
})

/** What the model says of a packet: a reason, or the station that it goes to. */
function judge({ routes, hosts, mtu }: World, { to, ttl, bytes }: World['packets'][number]): string {
  const last = new Map(routes.map((each) => [`${formatIp(each.prefix.address)}/${each.prefix.length}`, each]))
  const fitting = [...last.values()].filter((each) => contains(each.prefix, to)).sort((x, y) => y.prefix.length - x.prefix.length)
  const target: Target = fitting[0]?.target ?? { kind: 'unreachable' }
  if (target.kind === 'blackhole') return 'route_blackhole'
  if (target.kind === 'unreachable') return 'no_route'
  const hop = target.kind === 'instance' ? target.hop : to
  const found = hosts.findLast((each) => each.peer === (target.kind === 'peer') && Buffer.compare(each.address, hop) === 0)
  if (found === undefined) return 'no_host'
  if (ttl <= 1) return 'ttl_exceeded'
  const length = (to.length === 4 ? 40 : 60) + bytes
  const way = Math.min(found.place === 'far' ? 1450 : 1500, places[found.place] === blue && mtu !== 0 ? mtu : 1500)
  return length > way ? 'too_big' : found.place
}

let scene: Scene
before(() => void (scene = new Scene()))
after(() => scene[Symbol.dispose]())

function lay({ routes, hosts, mtu }: World): void {
  scene.reset()
  const { tables } = scene
  scene.learn('far', scene.remote(), blue)
  scene.route({ mtu })
  for (const table of [tables.routes, tables.hosts])
    (table.deleteMany as (keys: unknown[]) => number).call(
      table,
      table.entries().map(([key]) => key),
    )
  for (const { prefix: of, target } of routes)
    scene.routeTo(`${formatIp(of.address)}/${of.length}`, {
      kind: routeKind[target.kind],
      ...(target.kind === 'instance' && { addr: toMapped(target.hop) }),
      ...(target.kind === 'peer' && { vpc: 2 }),
    })
  for (const { address: of, peer, place } of hosts)
    tables.hosts.set({ vpc: peer ? 2 : 1, addr: toMapped(of) }, { segment: places[place], mac: stations[place].mac })
}

test('random packets go where the model says', () => {
  fc.assert(
    fc.property(world, (made) => {
      lay(made)
      for (const packet of [...made.packets, ...made.packets]) {
        const { to, ttl, bytes } = packet
        const src = to.length === 4 ? a.v4 : a.v6
        const frame = (dstMac: typeof a.mac, srcMac: typeof a.mac, hops: number): Uint8Array =>
          tcpFrame({ srcMac, dstMac, src, dst: to, ttl: hops, srcPort: 1, dstPort: 2 }, new Uint8Array(bytes))
        const { changed, data } = scene.from('a', frame(gateway.mac, a.mac, ttl))
        const said = judge(made, packet)
        if (!(said in places)) {
          assert.equal(changed[`a.${said}`], 1, `${formatIp(to)} ttl ${ttl}: ${said}, not ${JSON.stringify(changed)}`)
          continue
        }
        assert.equal(
          changed[`${said === 'far' ? 'mux' : (said as Unit)}.tx`],
          1,
          `${formatIp(to)}: to ${said}, not ${JSON.stringify(changed)}`,
        )
        assert.deepEqual(data, frame(stations[said as Place].mac, gateway.mac, ttl - 1))
      }
    }),
    { numRuns: 15 },
  )
})
