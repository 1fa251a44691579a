/**
 * An AF_PACKET socket on a device of another network namespace: sends frames as they are, and sees what goes over the
 * device.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { check, close, lastErrno, libc } from '#kernel/libc.ts'
import { errno } from '#kernel/errno.ts'
import { allocate, type Memory } from '#kernel/memory.ts'
import { Netns } from '#kernel/netns.ts'
import { pushVlan } from '#wire/ethernet.ts'

const socket = libc.func('int socket(int domain, int type, int protocol)')
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')
const sendTo = libc.func('long send(int fd, const void *data, size_t length, int flags)')
const recvmsg = libc.func('long recvmsg(int fd, void *message, int flags)')
const indexOf = libc.func('uint32_t if_nametoindex(const char *name)')

const AF_PACKET = 17
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0o4000 | 0o2000000
const ETH_P_ALL_BE = 0x0300
const SOL_SOCKET = 1
const SO_RCVBUFFORCE = 33
const SOL_PACKET = 263
const PACKET_AUXDATA = 8
const PACKET_VNET_HDR = 15
const PACKET_IGNORE_OUTGOING = 23
const TP_STATUS_VLAN_VALID = 0x10
/** Largest thing that a device hands over: a segment before it is cut. */
const largestFrame = 66_000
/** Offsets in struct msghdr, cmsghdr and tpacket_auxdata. */
const message = { size: 56, iov: 16, iovCount: 24, control: 32, controlLength: 40 }
const control = { size: 64, data: 16, status: 16, length: 20, snapLength: 24, tci: 32 }

export interface RawSocketOptions {
  /** Capture frames that the device sends, and those that it receives. */
  readonly outgoing?: boolean
  /** Frames have a struct virtio_net_hdr (10 bytes) before them, with which their sender describes them. */
  readonly virtio?: boolean
}

export class RawSocket {
  readonly #fd: number
  readonly #frame = allocate(largestFrame)
  readonly #control = allocate(control.size)
  readonly #message: Memory

  private constructor(fd: number) {
    this.#fd = fd
    const iov = allocate(16)
    iov.view.setBigUint64(0, this.#frame.address, true)
    iov.view.setBigUint64(8, BigInt(largestFrame), true)
    this.#message = Object.assign(allocate(message.size), { keep: iov })
    this.#message.view.setBigUint64(message.iov, iov.address, true)
    this.#message.view.setBigUint64(message.iovCount, 1n, true)
    this.#message.view.setBigUint64(message.control, this.#control.address, true)
  }

  /** Open one on a device of a namespace. */
  static open(netns: string, device: string, { outgoing = false, virtio = false }: RawSocketOptions = {}): RawSocket {
    using namespace = Netns.open(netns)
    return namespace.run(() => {
      const index = indexOf(device) as number
      if (index === 0) throw new Error(`namespace ${netns} has no device ${device}`)
      const fd = check('socket', socket(AF_PACKET, SOCK_RAW_NONBLOCK_CLOEXEC, ETH_P_ALL_BE))
      const set = (level: number, name: number, value: number): number =>
        check('setsockopt', setsockopt(fd, level, name, Int32Array.of(value), 4))
      set(SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
      set(SOL_PACKET, PACKET_AUXDATA, 1)
      if (!outgoing) set(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
      if (virtio) set(SOL_PACKET, PACKET_VNET_HDR, 1)
      const address = new DataView(new ArrayBuffer(20))
      address.setUint16(0, AF_PACKET, true)
      address.setUint16(2, ETH_P_ALL_BE, true)
      address.setInt32(4, index, true)
      check('bind', bind(fd, new Uint8Array(address.buffer), 20))
      return new RawSocket(fd)
    })
  }

  /** Send a frame as it is. Throws KernelError: ENETDOWN, EMSGSIZE. */
  send(frame: Uint8Array): void {
    check('send', Number(sendTo(this.#fd, frame, frame.length, 0)))
  }

  /** All frames that came since the last time, whole, VLAN tag included. */
  receive(): Uint8Array[] {
    const frames: Uint8Array[] = []
    for (;;) {
      this.#message.view.setBigUint64(message.controlLength, BigInt(control.size), true)
      const length = Number(recvmsg(this.#fd, this.#message.bytes, 0))
      if (length < 0 && lastErrno() === errno.EAGAIN) return frames
      check('recvmsg', length)
      const frame = this.#frame.bytes.slice(0, length)
      // The kernel removes a tag and reports it beside the frame.
      const tagged = (this.#control.view.getUint32(control.status, true) & TP_STATUS_VLAN_VALID) !== 0
      frames.push(tagged ? pushVlan(frame, this.#control.view.getUint16(control.tci, true) & 0xfff) : frame)
    }
  }

  /** The first matching frame; undefined when none came in time. */
  async waitFor(isIt: (frame: Uint8Array) => boolean, timeoutMs = 2000): Promise<Uint8Array | undefined> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const found = this.receive().find(isIt)
      if (found !== undefined || performance.now() > deadline) return found
      await sleep(2)
    }
  }

  [Symbol.dispose](): void {
    close(this.#fd)
  }
}
