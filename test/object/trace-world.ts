/**
 * A host with two routed subnets, four units, security groups and stations on two other hosts, whose packets are traced
 * and then really sent: what the test of traces compares.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { operations } from '#abi/command.ts'
import { idBytes } from '#abi/id.ts'
import type { FlowInfo, HostifInfo } from '#abi/info.ts'
import type { TraceReport } from '#abi/trace.ts'
import { publicKind } from '#datapath/nat-layout.ts'
import { BpfMap } from '#kernel/bpf-map.ts'
import { PacketCapture } from '#kernel/packet-capture.ts'
import { RingBuffer } from '#kernel/ringbuf.ts'
import { ipFrom, toMapped, type Ip } from '#wire/ip-address.ts'
import { asMac, macFrom, type Mac } from '#wire/mac.ts'
import { addresses, entry, floats, json, jsonText, neighbour, none, routes, sockaddr, text, u32, vni } from './inputs.ts'
import { ScratchHost, type Opened } from './scratch-host.ts'

export const subnets = [5001, 5002] as const
/** Stations on other hosts, by their VTEPs' last byte. */
const wireMacs = '02:aa:bb:cc:00:'

export interface Station {
  readonly subnet: 0 | 1
  readonly number: number
  readonly mac: Mac
}
export interface Unit extends Station {
  readonly port: Opened
  readonly ifindex: number
  readonly name: string
  readonly seen: PacketCapture
}

export const addressIn = (subnet: 0 | 1, number: number, family: 4 | 6): Ip =>
  ipFrom(family === 4 ? `10.${subnet}.0.${number}` : `fd0${subnet}::${number}`)

export class TraceWorld implements AsyncDisposable {
  readonly host = new ScratchHost()
  readonly units: readonly Unit[]
  readonly remote: readonly Station[] = [
    { subnet: 0, number: 20, mac: macFrom('02:00:00:00:00:20') },
    { subnet: 1, number: 21, mac: macFrom('02:00:00:00:00:21') },
  ]
  readonly groups: readonly Opened[]
  readonly sw: Opened
  readonly mux: Opened
  readonly wire: PacketCapture
  /** What the NAT sends to the router outside. */
  readonly outside: PacketCapture
  /** Entries that a test made itself. */
  readonly #made = new DisposableStack()
  /** Of the underlay's other end, and of the underlay. */
  readonly wireIfindex: number
  readonly wireMac: Mac
  readonly router: Opened
  readonly nat: Opened

  constructor() {
    const { host } = this
    for (const which of ['all', 'default']) writeFileSync(`/proc/sys/net/ipv6/conf/${which}/disable_ipv6`, '1')
    host.addInterface('wire0', 1600, '192.0.2.1')
    const ethlink = host.create('ethlink')
    ethlink.do('ethlinkConnect', text('wire0'))
    this.mux = host.create('vpcmux')
    this.mux.do('vpcmuxListen', sockaddr('192.0.2.1'))
    this.mux.do('vpcmuxConnect', idBytes(ethlink.id))
    this.sw = host.create('vpcsw')
    this.router = host.create('vpcrtr')
    for (const subnet of [0, 1] as const) this.#makeSubnet(subnet)
    this.router.do(
      'vpcrtrRouteSet',
      routes('10.9.0.0/16 blackhole', '10.8.0.0/16 unreachable', '10.7.0.0/16 via 10.1.0.11', '203.0.113.0/24 igw', '198.51.100.0/24 igw'),
    )
    this.nat = host.create('vpcnat')
    this.#makeNat()
    this.groups = [this.#makeGroup('web'), this.#makeGroup('db')]
    this.units = ([0, 0, 1, 1] as const).map((subnet, i) => this.#makeUnit(subnet, 10 + (i % 2)))
    for (const { subnet, number, mac } of this.remote) this.#makeRemote(subnet, number, mac)
    for (const end of [2, 3]) spawnSync('ip', ['neigh', 'add', `192.0.2.${end}`, 'lladdr', `${wireMacs}0${end}`, 'dev', 'wire0'])
    spawnSync('ip', ['neigh', 'add', '203.0.113.1', 'lladdr', `${wireMacs}01`, 'dev', 'out0'])
    this.outside = new PacketCapture(this.#link('out0-wire').ifindex, 0x02aabbcc)
    this.wireIfindex = this.#link('wire0-wire').ifindex
    this.wireMac = this.#link('wire0').mac
    this.wire = new PacketCapture(this.wireIfindex, 0x02aabbcc)
  }

  /** Give a group other rules. */
  rules(group: number, rules: readonly object[]): void {
    this.groups[group]!.do('groupRulesSet', jsonText(rules))
  }

  /** Put a unit's port into groups. */
  join(unit: Unit, ...groups: readonly number[]): void {
    unit.port.do('vpcpGroupsSet', jsonText(groups.map((group) => this.groups[group]!.id)))
  }

  trace({ port }: Unit, frame: Uint8Array): TraceReport {
    return json(port.do('vpcpTrace', jsonText({ frame: Buffer.from(frame).toString('hex') }))) as TraceReport
  }

  traceArrival(frame: Uint8Array): TraceReport {
    const mgmt = this.host.mgmt()
    using _ = mgmt.handle
    return json(mgmt.do('mgmtTraceArrival', jsonText({ arrived: Buffer.from(frame).toString('hex') }))) as TraceReport
  }

  flows(): readonly FlowInfo[] {
    const mgmt = this.host.mgmt()
    using _ = mgmt.handle
    return json(mgmt.handle.ctl(operations.mgmtFlows.command, none)) as readonly FlowInfo[]
  }

  /** Drops by reason, of all sources together. */
  drops(): Map<string, number> {
    const sums = new Map<string, number>()
    for (const [, drops] of this.host.datapath.tables.drops.readAll())
      for (const [reason, count] of Object.entries(drops)) sums.set(reason, (sums.get(reason) ?? 0) + count)
    return sums
  }

  /** Everything that the pinned tables have, byte by byte, and how much the rings got. */
  contents(): Record<string, string> {
    const found: Record<string, string> = {}
    for (const { name } of this.host.datapath.mapPins()) {
      using map = BpfMap.fromPin(join(this.host.bpffs.path, 'vpc', 'maps', name))
      if (name === 'drop_events' || name === 'questions') {
        using ring = new RingBuffer(map)
        found[name] = String(ring.written)
      } else found[name] = dump(map, name)
    }
    return found
  }

  /** Have stations without a public address of their own share one. */
  shareAddress(text: string): void {
    const { tables } = this.host.datapath
    const addr = toMapped(ipFrom(text))
    const [[{ wire }, { nat, vpc }]] = [tables.publicAddresses.entries()[0]!]
    const everybody = { vpc, addr: toMapped(ipFrom('0.0.0.0')) }
    tables.floats.set(everybody, { nat, addr: new Uint8Array(16) })
    tables.natCells.set(nat, [addr])
    tables.publicAddresses.set({ wire, addr }, { kind: publicKind.blocks, nat, vpc, inside: new Uint8Array(16) })
    this.#made.defer(() => {
      tables.floats.delete(everybody)
      tables.publicAddresses.delete({ wire, addr })
    })
  }

  /** Wait until something has come true; false: it never does. */
  async until(holds: () => boolean): Promise<boolean> {
    for (const end = Date.now() + 2000; Date.now() < end; await nextTurn()) if (holds()) return true
    return holds()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#made.dispose()
    for (const { seen } of this.units) seen[Symbol.dispose]()
    this.wire[Symbol.dispose]()
    this.outside[Symbol.dispose]()
    await this.host[Symbol.asyncDispose]()
  }

  #link(name: string): { readonly ifindex: number; readonly mac: Mac } {
    const { ifindex, mac } = this.host.netlink.links().find((link) => link.name === name)!
    return { ifindex, mac: asMac(mac) }
  }

