/** A netlink socket of any family: requests with acknowledgement, dumps, notifications. All synchronous. */
import { errno, KernelError } from './errno.ts'
import { check, close, lastErrno, libc } from './libc.ts'
import { Attributes, decodeMessages, encodeMessage, nlm, nlmsghdr, nlmsgType, type NetlinkMessage } from './netlink-message.ts'
import { insideNetns } from './netns.ts'
import { beforeStep } from './step.ts'

const socket = libc.func('int socket(int domain, int type, int protocol)')
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')
const send = libc.func('long send(int fd, const void *bytes, size_t length, int flags)')
const recv = libc.func('long recv(int fd, void *bytes, size_t length, int flags)')
const ioctl = libc.func('ioctl', 'int', ['int', 'ulong', 'long'])

const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC = 3 | 0o2000000
const SOL_SOCKET = 1
const SO_RCVBUFFORCE = 33
const SOL_NETLINK = 270
const NETLINK_ADD_MEMBERSHIP = 1
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const NETLINK_GET_STRICT_CHK = 12
const MSG_TRUNC = 0x20
const MSG_DONTWAIT = 0x40
const SIOCGSKNS = 0x894c

const NLMSGERR_ATTR_MSG = 1
const NLMSGERR_ATTR_MISS_TYPE = 5

export const netlinkFamily = { ROUTE: 0, XFRM: 6, NETFILTER: 12, GENERIC: 16 } as const

/** How often a dump may be interrupted by changes of its table before this gives up. */
const DUMP_ATTEMPTS = 50

// The kernel fills at most 32 KiB of a dump at a time. One buffer serves all sockets: nothing here yields between recv
// and the copy.
const buffer = new Uint8Array(65536)

/** What to ask: the name for errors, the message type, flags besides REQUEST and ACK, and the parts of the body. */
export interface NetlinkRequest {
  readonly call: string
  readonly type: number
  readonly flags?: number
  readonly parts: readonly Uint8Array[]
  /** Whether the request changes anything that outlives this process; by default the type of rtnetlink decides. */
  readonly changes?: boolean
}

/** A netlink socket, bound for life to the network namespace that it was opened in. */
export class NetlinkSocket {
  readonly fd: number
  #seq = 0
  #closed = false

  private constructor(fd: number) {
    this.fd = fd
  }

  /** Open in the thread's network namespace, or in the one given by descriptor. `groups`: multicast groups to join. */
  static open({
    family = netlinkFamily.ROUTE,
    netnsFd,
    groups = [],
  }: { family?: number; netnsFd?: number | undefined; groups?: readonly number[] } = {}) {
    const make = (): number => check('socket', socket(AF_NETLINK, SOCK_RAW_CLOEXEC, family), 'AF_NETLINK')
    const opened = new NetlinkSocket(netnsFd === undefined ? make() : insideNetns(netnsFd, make))
    try {
      opened.#prepare(groups)
      return opened
    } catch (error) {
      opened.close()
      throw error
    }
  }

  #prepare(groups: readonly number[]): void {
    const address = new Uint8Array(12)
    address[0] = AF_NETLINK
    check('bind', bind(this.fd, address, address.length), 'AF_NETLINK')
    for (const option of [NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK]) this.#set(SOL_NETLINK, option, 1)
    for (const group of groups) this.#set(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
    if (groups.length > 0) this.#set(SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
  }

  #set(level: number, name: number, value: number): void {
    check('setsockopt', setsockopt(this.fd, level, name, new Uint32Array([value]), 4), `AF_NETLINK, option ${name}`)
  }

  /**
   * Send a request and wait for its acknowledgement; gives the messages that came before it. Throws KernelError with
   * the kernel's words.
   */
  request(request: NetlinkRequest): NetlinkMessage[] {
    // rtnetlink has four messages of each kind (new, delete, get, set). Only `get` changes nothing.
    if (request.changes ?? request.type % 4 !== 2) beforeStep(request.call)
    const replies: NetlinkMessage[] = []
    this.#exchange(request, nlm.ACK, (message) => void replies.push(message))
    return replies
  }

  /**
   * Ask for a whole table. When the table changes meanwhile, the kernel marks the dump as interrupted, and this asks
   * again.
   */
  dump(request: NetlinkRequest): NetlinkMessage[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const replies: NetlinkMessage[] = []
      let interrupted = false
      this.#exchange(request, nlm.DUMP, (message, done) => {
        if (message.flags & nlm.DUMP_INTR) interrupted = true
        if (!done) replies.push(message)
      })
      if (!interrupted) return replies
    }
    throw new KernelError(request.call, errno.EINTR, `the table changed during each of ${DUMP_ATTEMPTS} dumps`)
  }

  #exchange(request: NetlinkRequest, flags: number, take: (message: NetlinkMessage, done: boolean) => void): void {
    const seq = ++this.#seq
    this.#send(request.call, encodeMessage(request.type, nlm.REQUEST | flags | (request.flags ?? 0), seq, request.parts))
    for (;;) {
      for (const message of this.#receive(request.call, 0)) {
        if (message.seq !== seq) continue // of an earlier exchange that ended in an exception
        if (message.type === nlmsgType.ERROR || message.type === nlmsgType.DONE) {
          throwOnError(request.call, message)
          return take(message, true)
        }
        take(message, false)
      }
    }
  }

  #send(call: string, bytes: Uint8Array): void {
    check(call, send(this.fd, bytes, bytes.length, 0), 'send')
  }

  #receive(call: string, flags: number): NetlinkMessage[] {
    let length: number
    do length = Number(recv(this.fd, buffer, buffer.length, flags | MSG_TRUNC))
    while (length < 0 && lastErrno() === errno.EINTR)
    check(call, length, 'recv')
    if (length > buffer.length) throw new KernelError(call, errno.EMSGSIZE, `a reply of ${length} bytes`)
    return decodeMessages(buffer.slice(0, length))
  }

  /** The waiting notifications, none when there are none. Throws KernelError ENOBUFS when some were lost. */
  receiveWaiting(): NetlinkMessage[] {
    try {
      return this.#receive('recv', MSG_DONTWAIT)
    } catch (error) {
      if (error instanceof KernelError && error.errno === errno.EAGAIN) return []
      throw error
    }
  }

  /** A new descriptor of the network namespace that the socket is in; the caller closes it. */
  openNetns(): number {
    return check('ioctl', ioctl(this.fd, SIOCGSKNS, 0), 'SIOCGSKNS')
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    close(this.fd)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** Throw the error of an ERROR or DONE message. Return when it reports success. */
function throwOnError(call: string, { type, flags, body }: NetlinkMessage): void {
  if (body.length < 4) return
  const code = -new DataView(body.buffer, body.byteOffset).getInt32(0, true)
  if (code <= 0) return
  const tlvs = type === nlmsgType.DONE ? 4 : 4 + nlmsghdr.size // CAP_ACK: of the request only its header is echoed
  const attributes = new Attributes(flags & nlm.ACK_TLVS ? body.subarray(tlvs) : new Uint8Array(0))
  const missing = attributes.u32(NLMSGERR_ATTR_MISS_TYPE)
  const words = [attributes.string(NLMSGERR_ATTR_MSG), missing === undefined ? undefined : `attribute ${missing} is missing`]
  throw new KernelError(call, code, words.filter((word) => word !== undefined).join('; '))
}
