/** Who is at the other end of a Unix socket. */
import type { Socket } from 'node:net'
import { cStruct, u32 } from '#abi/c-struct.ts'
import { check, libc } from './libc.ts'

const getsockopt = libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)')

const SOL_SOCKET = 1
const SO_PEERCRED = 17
const ucred = cStruct({ pid: u32, uid: u32, gid: u32 })
/** What the kernel gives for a socket that has no peer. */
const NOBODY = 0xffffffff

/** The peer as it was when it connected. Another process may have its pid by now; its uid and gid stay true. */
export interface PeerCredentials {
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

/** The credentials of a Unix socket's peer. Throws when the kernel does not give them: nobody is let in on a guess. */
export function peerCredentials(socket: Socket): PeerCredentials {
  // Node keeps the descriptor in a property that it does not document.
  const fd: unknown = (socket as { _handle?: { fd?: unknown } })._handle?.fd
  if (typeof fd !== 'number' || fd < 0) throw new Error('the credentials of a peer cannot be read: its socket has no descriptor')
  return peerCredentialsOf(fd)
}

/** The credentials of the peer of a bare descriptor. */
export function peerCredentialsOf(fd: number): PeerCredentials {
  const value = new Uint8Array(ucred.size)
  const length = new Uint32Array([value.length])
  check('getsockopt', getsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, length), 'SO_PEERCRED')
  const credentials = ucred.decode(value)
  if (length[0] !== ucred.size || credentials.uid === NOBODY)
    throw new Error('the credentials of a peer cannot be read: it is not a Unix socket')
  return credentials
}
