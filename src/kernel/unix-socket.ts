/**
 * What Node's own Unix sockets cannot do: listen on a path or connect to one for another program, send descriptors
 * along with bytes, and send datagrams.
 */
import type { Socket } from 'node:net'
import { errno, KernelError } from './errno.ts'
import { check, close, lastErrno, libc } from './libc.ts'
import { allocate, allocateCopy, type Memory } from './memory.ts'

const socket = libc.func('int socket(int domain, int type, int protocol)')
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)')
const listen = libc.func('int listen(int fd, int backlog)')
const connect = libc.func('int connect(int fd, const void *address, uint32_t length)')
const sendmsg = libc.func('long sendmsg(int fd, const void *message, int flags)')

const AF_UNIX = 1
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const MSG_NOSIGNAL = 0x4000

/** Longest path that a socket takes, without the zero byte at its end. */
export const maxSocketPathBytes = 107

/**
 * A listening stream socket on a path, closed on exec. Throws KernelError: EADDRINUSE when something lies there,
 * ENAMETOOLONG.
 */
export function listenOnPath(path: string, backlog = 16): number {
  if (Buffer.byteLength(path) > maxSocketPathBytes) throw new KernelError('bind', errno.ENAMETOOLONG, path)
  const fd = check('socket', socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0), 'AF_UNIX')
  try {
    const address = addressOfPath(path)
    check('bind', bind(fd, address, address.length), path)
    check('listen', listen(fd, backlog), path)
    return fd
  } catch (error) {
    close(fd)
    throw error
  }
}

/**
 * A stream socket that is connected to a path, closed on exec. Throws KernelError: ENOENT or ECONNREFUSED when nobody
 * listens there.
 */
export function connectToPath(path: string): number {
  if (Buffer.byteLength(path) > maxSocketPathBytes) throw new KernelError('connect', errno.ENAMETOOLONG, path)
  const fd = check('socket', socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0), 'AF_UNIX')
  try {
    const address = addressOfPath(path)
    check('connect', connect(fd, address, address.length), path)
    return fd
  } catch (error) {
    close(fd)
    throw error
  }
}

/** struct sockaddr_un of a path, which ends with a zero byte. */
function addressOfPath(path: string): Buffer {
  const address = Buffer.alloc(110)
  address.writeUInt16LE(AF_UNIX)
  address.write(path, 2)
  return address
}

/** The same for a path, or for an abstract name that begins with `@`, which ends where the address ends. */
function addressOfSocket(name: string): Buffer {
  if (!name.startsWith('@')) return addressOfPath(name)
  const address = addressOfPath(`\0${name.slice(1)}`)
  return address.subarray(0, 2 + Buffer.byteLength(name))
}

/**
 * Send bytes with copies of descriptors, in one message. At least one byte. Throws KernelError when it cannot be sent
 * at once.
 */
export function sendWithDescriptors(to: Socket, data: Uint8Array, fds: readonly number[]): void {
  const { _handle: handle } = to as Socket & { _handle?: { fd?: number } | null }
  const fd = handle?.fd ?? -1
  if (fd < 0) throw new Error('cannot send descriptors: the socket is closed')
  sendMessage(fd, { data, fds })
}

/**
 * Send one datagram to the socket of that path, or of that abstract name with `@` before it, with copies of
 * descriptors. Waits while its queue is full. Throws KernelError.
 */
export function sendDatagram(to: string, data: Uint8Array, fds: readonly number[] = []): void {
  if (Buffer.byteLength(to) > maxSocketPathBytes) throw new KernelError('sendmsg', errno.ENAMETOOLONG, to)
  const fd = check('socket', socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0), 'AF_UNIX')
  try {
    sendMessage(fd, { data, fds, to: addressOfSocket(to) })
  } finally {
    close(fd)
  }
}

interface Message {
  readonly data: Uint8Array
  readonly fds: readonly number[]
  readonly to?: Uint8Array
}

/** sendmsg(2): struct msghdr with one struct iovec, and a control message of SCM_RIGHTS. */
function sendMessage(fd: number, { data, fds, to = new Uint8Array(0) }: Message): void {
  const [name, payload] = [allocateCopy(to), allocateCopy(data)]
  const vector = allocate(16)
  vector.view.setBigUint64(0, payload.address, true)
  vector.view.setBigUint64(8, BigInt(data.length), true)
  const message = allocate(56)
  message.view.setBigUint64(0, to.length === 0 ? 0n : name.address, true)
  message.view.setUint32(8, to.length, true)
  message.view.setBigUint64(16, vector.address, true)
  message.view.setBigUint64(24, 1n, true)
  const control = controlOf(fds)
  message.view.setBigUint64(32, fds.length === 0 ? 0n : control.address, true)
  message.view.setBigUint64(40, fds.length === 0 ? 0n : BigInt(control.bytes.length), true)
  if (sendmsg(fd, message.bytes, MSG_NOSIGNAL) < 0) throw new KernelError('sendmsg', lastErrno(), `${fds.length} descriptors`)
}

function controlOf(fds: readonly number[]): Memory {
  const control = allocate(16 + Math.ceil((fds.length * 4) / 8) * 8)
  control.view.setBigUint64(0, BigInt(16 + fds.length * 4), true)
  control.view.setInt32(8, SOL_SOCKET, true)
  control.view.setInt32(12, SCM_RIGHTS, true)
  fds.forEach((each, i) => control.view.setInt32(16 + i * 4, each, true))
  return control
}
