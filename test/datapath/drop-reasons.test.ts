/**
 * The real programs reach every reason for which the datapath drops. A reason without a case here does not compile, and
 * fails.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { dropReasons, dstFlag, portFlag, routeKind, type DropReason } from '#datapath/layout.ts'
import type { FlowState } from '#datapath/policy-layout.ts'
import type { BenchResult } from '#datapath/test-bench.ts'
import { arpRequest, ethernetFrame, gratuitousArp, ipFrame, ipv4Frame, patch, tcpFrame, udpFrame } from '#wire/frames.ts'
import { ipFrom, type Ip } from '#wire/ip-address.ts'
import { neighbourAdvertisement, routerAdvertisement } from '#wire/nd-frames.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { broadcastMac, macFrom, type Mac } from '#wire/mac.ts'
import type { Group } from '#object/store/model.ts'
import { GroupScene } from './group-scene.ts'
import { blue, dropped, expect, gateway, red, Scene, stations, vtepOf } from './scene.ts'
import { share, shared, sharedNat } from './shared-nat.ts'

const { a, b, far, stranger, other } = stations
const tcp = (dstMac: Mac = b.mac, bytes = 100): Uint8Array =>
  tcpFrame({ srcMac: a.mac, dstMac, src: a.v4, dst: b.v4, srcPort: 1000, dstPort: 80 }, new Uint8Array(bytes))
const fromFar = (dstMac: Mac): Uint8Array => tcpFrame({ srcMac: far.mac, dstMac, src: far.v4, dst: a.v4, srcPort: 1000, dstPort: 80 })

/** With `b` in a security group that has no rules. */
function inGroup(scene: Scene, run: (groups: GroupScene, group: Group) => BenchResult): BenchResult {
  const groups = new GroupScene(scene)
  const group = groups.group()
  groups.join('b', group)
  groups.settle()
  return run(groups, group)
}

interface Case {
  readonly run: (scene: Scene) => BenchResult
  /** The source that the drop counts for; default `a`. */
  readonly source?: string
  /** Counters that change besides. */
  readonly besides?: Readonly<Record<string, number>>
  /** What the packet becomes; dropped when left out. */
  readonly becomes?: Partial<BenchResult>
  /** What the event says of the packet's flow, or of the route: bits of the prefix, as the tables have them. */
  readonly state?: FlowState
  readonly route?: number | null
  /** Which NAT it names. */
  readonly nat?: number
}

const toGateway = (dst: Ip, ttl = 64): Uint8Array =>
  tcpFrame({ srcMac: a.mac, dstMac: gateway.mac, src: a.v4, dst, ttl, srcPort: 1, dstPort: 2 })
const toldByIcmp = { besides: { 'a.tooBig': 1 }, becomes: { action: 'redirect', verdict: 'answer' } } as const

