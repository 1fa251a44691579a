/**
 * What Node's own Unix sockets cannot do: listen on a path for another program, and send descriptors along with bytes.
 */
import type { Socket } from 'node:net'
import { errno, KernelError } from './errno.ts'
import { check, close, lastErrno, libc } from './libc.ts'
import { allocate, allocateCopy } from './memory.ts'

const socket = libc.func('int socket(int domain, int type, int protocol)')
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)')
const listen = libc.func('int listen(int fd, int backlog)')
const sendmsg = libc.func('long sendmsg(int fd, const void *message, int flags)')

const AF_UNIX = 1
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const MSG_NOSIGNAL = 0x4000
const backlog = 16

/** Longest path that a socket takes, without the zero byte at its end. */
export const maxSocketPathBytes = 107

/**
 * A listening stream socket on a path, closed on exec. Throws KernelError: EADDRINUSE when something lies there,
 * ENAMETOOLONG.
 */
export function listenOnPath(path: string): number {
  if (Buffer.byteLength(path) > maxSocketPathBytes) throw new KernelError('bind', errno.ENAMETOOLONG, path)
  const fd = check('socket', socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0), 'AF_UNIX')
  try {
    const address = Buffer.alloc(110)
    address.writeUInt16LE(AF_UNIX)
    address.write(path, 2)
    check('bind', bind(fd, address, address.length), path)
    check('listen', listen(fd, backlog), path)
    return fd
  } catch (error) {
    close(fd)
    throw error
  }
}

/**
 * Send bytes with copies of descriptors, in one message. At least one byte. Throws KernelError when it cannot be sent
 * at once.
 */
export function sendWithDescriptors(to: Socket, data: Uint8Array, fds: readonly number[]): void {
  const { _handle: handle } = to as Socket & { _handle?: { fd?: number } | null }
  const fd = handle?.fd ?? -1
  if (fd < 0) throw new Error('cannot send descriptors: the socket is closed')
  const payload = allocateCopy(data)
  const vector = allocate(16)
  vector.view.setBigUint64(0, payload.address, true)
  vector.view.setBigUint64(8, BigInt(data.length), true)
  const control = allocate(16 + Math.ceil((fds.length * 4) / 8) * 8)
  control.view.setBigUint64(0, BigInt(16 + fds.length * 4), true)
  control.view.setInt32(8, SOL_SOCKET, true)
  control.view.setInt32(12, SCM_RIGHTS, true)
  fds.forEach((each, i) => control.view.setInt32(16 + i * 4, each, true))
  const message = allocate(56)
  message.view.setBigUint64(16, vector.address, true)
  message.view.setBigUint64(24, 1n, true)
  message.view.setBigUint64(32, control.address, true)
  message.view.setBigUint64(40, BigInt(control.bytes.length), true)
  if (sendmsg(fd, message.bytes, MSG_NOSIGNAL) < 0) throw new KernelError('sendmsg', lastErrno(), `${fds.length} descriptors`)
}
