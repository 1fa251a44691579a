/** The socket of vpcd: who may connect, how many, and how connections end when vpcd stops. */
import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { readSuperviseRequest } from '#abi/layouts.ts'
import { Connections, descriptorOf } from './connections.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { silentLog, type Log } from '#system/log.ts'
import type { Caller, Opener } from './opener.ts'
import { Supervisor } from './supervisor.ts'

export interface ServerOptions {
  /** At most 107 bytes. The socket of an earlier vpcd is removed: hold the lock of its directory. */
  readonly socketPath: string
  readonly opener: Opener
  /** The peer of a connected socket, from its descriptor. If it throws, the connection is refused. */
  readonly peerOf: (fd: number) => Caller
  readonly limits?: Partial<Limits> | undefined
  readonly log?: Log | undefined
  /** Group whose members may connect, besides root. Default: that of this process. */
  readonly group?: number | undefined
  /** Let everybody connect: each open is checked then. */
  readonly isPublic?: boolean | undefined
}

const maxPathBytes = 107
const backlog = 4096

/** Accepts connections until `close()`. */
export class Server implements AsyncDisposable {
  readonly #net: NetServer
  readonly #peerOf: (fd: number) => Caller
  readonly #log: Log
  readonly #connections: Connections
  readonly #supervisor: Supervisor

  private constructor({ opener, peerOf, limits, log = silentLog }: ServerOptions) {
    this.#peerOf = peerOf
    this.#log = log
    const all = { ...defaultLimits, ...limits }
    this.#connections = new Connections(opener, all, log)
    this.#supervisor = new Supervisor({ opener, connections: this.#connections, limits: all, log })
    this.#net = createServer((socket) => this.#accept(socket))
    this.#net.on('error', (error) => log.error('the socket broke', { error }))
  }

  /**
   * Listen. Throws the error of listen(2). The socket has mode 0660 at first, and more only once it belongs to its
   * group.
   */
  static async listen(options: ServerOptions): Promise<Server> {
    const { socketPath } = options
    const length = Buffer.byteLength(socketPath)
    if (length > maxPathBytes)
      throw new Error(`the path of a socket has at most ${maxPathBytes} bytes; ${socketPath} has ${length}: choose a shorter --run-dir`)
    removeStale(socketPath)
    const server = new Server(options)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.#net.once('error', reject)
    // bind(2) makes the file inside this call: others can connect at no moment.
    const umask = process.umask(0o117)
    try {
      server.#net.listen({ path: socketPath, backlog }, resolve)
    } finally {
      process.umask(umask)
    }
    await promise
    server.#net.off('error', reject)
    if (options.group !== undefined) chownSync(socketPath, process.geteuid!(), options.group)
    if (options.isPublic) chmodSync(socketPath, 0o666)
    return server
  }

  /** Descriptors that are open. */
  get descriptors(): number {
    return this.#connections.open
  }

  /** Connections, including those that have opened nothing. */
  get connections(): number {
    return this.#connections.size
  }

  /** Programs under `vpc exec` whose system calls are answered here. */
  get supervised(): number {
    return this.#supervisor.size
  }

  /**
   * Accept no more, release every handle, end every connection with ECONNRESET, remove the socket. Programs under `vpc
   * exec` get ENOSYS from now on.
   */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#net.close(() => resolve()))
    this.#supervisor.close()
    this.#connections.stop()
    await closed
    while (this.#connections.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #accept(socket: Socket): void {
    const caller = this.#identify(socket)
    const supervise = (input: Uint8Array): void => this.#supervisor.take(descriptorOf(socket), readSuperviseRequest(input), caller!)
    this.#connections.accept(socket, caller, supervise)
  }

  #identify(socket: Socket): Caller | undefined {
    try {
      const fd = descriptorOf(socket)
      return fd === undefined ? undefined : this.#peerOf(fd)
    } catch (error) {
      this.#log.error('the credentials of a client cannot be read', { error })
      return undefined
    }
  }
}

function removeStale(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw new Error(`${path} is in the way: it is not a socket; take it away, or choose another --run-dir`)
  unlinkSync(path)
}
