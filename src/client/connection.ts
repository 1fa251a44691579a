/** One connection to vpcd: frames out, replies matched to their requests, events into a bounded queue. */
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { errnoName } from '#abi/errno.ts'
import { encodeFrame, frameKind, FrameReader, maxPayloadBytes, type Frame, type FrameProblem } from '#abi/frame.ts'
import type { Channel, RequestOptions } from './channel.ts'
import { connectSocket } from './connect-socket.ts'
import { deferred } from './deferred.ts'
import { DaemonUnreachable, VpcError } from './error.ts'
import { EventQueue } from './event-queue.ts'
import { isAlive } from './liveness.ts'

interface Pending {
  readonly what: string
  resolve(output: Uint8Array): void
  reject(error: VpcError): void
}

const maxPathBytes = 107

/**
 * How long a request may stay without any frame before we check whether vpcd answers anybody, and how long that check
 * may take.
 */
const defaultPatienceMs = 10_000

// connect(2) to a listening socket with a full backlog fails with EAGAIN at once, so we wait ourselves.
const busyRetryMs = [1, 2, 5, 10, 20, 50, 100, 200, 400, 800, 1600]

export interface Patience {
  /** How long to wait for each answer. Default: as long as vpcd works on it. */
  readonly timeoutMs?: number | undefined
  /** Silence after which we check whether vpcd answers anybody. Default: 10 s. */
  readonly patienceMs?: number | undefined
}

/**
 * States: open → closed, by `close()` or by the other end. Waiting requests are then rejected: ECANCELED when we
 * closed, ECONNRESET when vpcd did.
 */
export class Connection implements Channel {
  readonly events = new EventQueue()
  /** Called once when the other end closes or breaks the connection; not for `close()`. */
  onEnd: ((failure: VpcError) => void) | undefined
  readonly #socket: Socket
  readonly #peer: string
  readonly #reader = new FrameReader()
  readonly #pending = new Map<number, Pending>()
  readonly #closed: Promise<void>
  #sequence = 0
  #failure: VpcError | undefined
  /** The socket of vpcd, if this process connected to it. */
  readonly #path: string | undefined
  readonly #patienceMs: number
  #watch: NodeJS.Timeout | undefined
  /** A frame arrived since the watch began. */
  #heard = false

