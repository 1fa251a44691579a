/** Unix sockets that Node does not make itself: pairs, and the cookie that tells one socket from all others. */
import { cStruct, u64 } from '#abi/c-struct.ts'
import { errno, KernelError } from './errno.ts'
import { check, lastErrno, libc } from './libc.ts'

const socketpair = libc.func('int socketpair(int domain, int type, int protocol, void *fds)')
const getsockopt = libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)')

const AF_UNIX = 1
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000
const SOL_SOCKET = 1
const SO_COOKIE = 57
const SO_PEERGROUPS = 59
const cookieValue = cStruct({ cookie: u64 })

/** Two connected stream sockets, closed on exec, blocking. */
export function socketPair(): [number, number] {
  const fds = new Int32Array(2)
  check('socketpair', socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, fds), 'AF_UNIX')
  return [fds[0]!, fds[1]!]
}

/** The number that the kernel gives to one socket and never to another. Undefined when it is not a socket. */
export function socketCookie(fd: number): bigint | undefined {
  const value = new Uint8Array(cookieValue.size)
  if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, value, new Uint32Array([value.length])) === 0) return cookieValue.decode(value).cookie
  if (lastErrno() === errno.ENOTSOCK) return undefined
  throw new KernelError('getsockopt', lastErrno(), 'SO_COOKIE')
}

/** The supplementary groups of the process that connected a Unix socket, as they were then. */
export function peerGroups(fd: number): number[] {
  for (let count = 64; ; count *= 4) {
    const value = new Uint32Array(count)
    const length = new Uint32Array([value.byteLength])
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, value, length) === 0) return [...value.subarray(0, length[0]! / 4)]
    if (lastErrno() !== errno.ERANGE) throw new KernelError('getsockopt', lastErrno(), 'SO_PEERGROUPS')
  }
}
