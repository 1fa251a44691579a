/** What the programs cost a packet, by BPF_PROG_TEST_RUN: the real programs with real tables, no wire. */
import { hooks, type Hook } from '#datapath/hook.ts'
import type { BpfProgram } from '#kernel/libbpf.ts'
import { runPacket, type PacketContext } from '#datapath/test-run.ts'
import { tcpFrame, udpFrame, vxlanFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { macFrom } from '#wire/mac.ts'
import { vniFrom } from '#wire/vni.ts'
import { listenAddress, red, Scene, stations, vtepOf, type Name } from '../test/datapath/scene.ts'

export interface ProgramCost {
  readonly program: string
  readonly packet: string
  /** Median of single runs. The clock takes part of it: what a program takes that passes the packet on at once is nearly all clock. */
  readonly nanoseconds: number
}

const RUNS = 3000
/** Paths and VTEPs that the programs have learned are good for this many runs at least. */
const REMEMBERED = 100
const far = ipFrom('192.0.2.2') as Ipv4
const gateway = macFrom('02:00:00:00:fe:02')

const frame = (from: Name, to: Name): Uint8Array => {
  const ends = { srcMac: stations[from].mac, dstMac: stations[to].mac, src: stations[from].v4, dst: stations[to].v4 }
  return udpFrame({ ...ends, srcPort: 1000, dstPort: 2000 }, new Uint8Array(64))
}

/** The scene with its wire as the underlay of its mux. */
class Ground implements Disposable {
  readonly scene = new Scene()
  readonly #wireMac = macFrom(
    [...this.scene.netns.netlink.linkByName('wire')!.mac].map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
  )

  constructor() {
    const { tables, devices } = this.scene
    tables.muxes.set(devices.wire, { stats: 7, listen: vtepOf(listenAddress, 4789) })
  }

  /** A packet of the tunnel, as it leaves (`out`) or comes in by the wire. */
  tunnelled(out: boolean): Uint8Array {
    const [here, there] = [this.#wireMac, gateway]
    const ends = out
      ? { srcMac: here, dstMac: there, src: listenAddress as Ipv4, dst: far }
      : { srcMac: there, dstMac: here, src: far, dst: listenAddress as Ipv4 }
    const fields = { ...ends, vni: vniFrom(red), dontFragment: false }
    const packet = vxlanFrame(fields, out ? frame('a', 'far') : frame('far', 'a'))
    packet.set([0, 0], 40) // UDP over IPv4 without a checksum, as both our ways send it
    return packet
  }

  own(): Uint8Array {
    return tcpFrame({ srcMac: gateway, dstMac: this.#wireMac, src: far, dst: listenAddress as Ipv4, srcPort: 22, dstPort: 2000 })
  }

  /** The way to the other VTEP, and that it is heard, as the kernel's own way would show them. */
  learn(): void {
    const { wire, mux } = this.scene.devices
    this.run('ethlink-egress', this.tunnelled(true), { ifindex: wire, mark: 0x76500000 })
    const cb = [new DataView(Uint8Array.from(listenAddress).buffer).getUint32(0, true), 0, 0, 0, red]
    this.run(this.scene.bench.program('mux', 'vpc_mux_trace'), frame('far', 'a'), { ifindex: mux, mark: 0x76510000, cb })
  }

  run(program: Hook | BpfProgram, packet: Uint8Array, context: PacketContext): { nanoseconds: number; to: number | undefined } {
    const { fd } = typeof program === 'string' ? this.scene.bench.program(hooks[program].object, hooks[program].program) : program
    const { durationNs, forward } = this.scene.netns.run(() => runPacket(fd, packet, context))
    return { nanoseconds: durationNs, to: forward?.ifindex }
  }

  [Symbol.dispose](): void {
    this.scene[Symbol.dispose]()
  }
}

interface Case {
  readonly program: Hook | 'mux-trace'
  readonly packet: string
  readonly data: Uint8Array
  readonly context: PacketContext
  /** Where it must be sent to, so that the time is of the path that is named. */
  readonly to: number | undefined
  readonly direct?: boolean
}

function cases({ scene }: Ground, tunnelled: Uint8Array, own: Uint8Array): Case[] {
  const { a, b, wire, mux } = scene.devices
  const cb = [new DataView(Uint8Array.from(listenAddress).buffer).getUint32(0, true), 0, 0, 0, red]
  return [
    { program: 'unit', packet: 'UDP to a unit of this host', data: frame('a', 'b'), context: { ifindex: a }, to: b },
    { program: 'unit', packet: 'UDP to a VTEP, by the vxlan device', data: frame('a', 'far'), context: { ifindex: a }, to: mux },
    { program: 'unit', packet: 'UDP to a VTEP, direct', data: frame('a', 'far'), context: { ifindex: a }, to: wire, direct: true },
    { program: 'ethlink-egress', packet: "the host's own", data: own, context: { ifindex: wire }, to: undefined },
    { program: 'underlay', packet: "the host's own TCP", data: own, context: { ifindex: wire }, to: undefined },
    { program: 'underlay', packet: 'UDP to a unit, direct', data: tunnelled, context: { ifindex: wire }, to: a, direct: true },
    { program: 'mux-trace', packet: 'UDP to a unit, from the vxlan device', data: frame('far', 'a'), context: { ifindex: mux, cb }, to: a },
  ]
}

const median = (values: readonly number[]): number => values.toSorted((x, y) => x - y)[values.length >> 1]!

function cost(ground: Ground, { program, packet, data, context, to, direct = false }: Case): ProgramCost {
  const of = program === 'mux-trace' ? ground.scene.bench.program('mux', 'vpc_mux_trace') : program
  const times: number[] = []
  for (let i = 0; i < RUNS; i++) {
    if (direct && i % REMEMBERED === 0) ground.learn()
    const result = ground.run(of, data, context)
    // A path that has grown old meanwhile goes the other way.
    if (result.to === to || !direct) times.push(result.nanoseconds)
    if (result.to !== to && !direct) throw new Error(`${packet}: sent to ${result.to}, not ${to}`)
  }
  if (times.length < RUNS / 2) throw new Error(`${packet}: only ${times.length} of ${RUNS} runs went the way that is measured`)
  return { program: program === 'mux-trace' ? 'vpc_mux' : hooks[program].program, packet, nanoseconds: median(times) }
}

/** All programs with the packets that they see most. Takes a second or two. */
export function programCosts(): ProgramCost[] {
  using ground = new Ground()
  return cases(ground, ground.tunnelled(false), ground.own()).map((one) => cost(ground, one))
}

if (import.meta.main) for (const { program, packet, nanoseconds } of programCosts()) console.log(program, packet, nanoseconds)
