/** All connections of a vpcd: counted against its limits, and found by a copy of the descriptor that a client has. */
import { fstatSync } from 'node:fs'
import type { Socket } from 'node:net'
import { errno } from '#abi/errno.ts'
import { socketCookie } from '#kernel/socket-identity.ts'
import { unixPeerCookie } from '#kernel/unix-diag.ts'
import { Connection } from './connection.ts'
import { HeldMemory } from './held-memory.ts'
import { Turns } from './turns.ts'
import type { Limits } from './limits.ts'
import type { Log } from '#system/log.ts'
import type { Caller, OpenHandle, Opener } from './opener.ts'

// Refused connections that may linger, so that their clients read the reason.
const refusedAtOnce = 256

const nobody: Caller = { pid: 0, uid: -1, gid: -1 }

/** What identifies a connection besides the object. */
interface Identity {
  /** Cookie of the client's socket; looked up at the first use, if vpcd did not make the socket. */
  client: bigint | undefined
  /** Of vpcd's own socket, if the client connected it. */
  readonly own: { readonly inode: number; readonly cookie: bigint } | undefined
}

type More = Pick<ConstructorParameters<typeof Connection>[0], 'handle' | 'supervise'>

export class Connections {
  readonly #opener: Opener
  readonly #limits: Limits
  readonly #log: Log
  readonly #turns = new Turns()
  readonly #held: HeldMemory
  readonly #all = new Map<Connection, Identity>()
  /** Refused connections that linger so that clients can read the reason. They count for nobody's limit. */
  readonly #refused = new Set<Connection>()
  readonly #byUid = new Map<number, number>()
  readonly #byClient = new Map<bigint, Connection>()
  readonly #byInode = new Map<number, Connection>()

  constructor(opener: Opener, limits: Limits, log: Log) {
    this.#opener = opener
    this.#limits = limits
    this.#log = log
    this.#held = new HeldMemory(limits.maxHeldBytesPerUid)
  }

  /** All connections, including those that have opened nothing and refused ones. */
  get size(): number {
    return this.#all.size + this.#refused.size
  }

  /** Those that carry a descriptor. */
  get open(): number {
    let count = 0
    for (const connection of this.#all.keys()) if (connection.open) count++
    return count
  }

  /** Whether one of them was made within this time. */
  hasYoung(ms: number): boolean {
    const since = performance.now() - ms
    for (const connection of this.#all.keys()) if (connection.since > since) return true
    return false
  }

  /** A client has connected; the caller is undefined if it is unknown. Refused when there are too many. */
  accept(socket: Socket, caller: Caller | undefined, supervise?: (input: Uint8Array) => void): void {
    const refusal = caller === undefined ? 'cannot tell who is calling' : this.tooMany(caller.uid)
    if (refusal === undefined) return void this.#add(socket, caller!, { client: undefined, own: identityOf(socket) }, { supervise })
    // With many refusals, vpcd writes no reason: a flood of connections must cost neither memory nor anybody's place.
    if (this.#refused.size >= refusedAtOnce) return void socket.destroy()
    const connection = this.#make(socket, caller ?? nobody, {}, () => this.#refused.delete(connection))
    this.#refused.add(connection)
    connection.refuse(caller === undefined ? errno.EPERM : errno.EAGAIN, refusal)
  }

  /** Serve an open handle on a socket whose other end, with this cookie, the caller will get. */
  serve(socket: Socket, caller: Caller, handle: OpenHandle, client: bigint): Connection {
    return this.#add(socket, caller, { client, own: undefined }, { handle })
  }

  /** Why a user may not have one more; undefined: it may. */
  tooMany(uid: number): string | undefined {
    const { maxConnections, maxConnectionsPerUid, reservedForRoot } = this.#limits
    const total = uid === 0 ? maxConnections : maxConnections - reservedForRoot
    if (this.#all.size >= total)
      return `${this.#all.size} connections are open, which is its limit (${uid === 0 ? 'maxConnections' : 'maxConnections, reservedForRoot'})`
    if (uid !== 0 && (this.#byUid.get(uid) ?? 0) >= maxConnectionsPerUid)
      return `user ${uid} has ${maxConnectionsPerUid} connections, which is the limit for one user (maxConnectionsPerUid)`
    return undefined
  }

  /** The connection whose other end this descriptor is, a copy of a client's. */
  find(fd: number): Connection | undefined {
    const cookie = socketCookie(fd)
    if (cookie === undefined) return undefined
    const known = this.#byClient.get(cookie)
    if (known !== undefined) return known
    const peer = unixPeerCookie(fd, (inode) => this.#byInode.has(inode))
    if (peer === undefined) return undefined
    for (const [connection, identity] of this.#all) {
      if (identity.own?.cookie !== peer) continue
      identity.client = cookie
      this.#byClient.set(cookie, connection)
      return connection
    }
    return undefined
  }

  /** End all. */
  stop(): void {
    for (const connection of [...this.#all.keys(), ...this.#refused]) connection.stop()
  }

  #add(socket: Socket, caller: Caller, identity: Identity, more: More): Connection {
    const { uid } = caller
    this.#byUid.set(uid, (this.#byUid.get(uid) ?? 0) + 1)
    const connection = this.#make(socket, caller, more, () => this.#remove(connection, uid))
    this.#all.set(connection, identity)
    if (identity.client !== undefined) this.#byClient.set(identity.client, connection)
    if (identity.own !== undefined) this.#byInode.set(identity.own.inode, connection)
    return connection
  }

  #make(socket: Socket, caller: Caller, more: More, onClose: () => void): Connection {
    const shared = { opener: this.#opener, limits: this.#limits, log: this.#log, turns: this.#turns }
    return new Connection({ ...shared, socket, caller, held: this.#held.share(caller.uid), onClose, ...more })
  }

  #remove(connection: Connection, uid: number): void {
    const { client, own } = this.#all.get(connection)!
    this.#all.delete(connection)
    if (client !== undefined) this.#byClient.delete(client)
    if (own !== undefined && this.#byInode.get(own.inode) === connection) this.#byInode.delete(own.inode)
    const left = this.#byUid.get(uid)! - 1
    left === 0 ? this.#byUid.delete(uid) : this.#byUid.set(uid, left)
  }
}

/** Undefined for a socket that has been closed already. */
function identityOf(socket: Socket): Identity['own'] {
  const fd = descriptorOf(socket)
  if (fd === undefined) return undefined
  const cookie = socketCookie(fd)
  return cookie === undefined ? undefined : { inode: fstatSync(fd).ino, cookie }
}

/** The descriptor of a socket, which Node hides. Undefined when it is closed. */
export function descriptorOf(socket: Socket): number | undefined {
  const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } | null }
  const fd = handle?.fd
  return fd === undefined || fd < 0 ? undefined : fd
}
