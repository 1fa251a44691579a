/** Processes by descriptor: a pidfd stays that process's, also when its pid is used again. */
import { check, libc } from './libc.ts'

const syscall = libc.func('long syscall(long number, long a, long b, long c)')
const getsockopt = libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)')

const PIDFD_OPEN = 434
const PIDFD_GETFD = 438
const SOL_SOCKET = 1
const SO_PEERPIDFD = 77

/** pidfd_open(2) of a process (a thread group's leader). */
export const openPidfd = (pid: number): number => check('pidfd_open', syscall(PIDFD_OPEN, pid, 0, 0), `process ${pid}`)

/** A copy of another process's descriptor, closed on exec. pidfd_getfd(2). Throws KernelError: EBADF when it has none of that number. */
export const descriptorOf = (pidfd: number, fd: number): number => check('pidfd_getfd', syscall(PIDFD_GETFD, pidfd, fd, 0), `descriptor ${fd}`)

/** A pidfd of the process that connected a Unix socket. Linux 6.5. */
export function peerPidfd(socketFd: number): number {
  const value = new Int32Array(1)
  check('getsockopt', getsockopt(socketFd, SOL_SOCKET, SO_PEERPIDFD, value, new Uint32Array([4])), 'SO_PEERPIDFD')
  return value[0]!
}
