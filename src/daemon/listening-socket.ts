/**
 * The socket that vpcd listens on: that of the vpcd before, if a service manager kept it, or a new one. With a kept one
 * nobody is refused while vpcd is started anew: clients wait in its queue.
 */
import { chmodSync, chownSync, lstatSync, rmSync, unlinkSync, type Stats } from 'node:fs'
import { maxSocketPathBytes, listenOnPath } from '#kernel/unix-socket.ts'

/** Keeps descriptors while no vpcd runs. */
export interface DescriptorKeeper {
  /** A descriptor of that name, which is the caller's from now on. */
  take(name: string): number | undefined
  /** The same for all descriptors of such names, which are kept no longer. */
  takeAll(prefix: string): [name: string, fd: number][]
  keep(name: string, fd: number): void
}

/** Who may connect. */
interface Clients {
  /** Group whose members may connect, besides root. Default: that of this process. */
  readonly group?: number | undefined
  /** Let everybody connect: each open is checked then. */
  readonly isPublic?: boolean | undefined
}

export interface ListeningOptions extends Clients {
  /** At most 107 bytes. A socket that is not kept is removed: hold the lock of its directory. */
  readonly path: string
  /** Connections that may wait. */
  readonly backlog: number
  /** Keeps the socket for the next vpcd. Without one, the socket goes with this one. */
  readonly keeper?: DescriptorKeeper | undefined
}

export interface ListeningSocket {
  readonly fd: number
  openTo(clients: Clients): void
  /** Remove it from the file system, unless it is kept. */
  remove(): void
}

/** Listen. Throws the error of bind(2) or listen(2). */
export function openListeningSocket({ path, backlog, keeper, ...clients }: ListeningOptions): ListeningSocket {
  const length = Buffer.byteLength(path)
  if (length > maxSocketPathBytes)
    throw new Error(`the path of a socket has at most ${maxSocketPathBytes} bytes; ${path} has ${length}: choose a shorter --run-dir`)
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found !== undefined && !found.isSocket())
    throw new Error(`${path} is in the way: it is not a socket; take it away, or choose another --run-dir`)
  const kept = found && keeper?.take(keptName(found))
  const fd = kept ?? bindAnew(path, backlog, found !== undefined)
  openTo(path, clients)
  if (kept === undefined) keeper?.keep(keptName(lstatSync(path)), fd)
  return {
    fd,
    openTo: (clients) => openTo(path, clients),
    remove() {
      if (keeper === undefined) rmSync(path, { force: true })
    },
  }
}

/** A socket whose file somebody removed or replaced is another one's. */
const keptName = ({ dev, ino }: Stats): string => `socket-${dev}-${ino}`

/** bind(2) makes the file with a mode by which nobody but root and its group can connect at any moment. */
function bindAnew(path: string, backlog: number, isThere: boolean): number {
  if (isThere) unlinkSync(path)
  const umask = process.umask(0o117)
  try {
    return listenOnPath(path, backlog)
  } finally {
    process.umask(umask)
  }
}

/** Clients of a kept socket connect meanwhile: what is right is left alone, and a wider mode comes after the group. */
function openTo(path: string, { group = process.getegid!(), isPublic = false }: Clients): void {
  const { uid, gid, mode } = lstatSync(path)
  const wanted = isPublic ? 0o666 : 0o660
  const isRightOwner = uid === process.geteuid!() && gid === group
  if (isRightOwner && (mode & 0o777) === wanted) return
  chmodSync(path, 0o600)
  if (!isRightOwner) chownSync(path, process.geteuid!(), group)
  chmodSync(path, wanted)
}
