/** Processes by descriptor: a pidfd stays that process's, also when its pid is used again. */
import { errno, KernelError } from './errno.ts'
import { check, lastErrno, libc } from './libc.ts'

const syscall = libc.func('long syscall(long number, long a, long b, long c)')
const getsockopt = libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)')

const PIDFD_OPEN = 434
const PIDFD_GETFD = 438
const PIDFD_THREAD = 0o200
const SOL_SOCKET = 1
const SO_PEERPIDFD = 77

/** pidfd_open(2) of a process (a thread group's leader). */
export const openPidfd = (pid: number): number => check('pidfd_open', syscall(PIDFD_OPEN, pid, 0, 0), `process ${pid}`)

/**
 * A pidfd of one thread: descriptors taken by it are those that the thread sees. Before Linux 6.9 a pidfd is of a whole
 * process. Its threads share their descriptors, unless they were made to differ.
 */
export function openThreadPidfd(tid: number, pidOf: () => number): number {
  const fd: number = syscall(PIDFD_OPEN, tid, PIDFD_THREAD, 0)
  if (fd >= 0) return fd
  if (lastErrno() === errno.EINVAL) return openPidfd(pidOf())
  throw new KernelError('pidfd_open', lastErrno(), `thread ${tid}`)
}

/**
 * A copy of another process's descriptor, closed on exec. pidfd_getfd(2). Throws KernelError: EBADF when it has none of
 * that number.
 */
export const descriptorOf = (pidfd: number, fd: number): number =>
  check('pidfd_getfd', syscall(PIDFD_GETFD, pidfd, fd, 0), `descriptor ${fd}`)

/** A pidfd of the process that connected a Unix socket. Linux 6.5. */
export function peerPidfd(socketFd: number): number {
  const value = new Int32Array(1)
  check('getsockopt', getsockopt(socketFd, SOL_SOCKET, SO_PEERPIDFD, value, new Uint32Array([4])), 'SO_PEERPIDFD')
  return value[0]!
}
