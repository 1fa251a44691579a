/** A scene for measuring what programs cost: packets with real tables, and the wire as the underlay of its mux. */
import { muxFlag } from '#datapath/layout.ts'
import { hooks, type Hook } from '#datapath/hook.ts'
import type { BpfProgram } from '#kernel/libbpf.ts'
import { runPacket, type PacketContext } from '#datapath/test-run.ts'
import { tcpFrame, udpFrame, vxlanFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { asMac, macFrom, type Mac } from '#wire/mac.ts'
import { vniFrom } from '#wire/vni.ts'
import { gateway as routers, listenAddress, red, Scene, stations, vtepOf, type Name } from '../test/datapath/scene.ts'
import { TestLoop } from './test-loop.ts'

const far = ipFrom('192.0.2.2') as Ipv4
const gateway = macFrom('02:00:00:00:fe:02')

/** UDP between two stations. */
export const frame = (from: Name, to: Name): Uint8Array => {
  const ends = { srcMac: stations[from].mac, dstMac: stations[to].mac, src: stations[from].v4, dst: stations[to].v4 }
  return udpFrame({ ...ends, srcPort: 1000, dstPort: 2000 }, new Uint8Array(64))
}

/** The same by the gateway of both. */
export const routedFrame = (from: Name, to: Name): Uint8Array => {
  const packet = frame(from, to)
  packet.set(routers.mac)
  return packet
}

/** The scene with its wire as the underlay of its mux, and a router. */
export class Ground implements Disposable {
  readonly scene = new Scene()
  readonly #wireMac = asMac(this.scene.netns.netlink.linkByName('wire')!.mac)

  constructor() {
    const { tables, devices } = this.scene
    this.scene.route()
    tables.muxes.set(devices.wire, { stats: 7, flags: muxFlag.directOut | muxFlag.directIn, listen: vtepOf(listenAddress, 4789) })
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

  /** The mark of packets from the tunnel. */
  get tunnelMark(): PacketContext {
    return { ifindex: this.scene.devices.mux, cb: [new DataView(Uint8Array.from(listenAddress).buffer).getUint32(0, true), 0, 0, 0, red] }
  }

  /** Add further entries behind the other VTEP. */
  fill(macs: readonly Mac[]): void {
    this.scene.tables.fdb.setMany(macs.map((mac) => [{ segment: red, mac }, this.scene.remote()]))
  }

  /** A packet of the host's own. */
  own(): Uint8Array {
    return tcpFrame({ srcMac: gateway, dstMac: this.#wireMac, src: far, dst: listenAddress as Ipv4, srcPort: 22, dstPort: 2000 })
  }

  /** The path to the other VTEP, and that the host has heard it, as the kernel's own way would show them. */
  learn(): void {
    this.run('ethlink-egress', this.tunnelled(true), { ifindex: this.scene.devices.wire, mark: 0x76500000 })
    this.run(this.muxTrace, frame('far', 'a'), { ...this.tunnelMark, mark: 0x76540000 })
  }

  /** vpc_mux, for a packet whose tunnel is in the context. */
  get muxTrace(): BpfProgram {
    return this.scene.bench.program('mux', 'vpc_mux_trace')
  }

  run(program: Hook | BpfProgram, packet: Uint8Array, context: PacketContext): { nanoseconds: number; to: number | undefined } {
    const { fd } = typeof program === 'string' ? this.#ofHook(program) : program
    const { durationNs, forward } = this.scene.netns.run(() => runPacket(fd, packet, context))
    return { nanoseconds: durationNs, to: forward?.ifindex }
  }

  /** Runs of a program with nothing in between; call it inside the scene's namespace. */
  loop(program: Hook, packet: Uint8Array, context: PacketContext): TestLoop {
    return new TestLoop(this.#ofHook(program).fd, packet, context)
  }

  #ofHook(hook: Hook): BpfProgram {
    return this.scene.bench.program(hooks[hook].object, hooks[hook].program)
  }

  [Symbol.dispose](): void {
    this.scene[Symbol.dispose]()
  }
}
