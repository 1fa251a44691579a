/**
 * The programs of a host, run by a test on the tables of its vpcd: each packet is first traced, which says why, and
 * then really run by the attached program, so that flows and ports of NATs are as after a real packet.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { u32 } from '#abi/c-struct.ts'
import { chainOf } from '#datapath/chain.ts'
import { hooks } from '#datapath/hook.ts'
import { port as portLayout, type Port } from '#datapath/layout.ts'
import { ObjectSet } from '#datapath/object-set.ts'
import { Table } from '#datapath/table.ts'
import { runPacket, type PacketContext, type PacketResult } from '#datapath/test-run.ts'
import { Tracer, type Stage, type Traced } from '#datapath/tracer.ts'
import { BpfMap } from '#kernel/bpf-map.ts'
import { close } from '#kernel/libc.ts'
import { Netns } from '#kernel/netns.ts'
import { programById } from '#kernel/tcx.ts'
import type { Ip } from '#wire/ip-address.ts'
import { formatMac, macFrom } from '#wire/mac.ts'
import { builtObjects } from '../bpf/built-objects.ts'
import type { TestHost } from '../daemon/test-host.ts'

/** What the programs made of a packet, and by which stages. */
export interface Ran {
  readonly stages: readonly Stage[]
  readonly real: PacketResult
}

/** An end of the outer header of a packet from another host, and its network. */
export interface Outer {
  readonly from: Ip
  readonly to: Ip
  readonly vni: number
}

/** The switch's side of a vnic's unit. */
export interface UnitSide {
  readonly ifindex: number
  readonly source: number
  readonly mac: string
}

export class HostPrograms implements Disposable {
  readonly #netns: Netns
  readonly #tracer: Tracer
  /** Has the program of the mux, which takes the outer header from the test. */
  readonly #objects: ObjectSet
  readonly #ports: Table<number, Port>
  readonly #muxes: BpfMap
  readonly #stack = new DisposableStack()
  /** Attached programs by name and device. */
  readonly #attached = new Map<string, number>()
  readonly #wires = new Map<string, { readonly ifindex: number; readonly mac: Uint8Array }>()
  readonly #host: TestHost
  #units: readonly UnitSide[] = []

  constructor(host: TestHost) {
    this.#host = host
    const maps = join(host.bpffs, 'vpc', 'maps')
    const tables = (): Record<string, BpfMap> =>
      Object.fromEntries(readdirSync(maps).map((name) => [name, BpfMap.fromPin(join(maps, name))]))
    const objectDir = builtObjects()
    this.#netns = this.#stack.use(Netns.open(host.netns))
    this.#tracer = this.#stack.use(new Tracer({ objectDir, tables }))
    this.#objects = this.#stack.use(new ObjectSet({ objectDir, shared: tables() }))
    this.#ports = new Table('ports', this.#stack.use(BpfMap.fromPin(join(maps, 'ports'))), u32, portLayout, {
      named: true,
      written: () => {},
    })
    this.#muxes = this.#stack.use(BpfMap.fromPin(join(maps, 'muxes')))
  }

  /** Load what there is to load, beside everything else. */
  async prepare(): Promise<void> {
    await this.#tracer.prepare(['unit', 'mux', 'wire'])
    await this.#objects.prepare('mux')
  }

  /** Look which units there are now. */
  refresh(): void {
    this.#units = this.#ports.entries().map(([ifindex, { stats, mac }]) => ({ ifindex, source: stats, mac: formatMac(mac) }))
    for (const fd of this.#attached.values()) close(fd)
    this.#attached.clear()
  }

  /** The unit of a vnic. Undefined: this host has none. */
  unitOf = (mac: string): UnitSide | undefined => this.#units.find((unit) => unit.mac === mac)
  /** The unit behind a device. */
  unitAt = (ifindex: number): UnitSide | undefined => this.#units.find((unit) => unit.ifindex === ifindex)

  /** The unit that counters and stages call by a number. */
  unitOfSource = (source: number): UnitSide | undefined => this.#units.find((unit) => unit.source === source)

  /** A frame that the guest of a unit sends. */
  fromUnit = ({ ifindex }: UnitSide, frame: Uint8Array): Ran => this.#run('unit', ifindex, frame)

  /** A frame on the wire of a NAT, as sent to this host. */
  fromWire(name: string, frame: Uint8Array): Ran {
    if (!this.#wires.has(name)) {
      const [{ ifindex, address }] = JSON.parse(this.#host.ip('-j', 'link', 'show', name)) as [{ ifindex: number; address: string }]
      this.#wires.set(name, { ifindex, mac: macFrom(address) })
    }
    const { ifindex, mac } = this.#wires.get(name)!
    const toDevice = frame.slice()
    toDevice.set(mac, 0)
    return this.#run('wire', ifindex, toDevice)
  }

  /** A frame of another host. */
  fromTunnel(frame: Uint8Array, { from, to, vni }: Outer): Ran {
    const [key] = this.#muxes.keys()
    const context = { ifindex: new Uint32Array(key!.slice().buffer)[0]! }
    return this.#netns.run(() => {
      const outer = { vni, source: from, destination: to, forwarded: false }
      const { stages } = this.#tracer.run('mux', frame, context, outer)
      const words = new Uint32Array(2)
      new Uint8Array(words.buffer).set([...to, ...from])
      const { fd } = this.#objects.program('mux', 'vpc_mux_trace')
      return { stages, real: runPacket(fd, frame, { ...context, cb: [...words, 0, 0, vni] }) }
    })
  }

  #run(hook: Traced & keyof typeof hooks, ifindex: number, frame: Uint8Array): Ran {
    const context: PacketContext = { ifindex }
    return this.#netns.run(() => {
      const { stages } = this.#tracer.run(hook, frame, context)
      return { stages, real: runPacket(this.#program(hooks[hook].program, ifindex), frame, context) }
    })
  }

  /** The attached program of a device. */
  #program(name: string, ifindex: number): number {
    const key = `${name} ${ifindex}`
    let fd = this.#attached.get(key)
    if (fd === undefined) {
      const found = chainOf(ifindex, 'ingress').find((program) => program.name === name)
      if (found === undefined) throw new Error(`no ${name} is attached to ifindex ${ifindex}`)
      fd = programById(found.progId)
      this.#attached.set(key, fd)
    }
    return fd
  }

  [Symbol.dispose](): void {
    for (const fd of this.#attached.values()) close(fd)
    this.#stack.dispose()
  }
}
