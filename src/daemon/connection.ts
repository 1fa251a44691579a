/** One connection of a client: its frames in, its replies and events out, within limits. */
import type { Socket } from 'node:net'
import { operationOf } from '#abi/command.ts'
import { errno, errnoName } from '#abi/errno.ts'
import { encodeFrame, frameKind, FrameReader, maxPayloadBytes, openRequest, type Frame, type FrameProblem } from '#abi/frame.ts'
import { collectAfter } from './collect.ts'
import type { Limits } from './limits.ts'
import type { Log } from '#system/log.ts'
import type { Caller, OpenHandle, Opener } from './opener.ts'
import { EventOutput } from './event-output.ts'
import { describeFailure } from './failure.ts'
import type { HeldShare } from './held-memory.ts'
import type { Turns, Worker } from './turns.ts'
import { VpcError } from '#object/vpc-error.ts'

export interface ConnectionOptions {
  readonly socket: Socket
  readonly caller: Caller
  readonly opener: Opener
  readonly limits: Limits
  readonly log: Log
  /** Gives the connection its turn when it has requests waiting. */
  readonly turns: Turns
  /** Bounds the memory for the user of the connection. */
  readonly held: HeldShare
  readonly onClose: () => void
  /** The open handle, for a socket that vpcd made itself as the result of vpc_open. */
  readonly handle?: OpenHandle | undefined
  /**
   * Take over a listener of the client, by the input of `supervise`. Undefined on a connection whose peer is vpcd
   * itself.
   */
  readonly supervise?: ((input: Uint8Array) => void) | undefined
}

// Time for a refused client to read the reason.
const lingerMs = 1000

/**
 * States: greeting (only OPEN, within a time) → open (CTL) → closing (nothing is read any more; output is flushed) →
 * closed. vpcd releases the handle at once when the client closes, when vpcd stops, or when the client breaks the
 * protocol.
 *
 * Requests run in order, one at a time, each in the connection's turn. While requests wait, or while more than
 * `maxOutputBytes` of replies are unread, vpcd reads nothing from the socket. So a client that sends faster than vpcd
 * works, or does not read its replies, costs a bounded amount of memory.
 */
export class Connection implements Worker {
  /** When it was made, by `performance.now()`. */
  readonly since = performance.now()
  readonly #socket: Socket
  readonly #caller: Caller
  readonly #opener: Opener
  readonly #limits: Limits
  readonly #log: Log
  readonly #reader = new FrameReader()
  readonly #events: EventOutput
  readonly #supervise: ((input: Uint8Array) => void) | undefined
  readonly #turns: Turns
  readonly #held: HeldShare
  #todo: Frame[] = []
  /** Place of the next request in `#todo`. */
  #next = 0
  #todoBytes = 0
  /** A request that takes longer than a turn is under way. */
  #busy = false
  #problem: FrameProblem | undefined
  #handle: OpenHandle | undefined
  #closing = false
  #timer: NodeJS.Timeout | undefined

