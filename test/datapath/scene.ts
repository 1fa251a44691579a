/**
 * One host for packet tests without wires: its tables, its devices, and frames put in by hand. Counters have names
 * (`a.rx`, `a.source_mac`), and `expect` holds every counter that a test does not name to have stayed as it was.
 *
 * In segment 5001: `a` (addresses listed), `b` and `free` (none listed, `free` not checked), `tagged` (VLAN 7), and
 * behind a VTEP `far`. `other` is alone in segment 5002. `wire` is an interface for an uplink, which no segment has
 * until a test gives it one.
 */
import assert from 'node:assert/strict'
import { bytes } from '#abi/c-struct.ts'
import {
  dstKind,
  endKind,
  gatewayMac,
  routeKind,
  routesOf,
  subnetFlag,
  type Route,
  type Subnet,
  floodRemote,
  muxFlag,
  noDst,
  portFlag,
  segmentFlag,
  statsNone,
  traceForwarded,
  traceIpv6,
  type Dst,
  type Port,
  type Vtep,
  unwatched,
} from '#datapath/layout.ts'
import type { Hook } from '#datapath/hook.ts'
import { Table } from '#datapath/table.ts'
import type { BpfProgram } from '#kernel/libbpf.ts'
import { TestBench, type BenchResult } from '#datapath/test-bench.ts'
import type { PacketContext } from '#datapath/test-run.ts'
import { familyOf, ipFrom, isIpv4, toMapped, type Ip } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { linkLocal, type Ipv6 } from '#wire/ipv6-address.ts'
import { macFrom, type Mac } from '#wire/mac.ts'
import { prefixFrom } from '#wire/prefix.ts'
import { builtObjects } from '../bpf/built-objects.ts'
import { PrivateNetns } from '../bpf/private-netns.ts'

export const red = 5001
export const blue = 5002

/** A station: its MAC and addresses. */
export interface Station {
  readonly mac: Mac
  readonly v4: Ipv4
  readonly v6: Ipv6
  readonly linkLocal: Ipv6
}

function station(last: number): Station {
  const mac = macFrom(`02:00:00:00:00:${last.toString(16).padStart(2, '0')}`)
  return { mac, v4: ipFrom(`10.0.0.${last}`) as Ipv4, v6: ipFrom(`fd00::${last.toString(16)}`) as Ipv6, linkLocal: linkLocal(mac) }
}

/** All stations of the scene, and `stranger`, which no table has. */
export const stations = {
  a: station(1),
  b: station(2),
  free: station(3),
  tagged: station(4),
  other: station(5),
  far: station(9),
  stranger: station(200),
}
export type Name = keyof typeof stations

/** The gateway of both segments, once `route` has joined them. */
export const gateway = { ...station(254), mac: gatewayMac, linkLocal: linkLocal(gatewayMac) }

/** Stats indexes by name. */
const sources = { a: 1, b: 2, free: 3, tagged: 4, other: 5, uplink: 6, mux: 7, nat: 8 } as const
const counterNames: Readonly<Record<string, string>> = { rxPackets: 'rx', txPackets: 'tx' }
const units = ['a', 'b', 'free', 'tagged', 'other'] as const
export type Unit = (typeof units)[number]

export const listenAddress = ipFrom('192.0.2.1')
export const vtepOf = (address: Ip, port = 0): Vtep => ({ family: isIpv4(address) ? 4 : 6, port, addr: address })

/**
 * A test's expectation for a packet. Missing parts may be anything, except counters: those that are missing must not
 * have changed.
 */
export type Expectation = Partial<Omit<BenchResult, 'changed'>> & { readonly changed: Readonly<Record<string, number>> }

export class Scene implements Disposable {
  readonly netns: PrivateNetns
  readonly bench: TestBench
  /** Ifindex by name: units, `wire`, `mux`. */
  readonly devices: Readonly<Record<Unit | 'wire' | 'mux', number>>
  /** Tables that the programs alone write and read. */
  readonly #learned: readonly Table<Uint8Array, Uint8Array>[]
  readonly #stack: DisposableStack

