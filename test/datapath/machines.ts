/**
 * Two virtual machines on the taps of a host, whose owner is the test: it writes each byte and the virtio header that
 * describes it.
 */
import { readSync, writeFileSync, writeSync } from 'node:fs'
import { dstKind, noDst, portFlag } from '#datapath/layout.ts'
import { check, close, libc } from '#kernel/libc.ts'
import { createTap, openTapQueue } from '#kernel/tap.ts'
import { ipFrom, toMapped } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import type { Ipv6 } from '#wire/ipv6-address.ts'
import { macFrom } from '#wire/mac.ts'
import { concat } from '#wire/struct.ts'
import { Host } from './fabric.ts'

export const red = 5001
const VNET_HEADER = 12
const TUNSETOFFLOAD = 0x400454d0
const ioctl = libc.func('int ioctl(int fd, ulong request, ulong value)')
export const own = { mac: macFrom('02:00:00:00:00:01'), v4: ipFrom('10.0.0.1') as Ipv4, v6: ipFrom('fd00::1') as Ipv6 }
export const peer = { mac: macFrom('02:00:00:00:00:02'), v4: ipFrom('10.0.0.2') as Ipv4, v6: ipFrom('fd00::2') as Ipv6 }

/** The virtio header of a frame: struct virtio_net_hdr. */
export interface Virtio {
  readonly checksumFrom?: number
  readonly checksumAt?: number
  /** `udp`: many datagrams; `ufo`: one, to be fragmented. */
  readonly gso?: 'tcp4' | 'tcp6' | 'udp' | 'ufo'
  readonly gsoSize?: number
  /** How much of the frame the kernel puts into the linear part. */
  readonly headerLength?: number
}
const gsoType = { tcp4: 1, ufo: 3, tcp6: 4, udp: 5 } as const

/** The header before a frame: 12 bytes on a tap of ours, 10 on a packet socket. */
export function virtioHeader(
  { checksumFrom, checksumAt = 0, gso, gsoSize = 0, headerLength = 0 }: Virtio,
  length = VNET_HEADER,
): Uint8Array {
  const header = new Uint8Array(length)
  const view = new DataView(header.buffer)
  header[0] = checksumFrom === undefined ? 0 : 1
  header[1] = gso ? gsoType[gso] : 0
  view.setUint16(2, headerLength, true)
  view.setUint16(4, gsoSize, true)
  view.setUint16(6, checksumFrom ?? 0, true)
  view.setUint16(8, checksumAt, true)
  return header
}

/** A machine on a tap of a host, and a second one that it speaks to. */
export class Machines implements Disposable {
  readonly host: Host
  readonly mine: number
  readonly theirs: number
  readonly #stack: DisposableStack

  constructor() {
    using stack = new DisposableStack()
    this.host = stack.use(new Host('192.0.2.1'))
    // The host's own stack must send nothing on a tap.
    this.host.space.netns.run(() => writeFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', '1'))
    this.host.segment(red)
    this.mine = stack.adopt(this.#machine('vmnic0', own, 10), close)
    this.theirs = stack.adopt(this.#machine('vmnic1', peer, 11), close)
    this.#stack = stack.move()
  }

  #machine(name: string, { mac, v4, v6 }: typeof own, stats: number): number {
    const { space, tables } = this.host
    const queue = space.netns.run(() => {
      createTap({ name })
      return openTapQueue({ name })
    })
    const ifindex = space.ifindex(name)
    space.netlink.setLink(ifindex, { addrGenModeNone: true, up: true })
    tables.ports.set(ifindex, {
      segment: red,
      flags: portFlag.up | portFlag.antispoof | portFlag.ethertypes,
      stats,
      vlan: 0,
      mac,
      broadcastRate: 0,
      vpc: 1,
    })
    tables.fdb.set({ segment: red, mac }, { ...noDst, kind: dstKind.local, mtu: 1500, ifindex, stats })
    for (const address of [v4, v6]) tables.neighbours.set({ segment: red, addr: toMapped(address) }, { mac })
    this.host.attach('unit', ifindex)
    return queue
  }

  /** Make the host finish all packets before this machine gets them, as for a machine without offloads. */
  withoutOffloads(queue: number): void {
    check('ioctl', ioctl(queue, TUNSETOFFLOAD, 0))
  }

  send(frame: Uint8Array, virtio: Virtio = {}): void {
    writeSync(this.mine, concat(virtioHeader(virtio), frame))
  }

  /** Every frame that waits at a machine, without its virtio header. */
  drain(queue: number): Uint8Array[] {
    const frames: Uint8Array[] = []
    const buffer = new Uint8Array(70_000)
    for (;;) {
      try {
        frames.push(buffer.slice(VNET_HEADER, readSync(queue, buffer)))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return frames
        throw error
      }
    }
  }

  /** What the other one receives of a frame, and the answers. */
  exchange(frame: Uint8Array, virtio: Virtio = {}): { received: Uint8Array[]; answers: Uint8Array[]; drops: Record<string, number> } {
    const before = this.host.tables.drops.read(10) as Record<string, number>
    this.send(frame, virtio)
    const after = this.host.tables.drops.read(10) as Record<string, number>
    const drops = Object.fromEntries(
      Object.entries(after)
        .map(([reason, count]): [string, number] => [reason, count - (before[reason] ?? 0)])
        .filter(([, count]) => count > 0),
    )
    return { received: this.drain(this.theirs), answers: this.drain(this.mine), drops }
  }

  [Symbol.dispose](): void {
    this.#stack.dispose()
  }
}
