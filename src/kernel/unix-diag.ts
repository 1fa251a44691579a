/** Which socket is at the other end of a Unix socket, by the kernel's own tables (sock_diag(7)). */
import { fstatSync } from 'node:fs'
import { cStruct, u16, u32, u64, u8 } from '#abi/c-struct.ts'
import { errno, KernelError } from './errno.ts'
import { check, close, libc } from './libc.ts'
import { Attributes, type NetlinkMessage } from './netlink-message.ts'
import { NetlinkSocket } from './netlink-socket.ts'
import { socketCookie } from './socket-identity.ts'

const ioctl = libc.func('ioctl', 'int', ['int', 'ulong', 'long'])

const SIOCGSKNS = 0x894c
const NETLINK_SOCK_DIAG = 4
const SOCK_DIAG_BY_FAMILY = 20
const AF_UNIX = 1
const UDIAG_SHOW_PEER = 4
const UNIX_DIAG_PEER = 2
const anyCookie = 0xffff_ffff_ffff_ffffn

/** struct unix_diag_req. The cookie is two u32 there, which lie as one u64 does. */
export const unixDiagReq = cStruct({ family: u8, protocol: u8, pad: u16, states: u32, ino: u32, show: u32, cookie: u64 })
/** struct unix_diag_msg, whose cookie is not aligned to 8. */
export const unixDiagMsg = cStruct({ family: u8, type: u8, state: u8, pad: u8, ino: u32, cookieLow: u32, cookieHigh: u32 })

interface UnixSocket {
  readonly inode: number
  readonly cookie: bigint
  readonly peerInode: number | undefined
}

/**
 * The cookie of the socket that is connected to this one. Undefined when it is not a connected Unix socket, or
 * when the inode of its peer does not pass `isWorthIt`: finding the cookie takes a look at all sockets of the
 * namespace. Inode numbers decide nothing by themselves, since the kernel gives them out again while the first socket
 * still exists: a number that two sockets have is no answer.
 */
export function unixPeerCookie(fd: number, isWorthIt: (peerInode: number) => boolean): bigint | undefined {
  const cookie = socketCookie(fd)
  if (cookie === undefined) return undefined
  using diag = openDiag(fd)
  const peerInode = exact(diag, fstatSync(fd).ino >>> 0, cookie)
  if (peerInode === undefined || !isWorthIt(peerInode)) return undefined
  const found = all(diag).filter(({ inode }) => inode === peerInode)
  return found.length === 1 ? found[0]!.cookie : undefined
}

/** A socket of sock_diag in the network namespace of another socket: it sees the sockets of its own namespace alone. */
function openDiag(fd: number): NetlinkSocket {
  const netnsFd = check('ioctl', ioctl(fd, SIOCGSKNS, 0), 'SIOCGSKNS')
  try {
    return NetlinkSocket.open({ family: NETLINK_SOCK_DIAG, netnsFd })
  } finally {
    close(netnsFd)
  }
}

const request = (ino: number, cookie: bigint): Uint8Array =>
  unixDiagReq.encode({ family: AF_UNIX, protocol: 0, pad: 0, states: 0xffffffff, ino, show: UDIAG_SHOW_PEER, cookie })

function exact(diag: NetlinkSocket, inode: number, cookie: bigint): number | undefined {
  try {
    const replies = diag.request({ call: 'unix_diag', type: SOCK_DIAG_BY_FAMILY, parts: [request(inode, cookie)] })
    return replies.map(decode)[0]?.peerInode
  } catch (error) {
    // ENOENT: no Unix socket has this number. ESTALE: another one has it.
    if (error instanceof KernelError && (error.errno === errno.ENOENT || error.errno === errno.ESTALE)) return undefined
    throw error
  }
}

const all = (diag: NetlinkSocket): UnixSocket[] =>
  diag.dump({ call: 'unix_diag', type: SOCK_DIAG_BY_FAMILY, parts: [request(0, anyCookie)] }).map(decode)

function decode({ body }: NetlinkMessage): UnixSocket {
  const { ino, cookieLow, cookieHigh } = unixDiagMsg.decode(body)
  const peerInode = new Attributes(body.subarray(unixDiagMsg.size)).u32(UNIX_DIAG_PEER)
  return { inode: ino, cookie: (BigInt(cookieHigh) << 32n) | BigInt(cookieLow), peerInode }
}
