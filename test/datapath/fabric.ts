/** Real hosts and guests for tests of the datapath: network namespaces, real devices, the real programs; no vpcd. */
import { execFileSync } from 'node:child_process'
import type { ObjectSet } from '#datapath/object-set.ts'
import { hooks, type Hook } from '#datapath/hook.ts'
import { dstFlag, dstKind, floodRemote, muxFlag, noDst, portFlag, segmentFlag, type Dst, type Vtep, unwatched } from '#datapath/layout.ts'
import { coalesceFrom, coalesceInto } from '#datapath/device/coalesce.ts'
import { vxlanSourcePorts } from '#datapath/device/vxlan.ts'
import { Tables } from '#datapath/tables.ts'
import { createTcxLink } from '#kernel/bpf-link.ts'
import { openEthtool } from '#kernel/ethtool.ts'
import { close } from '#kernel/libc.ts'
import { Netlink } from '#kernel/netlink.ts'
import { Netns } from '#kernel/netns.ts'
import { ipFrom, isIpv4, toMapped, type Ip } from '#wire/ip-address.ts'
import { macFrom, type Mac } from '#wire/mac.ts'
import { givePrograms, takePrograms } from './loaded-programs.ts'

let made = 0

/** A network namespace with a netlink socket in it. */
export class Space implements Disposable {
  readonly name = `vpc-dp-${process.pid}-${made++}`
  readonly netns = Netns.create(this.name)
  readonly netlink = Netlink.open(this.netns.fd)

  constructor() {
    this.netlink.setLink(1, { up: true })
  }

