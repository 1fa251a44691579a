/** One connection of a client: its frames in, its replies and events out, within limits. */
import type { Socket } from 'node:net'
import { operationOf } from '#abi/command.ts'
import { errno, errnoName } from '#abi/errno.ts'
import { encodeFrame, frameKind, FrameReader, maxPayloadBytes, openRequest, type Frame, type FrameProblem } from '#abi/frame.ts'
import { collectAfter } from './collect.ts'
import type { Limits } from './limits.ts'
import type { Log } from './log.ts'
import type { Caller, OpenHandle, Opener } from './opener.ts'
import { EventOutput } from './event-output.ts'
import { describeFailure } from './failure.ts'
import { VpcError } from '#object/vpc-error.ts'

export interface ConnectionOptions {
  readonly socket: Socket
  readonly caller: Caller
  readonly opener: Opener
  readonly limits: Limits
  readonly log: Log
  readonly onClose: () => void
  /** The open handle, for a socket that vpcd made itself as the result of vpc_open. */
  readonly handle?: OpenHandle | undefined
  /** Take over a listener of the client's, by the input of `supervise`. Without it nobody can be asked, as the peer is vpcd itself. */
  readonly supervise?: ((input: Uint8Array) => void) | undefined
}

// How long a refused client gets to read why.
const lingerMs = 1000

/**
 * States: greeting (only OPEN, within a time) → open (CTL) → closing (nothing is read any more; what is written is flushed) →
 * closed. The handle is given back at once when the client closes, when vpcd stops, or when the client breaks the protocol.
 *
 * Requests are done in order, one at a time. While more than `maxOutputBytes` of replies are unread, none is done and
 * nothing is read from the socket, so that a client that does not read its replies costs a bounded amount of memory.
 */
export class Connection {
  readonly #socket: Socket
  readonly #caller: Caller
  readonly #opener: Opener
  readonly #limits: Limits
  readonly #log: Log
  readonly #reader = new FrameReader()
  readonly #events: EventOutput
  readonly #supervise: ((input: Uint8Array) => void) | undefined
  #todo: Frame[] = []
  #handle: OpenHandle | undefined
  #closing = false
  #timer: NodeJS.Timeout | undefined

