/** QEMU's control protocol: commands in JSON, one at a time, some with descriptors, and events. */
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { sendDescriptors } from '#launch/sockets.ts'
import { VmError } from './vm-error.ts'

export interface QmpEvent {
  readonly event: string
  readonly data?: Readonly<Record<string, unknown>>
}

interface QmpMessage extends Partial<QmpEvent> {
  readonly return?: unknown
  readonly error?: { readonly class: string; readonly desc: string }
  readonly QMP?: unknown
}

interface Waiting {
  readonly command: string
  resolve(value: unknown): void
  reject(error: Error): void
}

const answerTimeoutMs = 10_000
/** A longer line is not QMP. */
const longestLine = 1 << 20

export class Qmp implements Disposable {
  readonly #socket: Socket
  readonly #listeners = new Set<(event: QmpEvent) => void>()
  #text = ''
  #waiting: Waiting | undefined
  /** Commands go one after the other, so that each answer belongs to the last command. */
  #turn: Promise<unknown> = Promise.resolve()
  readonly #greeting = Promise.withResolvers<void>()

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#greeting.promise.catch(() => {})
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', () => {})
    socket.on('close', () => this.#close())
  }

  /** Connect and negotiate. Throws VmError when QEMU does not answer in time. */
  static async connect(path: string): Promise<Qmp> {
    const socket = connect(path)
    await once(socket, 'connect')
    const qmp = new Qmp(socket)
    const timer = setTimeout(
      () => qmp.#greeting.reject(new VmError('ETIMEDOUT', 'QEMU does not greet on its control socket')),
      answerTimeoutMs,
    )
    try {
      await qmp.#greeting.promise
      await qmp.execute('qmp_capabilities')
      return qmp
    } catch (error) {
      qmp[Symbol.dispose]()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * Run a command and give its result. Throws VmError with QEMU's own words, ETIMEDOUT, or ENOTCONN when QEMU is gone.
   */
  execute(command: string, args: Readonly<Record<string, unknown>> = {}, fds: readonly number[] = []): Promise<unknown> {
    const answer = this.#turn.then(() => this.#send(command, args, fds))
    this.#turn = answer.catch(() => {})
    return answer
  }

  /** Listen for events until the signal is aborted. */
  onEvent(listener: (event: QmpEvent) => void, signal?: AbortSignal): void {
    this.#listeners.add(listener)
    signal?.addEventListener('abort', () => this.#listeners.delete(listener))
  }

  /** The next event that fits. Call this before the command that causes the event. Throws VmError ETIMEDOUT. */
  async event(isIt: (event: QmpEvent) => boolean, timeoutMs: number, what: string): Promise<QmpEvent> {
    const over = new AbortController()
    const { promise, resolve, reject } = Promise.withResolvers<QmpEvent>()
    this.onEvent((event) => void (isIt(event) && resolve(event)), over.signal)
    const timer = setTimeout(() => reject(new VmError('ETIMEDOUT', what)), timeoutMs)
    return promise.finally(() => {
      over.abort()
      clearTimeout(timer)
    })
  }

  #send(command: string, args: Readonly<Record<string, unknown>>, fds: readonly number[]): Promise<unknown> {
    if (this.#socket.destroyed) return Promise.reject(gone(command))
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#waiting = { command, resolve, reject }
    const timer = setTimeout(() => reject(new VmError('ETIMEDOUT', `QEMU does not answer to ${command}`)), answerTimeoutMs)
    try {
      const bytes = Buffer.from(`${JSON.stringify({ execute: command, arguments: args })}\n`)
      if (fds.length > 0) sendDescriptors(this.#socket, bytes, fds)
      else this.#socket.write(bytes)
    } catch (error) {
      reject(error as Error)
    }
    return promise.finally(() => {
      clearTimeout(timer)
      this.#waiting = undefined
    })
  }

  #take(chunk: Buffer): void {
    this.#text += chunk.toString('utf8')
    const lines = this.#text.split('\n')
    this.#text = lines.pop()!
    if (this.#text.length > longestLine) this.#socket.destroy()
    for (const line of lines) if (line.trim() !== '') this.#dispatch(JSON.parse(line) as QmpMessage)
  }

  #dispatch(message: QmpMessage): void {
    if (message.QMP !== undefined) return this.#greeting.resolve()
    if (message.event !== undefined) {
      for (const listener of this.#listeners) listener(message as QmpEvent)
    } else if (message.error !== undefined) {
      this.#waiting?.reject(new VmError('failed', `QEMU refused ${this.#waiting.command}: ${message.error.desc}`))
    } else this.#waiting?.resolve(message.return)
  }

  #close(): void {
    this.#greeting.reject(gone('its greeting'))
    this.#waiting?.reject(gone(this.#waiting.command))
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}

const gone = (command: string): VmError => new VmError('ENOTCONN', `QEMU ended before ${command} was answered`)
