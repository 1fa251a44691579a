/** Sockets that wait for clients, bound to an address of the thread's network namespace. socket(7). */
import { encodeSockaddr } from '#abi/layouts.ts'
import { check, close, libc } from './libc.ts'

const socket = libc.func('int socket(int domain, int type, int protocol)')
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)')
const listen = libc.func('int listen(int fd, int backlog)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')

const AF_INET = 2
const AF_INET6 = 10
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOCK_NONBLOCK_CLOEXEC = 0o2004000
const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const BACKLOG = 1024

/** Where a socket waits. */
export interface Waiting {
  readonly protocol: 'tcp' | 'udp'
  readonly address: Uint8Array
  readonly port: number
}

/** Open one, and return its descriptor. Throws KernelError: EADDRINUSE, EADDRNOTAVAIL. */
export function openWaiting({ protocol, address, port }: Waiting): number {
  const type = protocol === 'tcp' ? SOCK_STREAM : SOCK_DGRAM
  const fd = check('socket', socket(address.length === 16 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK_CLOEXEC, 0))
  try {
    check('setsockopt', setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, Uint32Array.of(1), 4), 'SO_REUSEADDR')
    const own = encodeSockaddr({ address: address as never, port })
    check('bind', bind(fd, own, own.length))
    if (protocol === 'tcp') check('listen', listen(fd, BACKLOG))
    return fd
  } catch (error) {
    close(fd)
    throw error
  }
}