  constructor(
    options: {
      readonly limits?: Readonly<Record<string, number>>
      readonly rates?: {
        readonly dropEventsPerSecond?: number
        readonly missEventsPerSecond?: number
        readonly watchPerSecond?: number
        readonly servicePerSecond?: number
      }
    } = {},
  ) {
    using stack = new DisposableStack()
    this.netns = stack.use(new PrivateNetns())
    const veth = (name: string): number => this.netns.veth(name, `${name}-peer`)[0]
    const mux = this.netns.netlink.createVxlan({ name: 'mux', dstPort: 4789, up: true }).ifindex
    const named = [...units, 'wire'].map((name) => [name, veth(name)])
    this.devices = { ...Object.fromEntries(named), mux }
    this.bench = stack.use(new TestBench({ objectDir: builtObjects(), inside: (run) => this.netns.run(run), ...options }))
    const learned = (name: string, key: number, value: number): Table<Uint8Array, Uint8Array> =>
      new Table(name, stack.use(this.bench.map(name)), bytes(key), bytes(value))
    this.#learned = [learned('learned', 20, 56), learned('link_locals', 4, 96)]
    this.reset()
    this.#stack = stack.move()
  }

  get tables(): TestBench['tables'] {
    return this.bench.tables
  }

  /** Empty all tables and lay the scene again. */
  reset(): void {
    const {
      ports,
      fdb,
      flood,
      neighbours,
      portAddresses,
      portLimits,
      segments,
      muxes,
      vteps,
      tunnelEnds,
      subnets,
      routes,
      hosts,
      servicePorts,
    } = this.tables
    const routing = [tunnelEnds, subnets, routes, hosts, servicePorts]
    for (const table of [ports, fdb, flood, neighbours, portAddresses, portLimits, segments, muxes, vteps, ...routing, ...this.#learned]) {
      ;(table.deleteMany as (keys: unknown[]) => number).call(
        table,
        table.entries().map(([key]) => key),
      )
    }
    for (const id of [red, blue]) segments.set(id, { flags: segmentFlag.up, switchUnit: 0, uplink: noDst, ...unwatched })
    for (const unit of units) this.port(unit)
    for (const address of [stations.a.v4, stations.a.v6]) portAddresses.set({ stats: sources.a, addr: toMapped(address) }, 1)
    muxes.set(this.devices.mux, { stats: sources.mux, flags: muxFlag.directOut | muxFlag.directIn, listen: vtepOf(listenAddress, 4789) })
    for (const segment of [red, blue]) for (const vtep of ['192.0.2.2', '2001:db8::2']) this.takeFrom(ipFrom(vtep), segment)
    for (const name of units) this.learn(name, this.local(name), name === 'other' ? blue : red)
    this.learn('far', this.remote())
    this.floodTo(
      red,
      ['a', 'b', 'free', 'tagged'].map((name) => this.local(name as Unit)),
    )
  }

  /** Accept packets of a segment from a VTEP. */
  takeFrom(vtep: Ip, segment = red): void {
    this.tables.vteps.set({ stats: sources.mux, segment, addr: toMapped(vtep) }, 1)
  }

  /** Reserve a VTEP for muxes; `own`: it is this host. */
  reserve(vtep: Ip, port = 4789, { own = false } = {}): void {
    const addr = toMapped(vtep)
    const ends = [{ port, kind: endKind.port }, { port: 0, kind: endKind.address }, ...(own ? [{ port: 0, kind: endKind.own }] : [])]
    for (const end of ends) this.tables.tunnelEnds.set({ ...end, addr }, 1)
  }

  /** Give the guests of segment 5001 services of the host, behind `wire`; without a router, or besides it. */
  serve({ routed = false, incarnation = 0xabcd1234 } = {}): void {
    const flags = subnetFlag.metadata | subnetFlag.dns | (routed ? subnetFlag.routed : 0)
    const gateways = { gateway4: toMapped(gateway.v4), gateway6: toMapped(gateway.v6) }
    this.tables.subnets.set(red, { flags, vpc: 1, routeTable: 7, mtu: 0, ...gateways })
    for (const name of ['a', 'b', 'free', 'tagged'] as const)
      this.tables.servicePorts.set(sources[name], { ifindex: this.devices.wire, incarnation })
  }

  /** Join both segments by a router: the addresses of both are 10.0.0.0/24 and fd00::/64. */
  route(changes: Partial<Subnet> = {}): void {
    const gateways = { gateway4: toMapped(gateway.v4), gateway6: toMapped(gateway.v6) }
    for (const segment of [red, blue])
      this.tables.subnets.set(segment, {
        flags: subnetFlag.routed,
        vpc: 1,
        routeTable: 7,
        mtu: 0,
        ...gateways,
        ...(segment === blue && changes),
      })
    this.routeTo('10.0.0.0/24', { kind: routeKind.local })
    this.routeTo('fd00::/64', { kind: routeKind.local })
    for (const [name, { v4, v6, mac }] of Object.entries(stations))
      if (name !== 'stranger')
        for (const address of [v4, v6])
          this.tables.hosts.set({ vpc: 1, addr: toMapped(address) }, { segment: name === 'other' ? blue : red, mac })
  }

  /** Set a route of the table that both segments have. */
  routeTo(prefix: string, { kind, vpc = 0, addr = new Uint8Array(16) }: Partial<Route> & Pick<Route, 'kind'>): void {
    const { address, length } = prefixFrom(prefix)
    const family = familyOf(address)
    const key = { length: 32 + (family === 4 ? 96 : 0) + length, table: routesOf(7, family), addr: toMapped(address) }
    this.tables.routes.set(key, { kind, vpc, addr })
  }

  /** Set a unit's port; missing fields are as in the scene. */
  port(unit: Unit, changes: Partial<Port> = {}): void {
    const flags = portFlag.up | portFlag.ethertypes | (unit === 'free' ? 0 : portFlag.antispoof) | (unit === 'a' ? portFlag.addresses : 0)
    const usual: Port = {
      segment: unit === 'other' ? blue : red,
      flags,
      stats: sources[unit],
      vlan: unit === 'tagged' ? 7 : 0,
      mac: stations[unit].mac,
      broadcastRate: 0,
      vpc: 1,
    }
    this.tables.ports.set(this.devices[unit], { ...usual, ...changes })
  }

  /** Wrap `wire` as the uplink of a segment, whose frames carry this tag on it. */
  uplink(segment: number, vlan = 0, mtu = 1500): void {
    const dst: Dst = { ...noDst, kind: dstKind.uplink, vlan, mtu, ifindex: this.devices.wire, stats: sources.uplink }
    this.tables.segments.set(segment, { flags: segmentFlag.up, switchUnit: 0, uplink: dst, ...unwatched })
    this.tables.ports.set(this.devices.wire, {
      segment,
      flags: portFlag.up | portFlag.uplink,
      stats: sources.uplink,
      vlan,
      mac: macFrom('02:00:00:00:00:ee'),
      broadcastRate: 0,
      vpc: 1,
    })
    const page = this.tables.flood.get({ segment, page: 0 })
    this.floodTo(segment, [...(page?.dst.slice(0, page.count) ?? []), dst])
  }

  /** Where a unit of this host is. */
  local(unit: Unit, changes: Partial<Dst> = {}): Dst {
    return {
      ...noDst,
      kind: dstKind.local,
      vlan: unit === 'tagged' ? 7 : 0,
      mtu: 1500,
      ifindex: this.devices[unit],
      stats: sources[unit],
      ...changes,
    }
  }

  /** Behind a VTEP. */
  remote(changes: Partial<Dst> = {}, vtep = vtepOf(ipFrom('192.0.2.2'))): Dst {
    return { ...noDst, kind: dstKind.remote, mtu: 1450, ifindex: this.devices.mux, stats: sources.mux, vtep, ...changes }
  }

  /** Enter where a station is and which addresses it has. */
  learn(name: Name, dst: Dst, segment = red): void {
    const { mac, v4, v6, linkLocal: local } = stations[name]
    this.tables.fdb.set({ segment, mac }, dst)
    for (const address of [v4, v6, local]) this.tables.neighbours.set({ segment, addr: toMapped(address) }, { mac })
  }

  floodTo(segment: number, dst: readonly Dst[], page = 0, more = 0): void {
    this.tables.flood.set({ segment, page }, { count: dst.length, more, dst: [...dst] })
  }

  floodToVteps(segment: number, vteps: readonly Vtep[]): void {
    this.floodTo(
      segment,
      vteps.map((vtep) => this.remote({}, vtep)),
      floodRemote,
    )
  }

  /** A frame from a guest. */
  from(unit: Unit, frame: Uint8Array, context: PacketContext = {}): BenchResult {
    return this.run('unit', this.devices[unit], frame, context)
  }

  /** A frame into a unit's device: with its mark from the datapath, otherwise from the host's own stack. */
  into(unit: Unit, frame: Uint8Array, mark = 0): BenchResult {
    return this.run('unit-egress', this.devices[unit], frame, { mark })
  }

  /** A frame from the services of the host. */
  fromService(frame: Uint8Array): BenchResult {
    return this.run('service', this.devices.wire, frame, {})
  }

  /** A frame from the wire of the wrapped interface. */
  fromWire(frame: Uint8Array, context: PacketContext = {}): BenchResult {
    return this.run('ethlink', this.devices.wire, frame, context)
  }

  /** A frame that leaves by the wrapped interface: from which it came to the host, where it is not the host's own. */
  ontoWire(frame: Uint8Array, context: PacketContext = {}): BenchResult {
    return this.run('ethlink-egress', this.devices.wire, frame, context)
  }

  /** A frame out of the tunnel, addressed to `to`; its outer source is the next address after that. */
  fromTunnel(
    frame: Uint8Array,
    { vni = red, to = listenAddress, mark = 0, forwarded = false }: { vni?: number; to?: Ip; mark?: number; forwarded?: boolean } = {},
  ): BenchResult {
    const words = new Uint32Array(4)
    new Uint8Array(words.buffer).set(to)
    const cb = [...words, (vni | (isIpv4(to) ? 0 : traceIpv6) | (forwarded ? traceForwarded : 0)) >>> 0]
    return named(this.bench.run(this.#tunnel(), frame, { ifindex: this.devices.mux, cb, mark }), frame)
  }

  /**
   * A frame out of the tunnel, through the underlay's stack: for a second the underlay takes its VTEP's packets itself.
   * Counters are not read: a slow machine takes longer for that.
   */
  hear(frame: Uint8Array): void {
    const words = new Uint32Array(4)
    new Uint8Array(words.buffer).set(listenAddress)
    this.bench.decide(this.#tunnel(), frame, { ifindex: this.devices.mux, cb: [...words, red], mark: 0x7654_0000 })
  }

  /** Does the underlay take a packet itself, once it has heard its VTEP? `frame` says so again when that is too old. */
  takesOnceHeard(frame: Uint8Array, take: () => boolean): boolean {
    for (let i = 0; i < 10; i++) {
      if (take()) return true
      this.hear(frame)
    }
    return false
  }

  #tunnel(): BpfProgram {
    return this.bench.program('mux', 'vpc_mux_trace')
  }

  /** A frame on the mux's device without the mark of any tunnel. */
  fromNowhere(frame: Uint8Array): BenchResult {
    return this.run('mux', this.devices.mux, frame, {})
  }

  [Symbol.dispose](): void {
    this.#stack.dispose()
  }

  /** Run a packet through the program of a hook. */
  run(hook: Hook, ifindex: number, frame: Uint8Array, context: PacketContext): BenchResult {
    return named(this.bench.run(hook, frame, { ifindex, ...context }), frame)
  }
}

/** Compare a packet's result with the expectation. */
export function expect(result: BenchResult, expectation: Expectation): void {
  const seen = Object.fromEntries(Object.keys(expectation).map((key) => [key, result[key as keyof BenchResult]]))
  assert.deepEqual(seen, expectation)
}

/** The expectation of a drop: counted, told, and nothing else. */
export const dropped = (reason: BenchResult['reason'], source = 'a'): Expectation => ({
  action: 'drop',
  verdict: 'drop',
  reason,
  changed: { ...(source === 'none' ? {} : { [`${source}.rx`]: 1 }), [`${source}.${reason}`]: 1 },
})

/** The expectation of a frame that goes to one place. */
export const forwarded = (from: string, to: string): Expectation => ({
  action: 'redirect',
  verdict: 'forward',
  changed: { [`${from}.rx`]: 1, [`${to}.tx`]: 1 },
})

/** Counters by name. Bytes are held against the packets here, so that tests need not name them. */
function named(result: BenchResult, frame: Uint8Array): BenchResult {
  const changed: Record<string, number> = {}
  for (const [key, count] of Object.entries(result.changed)) {
    const [index, counter] = key.split('.') as [string, string]
    // How many events are kept back depends on how fast tests run; test/datapath/events.test.ts looks at these.
    if (counter === 'lostDropEvents' || counter === 'lostQuestions') continue
    if (!counter.endsWith('Bytes')) changed[`${sourceName(index)}.${counterNames[counter] ?? counter}`] = count
    if (counter === 'rxBytes') assert.equal(count, frame.length, 'bytes received')
    if (counter === 'txBytes') assert.ok(count > 0 && count % (result.changed[`${index}.txPackets`] ?? 0) === 0, 'bytes sent')
  }
  return { ...result, changed }
}

function sourceName(index: string): string {
  if (index === 'none' || Number(index) === statsNone) return 'none'
  return Object.entries(sources).find(([, number]) => number === Number(index))?.[0] ?? `source ${index}`
}