  /** Run a program inside and return its output. Throws its error output when it fails. */
  exec(command: string, ...args: string[]): string {
    return execFileSync('nsenter', this.argv(command, ...args), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** Arguments of `nsenter` that run a program inside. */
  argv(command: string, ...args: string[]): string[] {
    return [`--net=/run/netns/${this.name}`, command, ...args]
  }

  ifindex(device: string): number {
    const link = this.netlink.linkByName(device)
    if (!link) throw new Error(`${this.name} has no device ${device}`)
    return link.ifindex
  }

  [Symbol.dispose](): void {
    this.netlink[Symbol.dispose]()
    this.netns[Symbol.dispose]()
    Netns.delete(this.name)
  }
}

export const vtepOf = (text: string, port = 0): Vtep => {
  const address = ipFrom(text)
  return { family: isIpv4(address) ? 4 : 6, port, addr: address }
}

/** A guest: a namespace with `eth0`, the unit's end of a veth pair. */
export interface Guest {
  readonly space: Space
  readonly mac: Mac
  readonly addresses: readonly Ip[]
  readonly dst: Dst
  readonly segment: number
}

export interface NewGuest {
  readonly mac: string
  readonly segment: number
  readonly addresses: readonly string[]
  readonly mtu?: number
  /** Flags of the port besides `up`. */
  readonly flags?: number
  /** Leave the unit in the host's own namespace. */
  readonly local?: boolean
}

const MUX = 1

/** A host with a mux. Statistics: 1 is the mux, 2 the uplink, guests from 10 on. */
export class Host implements Disposable {
  readonly space: Space
  readonly tables: Tables
  readonly objects: ObjectSet
  readonly guests: Guest[] = []
  mux = 0
  readonly #stack: DisposableStack
  readonly #address: string

  constructor(address: string) {
    using stack = new DisposableStack()
    this.#address = address
    this.space = stack.use(new Space())
    this.objects = stack.adopt(takePrograms(), givePrograms)
    this.tables = stack.use(new Tables((name) => this.objects.map(name)))
    this.#stack = stack.move()
  }

  /** Run a hook's program on a device. */
  attach(hook: Hook, ifindex: number): void {
    const { object, program, direction } = hooks[hook]
    const { fd } = this.objects.program(object, program)
    const link = this.space.netns.run(() => createTcxLink(fd, ifindex, direction))
    this.#stack.defer(() => close(link))
  }

  /** Make the mux's device and listen. */
  listen(port = 4789, sourcePorts: readonly [number, number] = vxlanSourcePorts): void {
    const { ifindex } = this.space.netlink.createVxlan({
      name: 'vpcmux0',
      dstPort: port,
      udpZeroCsum6Rx: true,
      sourcePorts,
      addrGenModeNone: true,
      up: true,
      mtu: 65000,
    })
    this.mux = ifindex
    this.tables.muxes.set(ifindex, { stats: MUX, flags: muxFlag.directOut | muxFlag.directIn, listen: vtepOf(this.#address, port) })
    this.attach('mux', ifindex)
  }

  /**
   * Let packets to and from the underlay bypass the mux's device, by this interface; or only watch those that leave by
   * it.
   */
  shortcut(device = 'wire', { direct = true } = {}): void {
    const ifindex = this.space.ifindex(device)
    const mux = { ...this.tables.muxes.get(this.mux)!, ...(!direct && { flags: 0 }) }
    for (const key of [ifindex, this.mux]) this.tables.muxes.set(key, mux)
    this.attach('underlay', ifindex)
    this.attach('ethlink-egress', ifindex)
  }

  segment(id: number, flags: number = segmentFlag.up): void {
    this.tables.segments.set(id, { flags, switchUnit: 0, uplink: noDst, ...unwatched })
  }

  guest({ mac, segment, addresses, mtu = 1450, flags = portFlag.antispoof, local = false }: NewGuest): Guest {
    const space = local ? this.space : this.#stack.use(new Space())
    const stats = 10 + this.guests.length
    const name = `hostif${this.guests.length}`
    const peer = local ? { name, mac: macFrom(mac), mtu, up: true } : { name: 'eth0', mac: macFrom(mac), mtu, netnsFd: space.netns.fd }
    this.space.netlink.createVeth({ name: `${name}-sw`, mtu, addrGenModeNone: true, noArp: true, up: true, peer })
    if (!local) space.netlink.setLink(space.ifindex('eth0'), { up: true })
    const device = local ? name : 'eth0'
    for (const address of addresses)
      space.exec(
        'ip',
        'addr',
        'add',
        `${address}/${address.includes(':') ? 64 : 24}`,
        'dev',
        device,
        ...(address.includes(':') ? ['nodad'] : []),
      )
    const ifindex = this.space.ifindex(`${name}-sw`)
    if (!local) this.#coalesce(ifindex, space)
    this.tables.ports.set(ifindex, { segment, flags: portFlag.up | flags, stats, vlan: 0, mac: macFrom(mac), broadcastRate: 0, vpc: 1 })
    this.attach('unit', ifindex)
    const dst: Dst = { ...noDst, kind: dstKind.local, flags: local ? 0 : dstFlag.peer, mtu, ifindex, stats }
    const guest: Guest = { space, mac: macFrom(mac), addresses: addresses.map(ipFrom), dst, segment }
    this.guests.push(guest)
    this.knows(guest, dst)
    return guest
  }

  /** As vpcd sets up the interface of a container. */
  #coalesce(switchSide: number, space: Space): void {
    using here = openEthtool(this.space.netns.fd)
    using there = openEthtool(space.netns.fd)
    coalesceInto(there, space.ifindex('eth0'))
    coalesceFrom(here, switchSide, true)
  }

  /** Enter where a guest is: here (its own dst), or behind another host. */
  knows(guest: Guest, dst: Dst): void {
    this.tables.fdb.set({ segment: guest.segment, mac: guest.mac }, dst)
    for (const address of guest.addresses)
      this.tables.neighbours.set({ segment: guest.segment, addr: toMapped(address) }, { mac: guest.mac })
    this.#flood(guest.segment)
  }

  /** Learn the guests of another host. */
  meet(other: Host, { mtu = 1450, port = 0 } = {}): void {
    for (const guest of other.guests) this.knows(guest, this.remote(other, { mtu, port }))
    for (const segment of new Set([...this.guests, ...other.guests].map((guest) => guest.segment))) this.takesFrom(other.#address, segment)
    for (const segment of new Set(other.guests.map(({ segment }) => segment))) {
      this.tables.flood.set({ segment, page: floodRemote }, { count: 1, more: 0, dst: [this.remote(other, { mtu, port })] })
    }
  }

  /** Take packets of a segment from a VTEP. */
  takesFrom(address: string, segment: number): void {
    this.tables.vteps.set({ stats: MUX, segment, addr: toMapped(ipFrom(address)) }, 1)
  }

  remote(other: Host, { mtu = 1450, port = 0 } = {}): Dst {
    return { ...noDst, kind: dstKind.remote, mtu, ifindex: this.mux, stats: MUX, vtep: vtepOf(other.#address, port) }
  }

  #flood(segment: number): void {
    const dst = this.guests.filter((guest) => guest.segment === segment).map((guest) => guest.dst)
    if (dst.length > 0) this.tables.flood.set({ segment, page: 0 }, { count: dst.length, more: 0, dst })
  }

  [Symbol.dispose](): void {
    this.#stack.dispose()
  }
}

export interface FabricOptions {
  readonly addresses?: readonly string[]
  readonly mtu?: number
  readonly ports?: readonly number[]
  /** Range of the UDP source ports of the muxes' devices. */
  readonly sourcePorts?: readonly [number, number]
}

/** Two hosts on one wire. */
export class Fabric implements Disposable {
  readonly a: Host
  readonly b: Host
  readonly #stack: DisposableStack

  constructor({
    addresses = ['192.0.2.1', '192.0.2.2'],
    mtu = 1500,
    ports = [4789, 4789],
    sourcePorts = vxlanSourcePorts,
  }: FabricOptions = {}) {
    using stack = new DisposableStack()
    this.a = stack.use(new Host(addresses[0]!))
    this.b = stack.use(new Host(addresses[1]!))
    const peer = { name: 'wire', mtu, netnsFd: this.b.space.netns.fd }
    this.a.space.netlink.createVeth({ name: 'wire', mtu, up: true, peer })
    this.b.space.netlink.setLink(this.b.space.ifindex('wire'), { up: true })
    for (const [i, host] of [this.a, this.b].entries()) {
      const address = addresses[i]!
      host.space.exec(
        'ip',
        'addr',
        'add',
        `${address}/${address.includes(':') ? 64 : 24}`,
        'dev',
        'wire',
        ...(address.includes(':') ? ['nodad'] : []),
      )
      host.listen(ports[i], sourcePorts)
    }
    this.#stack = stack.move()
  }

  [Symbol.dispose](): void {
    this.#stack.dispose()
  }
}