  private constructor(socket: Socket, peer: string, path?: string, patienceMs = defaultPatienceMs) {
    this.#path = path
    this.#patienceMs = patienceMs
    this.#socket = socket
    this.#peer = peer
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', (cause: Error) =>
      this.#fail(new VpcError('ECONNRESET', `the connection to ${peer} broke: ${cause.message}`, { cause })),
    )
    socket.on('close', () => clearTimeout(this.#watch))
    socket.on('close', () => this.#fail(new VpcError('ECONNRESET', `${peer} closed the connection`)))
  }

  /** Connect to the socket of a vpcd. Throws DaemonUnreachable. */
  static async connect(path: string, { timeoutMs, patienceMs }: Patience = {}): Promise<Connection> {
    if (Buffer.byteLength(path) > maxPathBytes) throw new DaemonUnreachable(path, 'ENAMETOOLONG')
    const deadline = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs
    for (const waitMs of [...busyRetryMs, Infinity]) {
      try {
        return new Connection(await connectSocket(path), `vpcd on ${path}`, path, patienceMs)
      } catch (cause) {
        const code = (cause as NodeJS.ErrnoException).code ?? 'ECONNREFUSED'
        if (code !== 'EAGAIN' || performance.now() + waitMs > deadline) throw new DaemonUnreachable(path, code, { cause })
        await sleep(waitMs)
      }
    }
    throw new DaemonUnreachable(path, 'EAGAIN')
  }

  /** Use a connected socket that this process inherited as descriptor `fd`, which the connection owns from now on. */
  static adopt(fd: number): Connection {
    return new Connection(new Socket({ fd, readable: true, writable: true }), `vpcd on descriptor ${fd}`)
  }

  /** The number of the descriptor in this process. Throws EBADF when it is closed. */
  get fd(): number {
    const { _handle: handle } = this.#socket as Socket & { _handle?: { fd?: number } | null }
    const fd = handle?.fd ?? -1
    if (fd < 0) throw new VpcError('EBADF', 'the descriptor is closed')
    return fd
  }

  /**
   * Send a request and wait for its reply. Any number may be under way; vpcd does them in order. Throws VpcError with
   * vpcd's errno and reason; EMSGSIZE when the payload is too long, EBADF or ECONNRESET when the connection has ended.
   */
  request(kind: number, word: number, payload: Uint8Array, { what, timeoutMs }: RequestOptions): Promise<Uint8Array> {
    if (this.#failure !== undefined) return Promise.reject(new VpcError(this.#failure.errno, `${what}: ${this.#failure.message}`))
    if (payload.length > maxPayloadBytes)
      return Promise.reject(new VpcError('EMSGSIZE', `${what}: ${payload.length} bytes at once; at most ${maxPayloadBytes} are allowed`))
    this.#sequence = (this.#sequence + 1) >>> 0 || 1
    const sequence = this.#sequence
    const { promise, resolve, reject } = deferred<Uint8Array>()
    this.#pending.set(sequence, { what, resolve, reject })
    this.#socket.write(encodeFrame({ sequence, kind, word, payload }))
    this.#watchPeer()
    if (timeoutMs === undefined) return promise
    const timer = setTimeout(() => {
      this.#pending.delete(sequence)
      reject(new VpcError('ETIMEDOUT', `${what}: ${this.#peer} has not answered for ${timeoutMs} ms`))
    }, timeoutMs)
    return promise.finally(() => clearTimeout(timer))
  }

  /** While requests wait without a frame, check from time to time whether vpcd answers anybody. */
  #watchPeer(): void {
    const path = this.#path
    if (path === undefined || this.#watch !== undefined) return
    this.#heard = false
    this.#watch = setTimeout(() => void this.#check(path), this.#patienceMs).unref()
  }

  async #check(path: string): Promise<void> {
    const dead = this.#pending.size > 0 && !this.#heard && !(await isAlive(path, this.#patienceMs))
    this.#watch = undefined
    if (this.#failure !== undefined) return
    if (dead && !this.#heard && this.#pending.size > 0) {
      this.#fail(new DaemonUnreachable(path, 'ETIMEDOUT'))
      return void this.#socket.destroy()
    }
    if (this.#pending.size > 0) this.#watchPeer()
  }

  /** vpc_ctl on this connection's descriptor. */
  ctl(command: number, input: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    return this.request(frameKind.ctl, command, input, options)
  }

  /** Close the descriptor in this process. The last close in any process drops the reference. */
  async close(): Promise<void> {
    this.#failure ??= new VpcError('EBADF', 'the descriptor is closed')
    this.events.end()
    this.#rejectPending((what) => new VpcError('ECANCELED', `${what}: the descriptor was closed meanwhile`))
    this.#socket.destroy()
    await this.#closed
  }

  /** Allow the process to end while the descriptor is open. */
  unref(): void {
    this.#socket.unref()
  }

  #take(chunk: Buffer): void {
    this.#heard = true
    const { frames, problem } = this.#reader.push(chunk)
    for (const frame of frames) this.#dispatch(frame)
    if (problem === undefined) return
    this.#fail(new VpcError('EPROTO', `${this.#peer} does not speak our protocol: ${describeProblem(problem)}`))
    this.#socket.destroy()
  }

  #dispatch({ kind, sequence, word, payload }: Frame): void {
    if (kind === frameKind.event) return this.events.push(payload, word)
    if (kind !== frameKind.reply) return
    const reason = word === 0 ? '' : Buffer.from(payload).toString('utf8')
    if (sequence === 0) return this.#fail(new VpcError(word, `${this.#peer} ended the connection: ${reason}`))
    const pending = this.#pending.get(sequence)
    // Nobody waits for this answer any more: the request timed out.
    if (pending === undefined) return
    this.#pending.delete(sequence)
    if (word === 0) return pending.resolve(payload)
    pending.reject(new VpcError(word, reason || `${pending.what}: ${errnoName(word)}`))
  }

  #fail(failure: VpcError): void {
    if (this.#failure !== undefined) return
    this.#failure = failure
    this.events.end(failure)
    this.#rejectPending((what) =>
      failure instanceof DaemonUnreachable ? failure : new VpcError(failure.errno, `${what}: ${failure.message}`),
    )
    this.onEnd?.(failure)
  }

  #rejectPending(error: (what: string) => VpcError): void {
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { what, reject } of pending) reject(error(what))
  }
}

const describeProblem = (problem: FrameProblem): string =>
  problem.kind === 'version' ? `a frame of version ${problem.version}` : `a frame of ${problem.length} bytes`