  #makeSubnet(subnet: 0 | 1): void {
    const made = this.host.create('subnet')
    made.do('subnetVniSet', vni(subnets[subnet]))
    made.do('subnetPrefix4Set', text(`10.${subnet}.0.0/24`))
    made.do('subnetPrefix6Set', text(`fd0${subnet}::/64`))
    if (subnet === 1) made.do('subnetMaxPacketSet', u32(1280))
    made.do('subnetSwitchSet', idBytes(this.sw.id))
    made.do('subnetRouterSet', idBytes(this.router.id))
  }

  /** The first unit of each subnet has a public address. */
  #makeNat(): void {
    const { host } = this
    host.addInterface('out0')
    const [ethlink, nat] = [host.create('ethlink'), this.nat]
    ethlink.do('ethlinkConnect', text('out0'))
    nat.do('vpcnatRouterSet', idBytes(this.router.id))
    nat.do('vpcnatEthlinkSet', idBytes(ethlink.id))
    nat.do('vpcnatPoolSet', jsonText(['203.0.113.16/28']))
    nat.do('vpcnatPrefix4Set', text('203.0.113.0/24'))
    nat.do('vpcnatGateway4Set', text('203.0.113.1'))
    nat.do('vpcnatFloatAdd', floats('203.0.113.20 to 10.0.0.10', '203.0.113.21 to 10.1.0.10'))
  }

  #makeGroup(name: string): Opened {
    const group = this.host.create('group')
    group.do('groupSwitchSet', idBytes(this.sw.id))
    group.do('groupNameSet', text(name))
    return group
  }

  #makeUnit(subnet: 0 | 1, number: number): Unit {
    const [port, hostif] = [this.host.create('vpcp'), this.host.create('hostif')]
    port.do('vpcpVniSet', vni(subnets[subnet]))
    port.do('vpcpAddressesSet', addresses(...([4, 6] as const).map((family) => textIn(subnet, number, family))))
    this.sw.do('vpcswPortAdd', idBytes(port.id))
    port.do('vpcpConnect', idBytes(hostif.id))
    const { unit: name, mac } = hostif.describe<HostifInfo>()
    const { ifindex } = this.#link(name)
    this.host.netlink.setLink(ifindex, { up: true })
    const bytes = macFrom(mac)
    const prefix = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
    return { subnet, number, mac: bytes, port, ifindex, name, seen: new PacketCapture(ifindex, prefix) }
  }

  #makeRemote(subnet: 0 | 1, number: number, mac: Mac): void {
    const words = Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':')
    this.mux.do('vpcmuxFteSet', entry(subnets[subnet], words, `192.0.2.${subnet + 2}`))
    for (const family of [4, 6] as const) this.sw.do('vpcswNeighbourSet', neighbour(subnets[subnet], textIn(subnet, number, family), words))
  }
}

const textIn = (subnet: 0 | 1, number: number, family: 4 | 6): string =>
  family === 4 ? `10.${subnet}.0.${number}` : `fd0${subnet}::${number}`

function dump(map: BpfMap, name: string): string {
  const lines = map.entries().map(([key, value]) => {
    if (name !== 'flows' && name !== 'nat_cells') return `${hex(key)} ${hex(value)}`
    using inner = BpfMap.fromId(new DataView(value.buffer, value.byteOffset).getUint32(0, true))
    return `${hex(key)}: ${dump(inner, '')}`
  })
  return lines.sort().join('\n')
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
