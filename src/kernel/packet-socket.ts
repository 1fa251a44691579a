/** Frames sent out of a device of this process's network namespace. packet(7). */
import { cStruct, u16, u32, u8, bytes } from '#abi/c-struct.ts'
import { KernelError } from './errno.ts'
import { check, close, lastErrno, libc } from './libc.ts'

const socket = libc.func('int socket(int domain, int type, int protocol)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')
const sendto = libc.func('long sendto(int fd, const void *bytes, size_t length, int flags, const void *address, uint32_t addressLength)')

const AF_PACKET = 17
const SOCK_RAW_CLOEXEC = 3 | 0o2000000
const MSG_DONTWAIT = 0x40
const SOL_SOCKET = 1
const SO_MARK = 36
const sockaddrLl = cStruct({ family: u16, protocol: u16, ifindex: u32, hatype: u16, pkttype: u8, halen: u8, address: bytes(8) })

/**
 * Send one frame, from its Ethernet header on. `mark`: its skb->mark. Throws KernelError: EMSGSIZE when it is too long,
 * ENETDOWN, ENXIO, ENOBUFS.
 */
export function sendFrame(ifindex: number, frame: Uint8Array, mark = 0): void {
  // Protocol 0: it receives nothing.
  const fd = check('socket', socket(AF_PACKET, SOCK_RAW_CLOEXEC, 0), 'AF_PACKET')
  try {
    if (mark !== 0) check('setsockopt', setsockopt(fd, SOL_SOCKET, SO_MARK, Uint32Array.of(mark), 4), 'SO_MARK')
    const type = ((frame[12] ?? 0) | ((frame[13] ?? 0) << 8)) & 0xffff
    const to = sockaddrLl.encode({
      family: AF_PACKET,
      protocol: type,
      ifindex,
      hatype: 0,
      pkttype: 0,
      halen: 6,
      address: frame.slice(0, 6),
    })
    if (Number(sendto(fd, frame, frame.length, MSG_DONTWAIT, to, to.length)) < 0)
      throw new KernelError('sendto', lastErrno(), `device ${ifindex}`)
  } finally {
    close(fd)
  }
}
