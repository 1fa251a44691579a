/**
 * The largest packet that the kernel would send to an address without fragmenting it: by the route, what ICMP has said
 * of the path, and what IPsec adds. Asked as a UDP socket is asked for it, without a packet being sent. ip(7), ipv6(7).
 */
import { encodeSockaddr } from '#abi/layouts.ts'
import { errno, KernelError } from './errno.ts'
import { check, close, lastErrno, libc } from './libc.ts'

const socket = libc.func('int socket(int domain, int type, int protocol)')
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)')
const connect = libc.func('int connect(int fd, const void *address, uint32_t length)')
const getsockopt = libc.func('int getsockopt(int fd, int level, int name, void *value, uint32_t *length)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')
const recv = libc.func('long recv(int fd, void *bytes, size_t length, int flags)')

const AF_INET = 2
const AF_INET6 = 10
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0o2004000
const MTU = { 4: { level: 0, name: 14 }, 6: { level: 41, name: 24 } } as const

/** A socket that asks for paths from one address of the host. */
export class PathMtu implements Disposable {
  readonly #fd: number
  readonly #option: { readonly level: number; readonly name: number }
  readonly #value = new Int32Array(1)

  /** Throws KernelError: EADDRNOTAVAIL when the host does not have the address. */
  constructor(from: Uint8Array) {
    const six = from.length === 16
    this.#option = MTU[six ? 6 : 4]
    this.#fd = check('socket', socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM_CLOEXEC, 0), 'SOCK_DGRAM')
    try {
      const own = encodeSockaddr({ address: from, port: 0 })
      check('bind', bind(this.#fd, own, own.length))
    } catch (error) {
      close(this.#fd)
      throw error
    }
  }

  /** Bytes of the largest IP packet to a UDP port of an address; undefined when there is no way there. */
  to(address: Uint8Array, port: number): number | undefined {
    const peer = encodeSockaddr({ address, port })
    if (connect(this.#fd, peer, peer.length) < 0) return undefined
    const { level, name } = this.#option
    return getsockopt(this.#fd, level, name, this.#value, Uint32Array.of(4)) < 0 ? undefined : this.#value[0]
  }

  [Symbol.dispose](): void {
    close(this.#fd)
  }
}

const IPPROTO_ICMP = 1
const IPPROTO_ICMPV6 = 58
const SOL_RAW = 255
const FILTER = 1
const ICMP_UNREACHABLE = 3
const ICMPV6_TOO_BIG = 2
/** Packets that are read at a time, so that a fast sender cannot hold the reader up. */
const most = 64

/**
 * A socket that becomes readable when ICMP says that a packet did not fit. What it says is the kernel's to judge: it
 * only wakes.
 */
export class TooBigSocket implements Disposable {
  readonly fd: number
  readonly #room = new Uint8Array(64)

  /** Throws KernelError: EAFNOSUPPORT on a kernel without the family. */
  constructor(family: 4 | 6) {
    const six = family === 6
    const protocol = six ? IPPROTO_ICMPV6 : IPPROTO_ICMP
    this.fd = check('socket', socket(six ? AF_INET6 : AF_INET, SOCK_RAW_NONBLOCK_CLOEXEC, protocol), 'SOCK_RAW')
    // A bit that is set keeps the type out.
    const filter = new Uint32Array(six ? 8 : 1).fill(0xffffffff)
    filter[0] = ~(1 << (six ? ICMPV6_TOO_BIG : ICMP_UNREACHABLE)) >>> 0
    try {
      check('setsockopt', setsockopt(this.fd, six ? IPPROTO_ICMPV6 : SOL_RAW, FILTER, filter, filter.byteLength), 'ICMP filter')
    } catch (error) {
      close(this.fd)
      throw error
    }
  }

  /** Take what has come. */
  drain(): void {
    for (let i = 0; i < most; i++) {
      if (Number(recv(this.fd, this.#room, this.#room.length, 0)) >= 0) continue
      const failure = lastErrno()
      if (failure === errno.EAGAIN) return
      if (failure !== errno.EINTR) throw new KernelError('recv', failure, 'ICMP')
    }
  }

  [Symbol.dispose](): void {
    close(this.fd)
  }
}