  constructor({ socket, caller, opener, limits, log, onClose, handle, supervise }: ConnectionOptions) {
    this.#socket = socket
    this.#caller = caller
    this.#opener = opener
    this.#limits = limits
    this.#log = log
    this.#events = new EventOutput(socket, limits.maxQueuedEvents)
    this.#supervise = supervise
    if (handle !== undefined) this.#hold(handle)
    else {
      this.#reader.limitBytes = openRequest.size
      this.#arm(limits.handshakeMs, () => this.refuse(errno.ETIMEDOUT, `no OPEN within ${limits.handshakeMs} ms (handshakeMs)`))
    }
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('drain', () => this.#drained())
    socket.on('end', () => this.#end(limits.stallMs))
    socket.on('error', (error) => this.#log.debug('connection broke', { ...caller, error: error.message }))
    socket.on('close', () => {
      this.#release()
      clearTimeout(this.#timer)
      onClose()
    })
  }

  /** Whether it carries a descriptor. */
  get open(): boolean {
    return this.#handle !== undefined
  }

  /** vpc_ctl as a system call: at once, whatever waits on the socket. Throws an error with an errno. */
  ctl(command: number, input: Uint8Array): Uint8Array {
    if (this.#handle === undefined) throw new VpcError('EBADF', 'vpcd has closed this descriptor')
    return this.#perform(this.#handle, command, input)
  }

  /** Give the handle back at once, and say nothing. */
  drop(): void {
    this.#closing = true
    this.#release()
    this.#socket.destroy()
  }

  /** Say why, and end the connection; the handle is given back at once. */
  refuse(code: number, reason: string): void {
    if (this.#closing) return
    this.#log.debug('connection ended by vpcd', { ...this.#caller, errno: errnoName(code), reason })
    this.#reply(0, code, Buffer.from(reason))
    this.#end(lingerMs)
  }

  /** vpcd stops: say so, and wait no longer than it takes to read that. */
  stop(): void {
    if (this.#closing) return this.#arm(lingerMs, () => this.#socket.destroy())
    this.refuse(errno.ECONNRESET, 'it stops')
  }

  /** Give the handle back and stop listening. What has been written still goes out, within a time. */
  #end(graceMs: number): void {
    if (this.#closing) return
    this.#closing = true
    this.#release()
    // Reading goes on, into nothing: a client that is still writing would get EPIPE and never read the reason.
    this.#socket.resume()
    this.#socket.end()
    this.#arm(graceMs, () => this.#socket.destroy())
  }

  #release(): void {
    this.#todo = []
    const handle = this.#handle
    if (handle === undefined) return
    this.#handle = undefined
    delete handle.onEvent
    try {
      handle.close()
    } catch (error) {
      this.#log.error('a descriptor could not be closed cleanly', { ...this.#caller, error })
    }
  }

  #arm(ms: number, run: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(run, ms).unref()
  }

  #take(chunk: Buffer): void {
    if (this.#closing) return
    const { frames, problem } = this.#reader.push(chunk)
    for (const frame of frames) this.#todo.push(frame)
    this.#work()
    if (problem !== undefined) this.refuse(errno.EPROTO, describeProblem(problem, this.#reader.limitBytes))
  }

  #work(): void {
    let done = 0
    for (const frame of this.#todo) {
      if (this.#closing || this.#socket.writableLength > this.#limits.maxOutputBytes) break
      done++
      this.#do(frame)
    }
    this.#todo.splice(0, done)
    if (this.#closing || this.#socket.writableLength <= this.#limits.maxOutputBytes) return
    this.#socket.pause()
    this.#arm(this.#limits.stallMs, () => this.#stalled())
  }

  #drained(): void {
    if (this.#closing) return
    this.#events.flush()
    if (!this.#socket.isPaused()) return
    clearTimeout(this.#timer)
    this.#socket.resume()
    this.#work()
  }

  #stalled(): void {
    this.#log.warn('a client does not read its replies; disconnected', { ...this.#caller, unreadBytes: this.#socket.writableLength })
    this.#socket.destroy()
  }

  #do(frame: Frame): void {
    if (frame.sequence === 0) return this.refuse(errno.EPROTO, 'a request of sequence 0')
    if (this.#handle === undefined) return this.#open(frame)
    if (frame.kind !== frameKind.ctl) return this.refuse(errno.EPROTO, `a frame of kind ${frame.kind} on an open descriptor`)
    const handle = this.#handle
    this.#answer(frame, `ctl ${operationOf(frame.word) ?? frame.word.toString(16)}`, () => this.#perform(handle, frame.word, frame.payload))
  }

  #perform(handle: OpenHandle, command: number, input: Uint8Array): Uint8Array {
    const supervise = operationOf(command) === 'mgmtSupervise'
    if (supervise && this.#supervise === undefined)
      throw new VpcError('EOPNOTSUPP', 'cannot supervise: this descriptor does not come from the socket of vpcd')
    const output = handle.ctl(command, input, this.#caller)
    if (supervise) this.#supervise!(input)
    return output
  }

  #hold(handle: OpenHandle): void {
    this.#handle = handle
    handle.onEvent = (event) => this.#events.push(event)
    this.#reader.limitBytes = this.#limits.maxPayloadBytes
  }

  #open({ kind, sequence, payload }: Frame): void {
    if (kind !== frameKind.open) return this.refuse(errno.EPROTO, `the first frame is of kind ${kind}, not OPEN`)
    if (payload.length !== openRequest.size) return this.refuse(errno.EPROTO, `an OPEN of ${payload.length} bytes, not ${openRequest.size}`)
    const { id, handleType, flags } = openRequest.decode(payload)
    const opened = this.#answer({ sequence, payload }, 'open', () => {
      this.#hold(this.#opener.open(this.#caller, id, handleType, flags))
      return new Uint8Array(0)
    })
    if (!opened) return this.#end(lingerMs)
    clearTimeout(this.#timer)
  }

  #answer({ sequence, payload }: Pick<Frame, 'sequence' | 'payload'>, what: string, run: () => Uint8Array): boolean {
    const start = performance.now()
    const { code, output } = this.#outcome(what, run)
    const ms = Math.round((performance.now() - start) * 1000) / 1000
    this.#log.debug(what, { ...this.#caller, errno: code === 0 ? undefined : errnoName(code), ms })
    this.#reply(sequence, code, output)
    collectAfter(payload.length + output.length)
    return code === 0
  }

  #outcome(what: string, run: () => Uint8Array): { readonly code: number; readonly output: Uint8Array } {
    try {
      const output = run()
      if (output.length <= maxPayloadBytes) return { code: 0, output }
      return { code: errno.EMSGSIZE, output: Buffer.from(`the answer has ${output.length} bytes; at most ${maxPayloadBytes} go`) }
    } catch (error) {
      const { code, reason } = describeFailure(error, what, this.#caller, this.#log)
      return { code, output: Buffer.from(reason) }
    }
  }

  #reply(sequence: number, word: number, payload: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(encodeFrame({ sequence, kind: frameKind.reply, word, payload }))
  }
}

const describeProblem = (problem: FrameProblem, limit: number): string =>
  problem.kind === 'version'
    ? `a frame of protocol version ${problem.version}; this vpcd speaks 1`
    : `a frame of ${problem.length} bytes; at most ${limit} go here`
