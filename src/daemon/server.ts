/** The socket of vpcd: who may connect, how many, and how connections end when vpcd stops. */
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { readSuperviseRequest } from '#abi/layouts.ts'
import { Connections, descriptorOf } from './connections.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { openListeningSocket, type DescriptorKeeper, type ListeningSocket } from './listening-socket.ts'
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
  /** Keeps the socket for the next vpcd. */
  readonly keeper?: DescriptorKeeper | undefined
}

const backlog = 4096

/** Commands take less, so a connection that has lasted longer is of a program that runs on. */
const commandMs = 2000

/** Accepts connections until `close()`. */
export class Server implements AsyncDisposable {
  readonly #net: NetServer
  readonly #peerOf: (fd: number) => Caller
  readonly #log: Log
  readonly #connections: Connections
  readonly #supervisor: Supervisor
  #listening: ListeningSocket | undefined

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
    const { socketPath: path, group, isPublic, keeper } = options
    const server = new Server(options)
    const listening = openListeningSocket({ path, backlog, group, isPublic, keeper })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.#net.once('error', reject)
    server.#net.listen({ fd: listening.fd }, backlog, resolve)
    await promise
    server.#net.off('error', reject)
    server.#listening = listening
    server.#supervisor.resume(keeper)
    return server
  }

  /** From now on others may connect. Who is connected stays. */
  openTo(who: Pick<ServerOptions, 'group' | 'isPublic'>): void {
    this.#listening?.openTo(who)
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
   * Go on until no command is under way, so that none of them fails because vpcd is started anew; for as long as a
   * command takes, at most.
   */
  async untilIdle(): Promise<void> {
    const since = performance.now()
    while (this.#connections.hasYoung(commandMs) && performance.now() - since < commandMs) await sleep(5)
  }

  /**
   * Accept no more, release every handle, end every connection with ECONNRESET, remove the socket unless it is kept.
   * Programs under `vpc exec` get ENOSYS from now on, or wait for the next vpcd where their listeners are kept.
   */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#net.close(() => resolve()))
    this.#supervisor.close()
    this.#connections.stop()
    await closed
    this.#listening?.remove()
    while (this.#connections.size > 0) await sleep(5)
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