const cases: Record<Exclude<DropReason, 'none'>, Case> = {
  malformed: { run: (scene) => scene.from('a', patch(tcp(), 14, 0x44)) },
  not_ethernet_ii: { run: (scene) => scene.from('a', ethernetFrame({ srcMac: a.mac, dstMac: b.mac, type: 50 }, new Uint8Array(50))) },
  vlan_mismatch: {
    run: (scene) => scene.from('a', tcpFrame({ srcMac: a.mac, dstMac: b.mac, vlan: 9, src: a.v4, dst: b.v4, srcPort: 1, dstPort: 2 })),
  },
  link_control: { run: (scene) => scene.from('a', tcp(macFrom('01:80:c2:00:00:0e'))) },
  source_mac: { run: (scene) => scene.from('a', patch(tcp(), 11, 77)) },
  source_ip: {
    run: (scene) => scene.from('a', tcpFrame({ srcMac: a.mac, dstMac: b.mac, src: stranger.v4, dst: b.v4, srcPort: 1, dstPort: 2 })),
  },
  arp_spoof: { run: (scene) => scene.from('a', gratuitousArp({ sha: a.mac, spa: b.v4 })) },
  nd_spoof: { run: (scene) => scene.from('a', neighbourAdvertisement({ srcMac: a.mac, src: a.v6, target: b.v6 })) },
  dhcp_spoof: {
    run: (scene) => scene.from('a', udpFrame({ srcMac: a.mac, dstMac: b.mac, src: a.v4, dst: b.v4, srcPort: 67, dstPort: 68 })),
  },
  ra_spoof: { run: (scene) => scene.from('a', routerAdvertisement({ srcMac: a.mac, src: a.linkLocal })) },
  not_connected: {
    run: (scene) => {
      scene.tables.ports.delete(scene.devices.a)
      return scene.from('a', tcp())
    },
    source: 'none',
  },
  switch_down: {
    run: (scene) => {
      scene.port('a', { flags: portFlag.antispoof })
      return scene.from('a', tcp())
    },
  },
  unknown_unicast: { run: (scene) => scene.from('a', tcp(stranger.mac)) },
  no_neighbour: { run: (scene) => scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: stranger.v4 })), besides: { 'a.missed': 1 } },
  no_listener: {
    run: (scene) => scene.from('other', ethernetFrame({ srcMac: other.mac, dstMac: broadcastMac, type: 0x88b5 }, new Uint8Array(50))),
    source: 'other',
  },
  hairpin: { run: (scene) => scene.from('a', tcp(a.mac)) },
  too_big: {
    run: (scene) => scene.from('a', tcp(b.mac, 1500)),
    besides: { 'a.tooBig': 1 },
    becomes: { action: 'redirect', verdict: 'answer' },
  },
  unknown_vni: { run: (scene) => scene.fromTunnel(fromFar(a.mac), { vni: 777 }), source: 'mux' },
  unknown_mac: { run: (scene) => scene.fromTunnel(fromFar(stranger.mac)), source: 'mux' },
  bad_tunnel: { run: (scene) => scene.fromNowhere(fromFar(a.mac)), source: 'mux' },
  bad_vtep: {
    run: (scene) => {
      scene.learn('far', scene.remote({}, vtepOf(ipFrom('192.0.2.3'))))
      return scene.fromTunnel(fromFar(a.mac))
    },
    source: 'mux',
  },
  encap_failed: {
    run: (scene) => {
      // The mux listens on IPv4.
      scene.learn('far', scene.remote({}, { family: 6, port: 0, addr: ipFrom('2001:db8::2') }))
      return scene.from('a', tcp(far.mac))
    },
  },
  ethertype: {
    run: (scene) => {
      scene.port('a', { flags: portFlag.up | portFlag.antispoof })
      return scene.from('a', ethernetFrame({ srcMac: a.mac, dstMac: b.mac, type: 0x88b5 }, new Uint8Array(50)))
    },
  },
  vrrp: {
    run: (scene) => scene.from('a', ipFrame({ srcMac: a.mac, dstMac: b.mac, src: a.v4, dst: b.v4, protocol: 112 }, new Uint8Array(20))),
  },
  multicast_query: {
    run: (scene) =>
      scene.from(
        'a',
        ipFrame({ srcMac: a.mac, dstMac: b.mac, src: a.v4, dst: b.v4, protocol: 2 }, Uint8Array.of(0x11, 0, 0, 0, 0, 0, 0, 0)),
      ),
  },
  source_route: {
    run: (scene) =>
      scene.from(
        'a',
        ipv4Frame(
          { srcMac: a.mac, dstMac: b.mac, src: a.v4, dst: b.v4, protocol: 253, options: Uint8Array.of(131, 3, 4, 0) },
          new Uint8Array(20),
        ),
      ),
  },
  unicast_to_all: { run: (scene) => scene.from('a', tcp(broadcastMac)) },
  port_held: {
    run: (scene) => {
      scene.port('a', { flags: portFlag.held | portFlag.antispoof })
      return scene.from('a', tcp())
    },
  },
  broadcast_rate: {
    run: (scene) => {
      scene.port('a', { broadcastRate: 1 })
      const toAll = ethernetFrame({ srcMac: a.mac, dstMac: broadcastMac, type: 0x88b5 }, new Uint8Array(50))
      scene.from('a', toAll)
      return scene.from('a', toAll)
    },
  },
  rate_limit: {
    run: (scene) => {
      scene.port('a', { flags: portFlag.up | portFlag.limited })
      scene.tables.portLimits.set(
        { stats: 1 },
        { bytesOut: 1n, bytesIn: 0n, packetsOut: 0, packetsIn: 0, neighbourQuestions: 100, dhcpQuestions: 100 },
      )
      scene.from('a', tcp())
      return scene.from('a', tcp())
    },
  },
  forwarded: {
    run: (scene) => {
      scene.learn('stranger', scene.remote({ flags: dstFlag.forward }))
      return scene.fromTunnel(fromFar(stranger.mac), { forwarded: true })
    },
    source: 'mux',
  },
  not_from_mux: {
    run: (scene) => {
      scene.uplink(red)
      scene.reserve(stranger.v4)
      const link = { srcMac: a.mac, dstMac: stranger.mac }
      return scene.from('a', udpFrame({ ...link, src: a.v4, dst: stranger.v4, srcPort: 50_000, dstPort: 4789 }))
    },
  },
  bad_offload: { run: (scene) => scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: b.v4 }), { gsoSize: 100 }) },
  sg_denied: { run: (scene) => inGroup(scene, () => scene.from('a', tcp())) },
  sg_revoked: {
    run: (scene) =>
      inGroup(scene, (groups, group) => {
        groups.rules(group, { id: '1', direction: 'in' })
        groups.settle()
        const path = { srcMac: a.mac, dstMac: b.mac, src: a.v4, dst: b.v4, srcPort: 1000, dstPort: 80 }
        scene.from('a', tcpFrame({ ...path, flags: 2 }))
        groups.rules(group)
        groups.settle()
        return scene.from('a', tcpFrame({ ...path, flags: 0x10 }))
      }),
    state: 'denied',
  },
  flow_unrelated: {
    run: (scene) =>
      inGroup(scene, () => {
        const quoted = udpFrame({ srcMac: b.mac, dstMac: a.mac, src: b.v4, dst: a.v4, srcPort: 5, dstPort: 6 }).subarray(14)
        const path = { srcMac: a.mac, dstMac: b.mac, src: a.v4, dst: b.v4 }
        return scene.from('a', ipFrame({ ...path, protocol: 1 }, Uint8Array.of(3, 3, 0, 0, 0, 0, 0, 0, ...quoted)))
      }),
  },
  flow_invalid: {
    run: (scene) =>
      inGroup(scene, (groups, group) => {
        groups.rules(group, { id: '1', direction: 'in' })
        groups.settle()
        const path = { srcMac: a.mac, dstMac: b.mac, src: a.v4, dst: b.v4, srcPort: 1001, dstPort: 80 }
        scene.from('a', tcpFrame({ ...path, flags: 2 }))
        return scene.from('a', tcpFrame({ ...path, flags: 3 }))
      }),
    state: 'new',
  },
  fragment_order: {
    run: (scene) =>
      inGroup(scene, () =>
        scene.from('a', patch(udpFrame({ srcMac: a.mac, dstMac: b.mac, src: a.v4, dst: b.v4, srcPort: 5, dstPort: 6 }), 20, 0, 9)),
      ),
  },
  host_stack: { run: (scene) => scene.into('a', tcp()), source: 'none' },
  route_blackhole: {
    run: (scene) => {
      scene.route()
      scene.routeTo('10.0.0.0/16', { kind: routeKind.blackhole })
      return scene.from('a', toGateway(ipFrom('10.0.9.9')))
    },
    route: 96 + 16,
  },
  no_route: { run: (scene) => (scene.route(), scene.from('a', toGateway(ipFrom('198.51.100.1')))), ...toldByIcmp, route: null },
  no_host: { run: (scene) => (scene.route(), scene.from('a', toGateway(stranger.v4))), ...toldByIcmp, route: 96 + 24 },
  ttl_exceeded: { run: (scene) => (scene.route(), scene.from('a', toGateway(stations.other.v4, 1))), ...toldByIcmp },
  no_public_address: {
    run: (scene) => {
      scene.route()
      scene.routeTo('0.0.0.0/0', { kind: routeKind.igw })
      return scene.from('a', toGateway(ipFrom('198.51.100.1')))
    },
    ...toldByIcmp,
    route: 96,
  },
  nat_exhausted: {
    run: (scene) => {
      share(scene, [shared.v6])
      return scene.from('a', toGateway(ipFrom('198.51.100.1')))
    },
    nat: sharedNat,
  },
  nat_no_mapping: {
    run: (scene) => {
      share(scene)
      const [srcMac, dstMac] = [b.mac, scene.netns.netlink.linkByIndex(scene.devices.wire)!.mac as Mac]
      const frame = udpFrame({ srcMac, dstMac, src: ipFrom('198.51.100.1'), dst: shared.v4, srcPort: 53, dstPort: 5000 }, new Uint8Array(8))
      return scene.run('wire', scene.devices.wire, frame, {})
    },
    source: 'nat',
    nat: sharedNat,
  },
  nat_protocol: {
    run: (scene) => {
      share(scene)
      const path = { srcMac: a.mac, dstMac: gateway.mac, src: a.v4, dst: ipFrom('198.51.100.1') }
      return scene.from('a', ipFrame({ ...path, protocol: 47 }, new Uint8Array(20)))
    },
    nat: sharedNat,
  },
  nat_fragment: {
    run: (scene) => {
      share(scene)
      const path = { srcMac: a.mac, dstMac: gateway.mac, src: a.v4, dst: ipFrom('198.51.100.1') as Ipv4 }
      return scene.from(
        'a',
        ipv4Frame({ ...path, protocol: ipProtocol.udp, dontFragment: false, fragmentOffset: 64, id: 99 }, new Uint8Array(16)),
      )
    },
    nat: sharedNat,
  },
  service_rate: {
    run: (scene) => {
      scene.serve()
      const ask = tcpFrame({ srcMac: a.mac, dstMac: gateway.mac, src: a.v4, dst: ipFrom('169.254.169.254'), srcPort: 1, dstPort: 80 })
      scene.from('a', ask)
      return scene.from('a', ask)
    },
  },
  to_gateway: { run: (scene) => (scene.route(), scene.from('a', toGateway(gateway.v4))), ...toldByIcmp },
}