  constructor({ socket, caller, opener, limits, log, turns, held, onClose, handle, supervise }: ConnectionOptions) {
    this.#socket = socket
    this.#caller = caller
    this.#opener = opener
    this.#limits = limits
    this.#log = log
    this.#events = new EventOutput(socket, limits.maxQueuedEvents)
    this.#supervise = supervise
    this.#turns = turns
    this.#held = held
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
      this.#closing = true
      this.#release()
      held.set(0)
      clearTimeout(this.#timer)
      onClose()
    })
  }

  /** The user of the client. */
  get uid(): number {
    return this.#caller.uid
  }

  /** Whether it carries a descriptor. */
  get open(): boolean {
    return this.#handle !== undefined
  }

  /** vpc_ctl as a system call: at once, ahead of requests on the socket. Throws an error with an errno. */
  ctl(command: number, input: Uint8Array): Uint8Array | Promise<Uint8Array> {
    if (this.#handle === undefined) throw new VpcError('EBADF', 'vpcd has closed this descriptor')
    return this.#perform(this.#handle, command, input)
  }

  /** Release the handle at once, silently. */
  drop(): void {
    this.#closing = true
    this.#release()
    this.#socket.destroy()
  }

  /** Send the reason, and end the connection; release the handle at once. */
  refuse(code: number, reason: string): void {
    if (this.#closing) return
    this.#log.debug('connection ended by vpcd', { ...this.#caller, errno: errnoName(code), reason })
    this.#reply(0, code, Buffer.from(reason))
    this.#end(lingerMs)
  }

  /** vpcd stops: tell the client, and give it a short time to read that. */
  stop(): void {
    if (this.#closing) return this.#arm(lingerMs, () => this.#socket.destroy())
    this.refuse(errno.ECONNRESET, 'it stops')
  }

  /** Release the handle and stop listening. Pending output still goes out, within a time. */
  #end(graceMs: number): void {
    if (this.#closing) return
    this.#closing = true
    this.#release()
    // Keep reading and discard: a client that is still writing would get EPIPE and never read the reason.
    this.#socket.resume()
    this.#socket.end()
    this.#arm(graceMs, () => this.#socket.destroy())
  }

  #release(): void {
    this.#todo = []
    this.#next = 0
    this.#todoBytes = 0
    this.#reader.clear()
    this.#held.set(0)
    this.#turns.forget(this)
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
    for (const frame of frames) {
      this.#todo.push(frame)
      this.#todoBytes += frame.payload.length
    }
    this.#problem ??= problem
    if (!this.#account()) return this.refuse(errno.ENOBUFS, this.#tooMuch)
    this.#proceed()
  }

  /** Ask for a turn if a request waits; otherwise go on reading. */
  #proceed(): void {
    if (this.#mayWork()) this.#turns.ready(this)
    if (this.#closing) return
    if (this.#next === this.#todo.length && !this.#busy && !this.#isFull()) {
      if (this.#problem !== undefined) return this.refuse(errno.EPROTO, describeProblem(this.#problem, this.#reader.limitBytes))
      this.#socket.resume()
    } else this.#socket.pause()
  }

  #mayWork(): boolean {
    return !this.#closing && !this.#busy && this.#next < this.#todo.length && !this.#isFull()
  }

  #isFull(): boolean {
    return this.#socket.writableLength > this.#limits.maxOutputBytes
  }

  /** Do the next request. Only `Turns` calls this. */
  step(): boolean {
    if (!this.#mayWork()) return false
    const frame = this.#todo[this.#next++]!
    this.#todoBytes -= frame.payload.length
    if (this.#next === this.#todo.length) {
      this.#todo = []
      this.#next = 0
    }
    this.#do(frame)
    return this.#settle()
  }

  /** After a request: whether another one may follow at once. */
  #settle(): boolean {
    if (this.#closing) return false
    if (!this.#account()) {
      this.#log.warn('a client reads too slowly, and its user has too much unread; disconnected', { ...this.#caller })
      this.#socket.destroy()
      return false
    }
    if (this.#isFull()) this.#arm(this.#limits.stallMs, () => this.#stalled())
    if (this.#mayWork()) return true
    this.#proceed()
    return false
  }

  /** Account for the memory of this connection. False: that is more than its user may have. */
  #account(): boolean {
    return this.#held.set(this.#reader.pendingBytes + this.#todoBytes + this.#socket.writableLength + this.#events.bytes)
  }

  get #tooMuch(): string {
    const { maxHeldBytesPerUid } = this.#limits
    return `user ${this.uid} has more than ${maxHeldBytesPerUid} bytes of requests and replies under way; wait for replies, and read them, before you ask more`
  }

  #drained(): void {
    if (this.#closing) return
    this.#events.flush()
    this.#account()
    if (this.#isFull()) return
    if (this.#handle !== undefined) clearTimeout(this.#timer)
    this.#proceed()
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
    const what = `ctl ${operationOf(frame.word) ?? frame.word.toString(16)}`
    this.#answer(frame, what, () => this.#perform(handle, frame.word, frame.payload))
  }

  #perform(handle: OpenHandle, command: number, input: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const supervise = operationOf(command) === 'mgmtSupervise'
    if (supervise && this.#supervise === undefined)
      throw new VpcError('EOPNOTSUPP', 'cannot supervise: this descriptor does not come from the socket of vpcd')
    const output = handle.request(command, input, this.#caller)
    if (supervise) this.#supervise!(input)
    return output
  }

  #hold(handle: OpenHandle): void {
    // The client left during the open.
    if (this.#closing) return handle.close()
    this.#handle = handle
    handle.onEvent = (event) => {
      // Events beyond the user's share are dropped at once, like those beyond one queue.
      if (!this.#held.set(this.#reader.pendingBytes + this.#todoBytes + this.#socket.writableLength + this.#events.bytes + event.length))
        this.#events.skip()
      else this.#events.push(event)
    }
    this.#reader.limitBytes = this.#limits.maxPayloadBytes
  }

  #open({ kind, sequence, payload }: Frame): void {
    if (kind !== frameKind.open) return this.refuse(errno.EPROTO, `the first frame is of kind ${kind}, not OPEN`)
    if (payload.length !== openRequest.size) return this.refuse(errno.EPROTO, `an OPEN of ${payload.length} bytes, not ${openRequest.size}`)
    const { id, handleType, flags } = openRequest.decode(payload)
    clearTimeout(this.#timer)
    const hold = (handle: OpenHandle): Uint8Array => {
      this.#hold(handle)
      return new Uint8Array(0)
    }
    const answered = (code: number): void => void (code !== 0 && this.#end(lingerMs))
    this.#answer(
      { sequence, payload },
      'open',
      () => {
        const opened = this.#opener.open(this.#caller, id, handleType, flags)
        return opened instanceof Promise ? opened.then(hold) : hold(opened)
      },
      answered,
    )
  }

  /** Do a request and answer it, now or later. Until then no other request of this connection runs. */
  #answer(
    frame: Pick<Frame, 'sequence' | 'payload'>,
    what: string,
    run: () => Uint8Array | Promise<Uint8Array>,
    answered: (code: number) => void = () => {},
  ): void {
    const start = performance.now()
    const give = (outcome: Outcome): void => {
      this.#give(frame, what, start, outcome)
      answered(outcome.code)
    }
    try {
      const output = run()
      if (!(output instanceof Promise)) return give(checkLength(output))
      this.#busy = true
      const resume = (outcome: Outcome): void => {
        this.#busy = false
        give(outcome)
        if (this.#settle()) this.#turns.ready(this)
      }
      void output.then(checkLength).then(resume, (error) => resume(this.#failed(what, error)))
    } catch (error) {
      give(this.#failed(what, error))
    }
  }

  #failed(what: string, error: unknown): Outcome {
    const { code, reason } = describeFailure(error, what, this.#caller, this.#log)
    return { code, output: Buffer.from(reason) }
  }

  #give({ sequence, payload }: Pick<Frame, 'sequence' | 'payload'>, what: string, start: number, { code, output }: Outcome): void {
    const ms = Math.round((performance.now() - start) * 1000) / 1000
    this.#log.debug(what, { ...this.#caller, errno: code === 0 ? undefined : errnoName(code), ms })
    this.#reply(sequence, code, output)
    collectAfter(payload.length + output.length)
  }

  #reply(sequence: number, word: number, payload: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(encodeFrame({ sequence, kind: frameKind.reply, word, payload }))
  }
}

/** What a request is answered. */
interface Outcome {
  readonly code: number
  readonly output: Uint8Array
}

function checkLength(output: Uint8Array): Outcome {
  if (output.length <= maxPayloadBytes) return { code: 0, output }
  return { code: errno.EMSGSIZE, output: Buffer.from(`the answer has ${output.length} bytes; at most ${maxPayloadBytes} are allowed`) }
}

const describeProblem = (problem: FrameProblem, limit: number): string =>
  problem.kind === 'version'
    ? `a frame of protocol version ${problem.version}; this vpcd speaks 1`
    : `a frame of ${problem.length} bytes; at most ${limit} are allowed here`
