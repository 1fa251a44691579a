/** The socket of vpcd: who may connect, how many, and what becomes of connections when it stops. */
import { lstatSync, unlinkSync } from 'node:fs'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { errno } from '#abi/errno.ts'
import { Connection } from './connection.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { silentLog, type Log } from './log.ts'
import type { Caller, Opener } from './opener.ts'

export interface ServerOptions {
  /** At most 107 bytes. What lies there from an earlier vpcd is removed: hold the lock of its directory. */
  readonly socketPath: string
  readonly opener: Opener
  /** The peer of a connected socket, from its descriptor. When it throws, the connection is refused. */
  readonly peerOf: (fd: number) => Caller
  readonly limits?: Partial<Limits> | undefined
  readonly log?: Log | undefined
}

const maxPathBytes = 107
const backlog = 4096
// Refused connections that may linger to read why.
const refusedAtOnce = 256

/** Accepts connections until `close()`. */
export class Server implements AsyncDisposable {
  readonly #net: NetServer
  readonly #opener: Opener
  readonly #peerOf: (fd: number) => Caller
  readonly #limits: Limits
  readonly #log: Log
  readonly #connections = new Set<Connection>()
  readonly #byUid = new Map<number, number>()

  private constructor({ opener, peerOf, limits, log = silentLog }: ServerOptions) {
    this.#opener = opener
    this.#peerOf = peerOf
    this.#limits = { ...defaultLimits, ...limits }
    this.#log = log
    this.#net = createServer((socket) => this.#accept(socket))
    this.#net.on('error', (error) => log.error('the socket broke', { error }))
  }

  /** Listen. Throws what listen(2) says; the socket has mode 0660 from its first moment. */
  static async listen(options: ServerOptions): Promise<Server> {
    const { socketPath } = options
    const length = Buffer.byteLength(socketPath)
    if (length > maxPathBytes)
      throw new Error(`the path of a socket has at most ${maxPathBytes} bytes; ${socketPath} has ${length}: choose a shorter --run-dir`)
    removeStale(socketPath)
    const server = new Server(options)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.#net.once('error', reject)
    // bind(2) makes the file inside of this call: there is no moment in which others may connect.
    const umask = process.umask(0o117)
    try {
      server.#net.listen({ path: socketPath, backlog }, resolve)
    } finally {
      process.umask(umask)
    }
    await promise
    server.#net.off('error', reject)
    return server
  }

  /** Descriptors that are open. */
  get descriptors(): number {
    let count = 0
    for (const connection of this.#connections) if (connection.open) count++
    return count
  }

  /** Connections, those that have not opened anything included. */
  get connections(): number {
    return this.#connections.size
  }

  /** Accept no more, give every handle back, end every connection with ECONNRESET. Removes the socket. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#net.close(() => resolve()))
    for (const connection of this.#connections) connection.stop()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #accept(socket: Socket): void {
    // Far above the limit not even a refusal is written: this is what stops a flood of connections from costing memory.
    if (this.#connections.size >= this.#limits.maxConnections + refusedAtOnce) return void socket.destroy()
    const caller = this.#identify(socket)
    const uid = caller?.uid ?? -1
    const refusal = caller === undefined ? 'cannot tell who is calling' : this.#tooMany(uid)
    this.#byUid.set(uid, (this.#byUid.get(uid) ?? 0) + 1)
    const onClose = (): void => {
      this.#connections.delete(connection)
      const left = this.#byUid.get(uid)! - 1
      left === 0 ? this.#byUid.delete(uid) : this.#byUid.set(uid, left)
    }
    const connection = new Connection({
      socket,
      caller: caller ?? { pid: 0, uid: -1, gid: -1 },
      opener: this.#opener,
      limits: this.#limits,
      log: this.#log,
      onClose,
    })
    this.#connections.add(connection)
    if (refusal !== undefined) connection.refuse(caller === undefined ? errno.EPERM : errno.EAGAIN, refusal)
  }

  #identify(socket: Socket): Caller | undefined {
    try {
      const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } | null }
      const fd = handle?.fd
      return fd === undefined || fd < 0 ? undefined : this.#peerOf(fd)
    } catch (error) {
      this.#log.error('the credentials of a client cannot be read', { error })
      return undefined
    }
  }

  #tooMany(uid: number): string | undefined {
    const { maxConnections, maxConnectionsPerUid, reservedForRoot } = this.#limits
    const total = uid === 0 ? maxConnections : maxConnections - reservedForRoot
    if (this.#connections.size >= total) return `${this.#connections.size} connections are open, which is as many as it takes`
    if (uid !== 0 && (this.#byUid.get(uid) ?? 0) >= maxConnectionsPerUid)
      return `user ${uid} has ${maxConnectionsPerUid} connections, which is as many as one user may have`
    return undefined
  }
}

function removeStale(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw new Error(`${path} is in the way: it is not a socket; take it away, or choose another --run-dir`)
  unlinkSync(path)
}