describe('every drop reason', () => {
  let scene: Scene
  // Each case has an event, also where all of them run within a second.
  before(() => void (scene = new Scene({ rates: { dropEventsPerSecond: 1000, servicePerSecond: 1 } })))
  beforeEach(() => scene.reset())
  after(() => scene[Symbol.dispose]())

  test('has a case', () => assert.deepEqual(Object.keys(cases).sort(), dropReasons.filter((reason) => reason !== 'none').sort()))

  for (const [name, { run, source = 'a', besides = {}, becomes, state, route, nat }] of Object.entries(cases)) {
    const reason = name as DropReason
    test(`${reason} is reached, counted and told`, () => {
      const result = run(scene)
      const { changed, ...rest } = dropped(reason, source)
      expect(result, { ...(becomes ?? rest), changed: { ...changed, ...besides } })
      const told = result.events.filter((event) => event.kind === 'drop')
      assert.deepEqual(
        told.map((event) => [event.reason, event.refusal?.state, event.route, event.nat]),
        [[reason, state, route, nat]],
      )
    })
  }

  test('of one segment is not that of another', () => {
    const result = scene.from('other', tcpFrame({ srcMac: other.mac, dstMac: b.mac, src: other.v4, dst: b.v4, srcPort: 1, dstPort: 2 }))
    expect(result, dropped('unknown_unicast', 'other'))
    assert.equal(result.events[0]?.segment, blue)
  })
})
