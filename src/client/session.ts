/**
 * A session: one connection that holds many objects. Each is a descriptor like any other, but has no number in the
 * process. `transaction` changes several objects as one. A session that reconnects opens its objects again after a
 * restart of vpcd.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { operations } from '#abi/command.ts'
import { generateId, type Id } from '#abi/id.ts'
import { typeNoun, type TypeName } from '#abi/object-type.ts'
import { encodeSteps, handleCtl, handleEvent, handleOpen, type HandleOpen, type Step } from '#abi/session.ts'
import type { Channel } from './channel.ts'
import type { RequestOptions } from './channel.ts'
import type { Connection } from './connection.ts'
import { openConnection, openFlags, type OpenOptions } from './descriptor.ts'
import { VpcError } from './error.ts'
import { Opener } from './opener.ts'
import { Place } from './place.ts'
import { Recorder } from './recorder.ts'

export interface SessionOptions {
  /**
   * Connect again when vpcd goes, and open the session's objects again. Uncommitted objects are gone then, and their
   * descriptors throw ENOENT. Pending requests throw ECONNRESET; later ones wait. Subscriptions end with ECONNRESET:
   * subscribe again.
   */
  readonly reconnect?: boolean | undefined
}

const firstRetryMs = 20
const longestRetryMs = 2000

export class Session extends Opener implements AsyncDisposable {
  readonly #socketPath: string
  protected readonly timeoutMs: number | undefined
  readonly #reconnect: boolean
  readonly #places = new Map<number, Place>()
  /** The connection, or the one to come. */
  #connection: Promise<Connection>
  #next = 1
  #closed = false

  private constructor(socketPath: string, timeoutMs: number | undefined, { reconnect = false }: SessionOptions, connection: Connection) {
    super()
    this.#socketPath = socketPath
    this.timeoutMs = timeoutMs
    this.#reconnect = reconnect
    this.#connection = Promise.resolve(connection)
    this.#attend(connection)
  }

  /** Connect. Throws DaemonUnreachable, VpcError. */
  static async open(socketPath: string, timeoutMs: number | undefined, options: SessionOptions): Promise<Session> {
    return new Session(socketPath, timeoutMs, options, await connect(socketPath, timeoutMs))
  }

  /** How many descriptors it holds. */
  get size(): number {
    return this.#places.size
  }

  /**
   * Change several objects as one: all of it happens, or nothing. Calls of `write` on descriptors of `tx` are sent
   * after `write` has returned, so operations with an output cannot be among them. Throws the error of the first
   * refused step.
   */
  async transaction<T>(write: (tx: Recorder) => T | Promise<T>): Promise<T> {
    const recorder = new Recorder(this, this.timeoutMs, () => this.#place())
    let result: T
    try {
      result = await write(recorder)
    } catch (error) {
      recorder.abandon(error)
      throw error
    }
    await recorder.send((steps) => this.#send(steps))
    for (const place of recorder.opened) this.#places.set(place.number, place)
    return result
  }

  /** Close all that it holds. */
  async close(): Promise<void> {
    this.#closed = true
    const connection = await this.#connection.catch(() => undefined)
    await connection?.close()
    for (const place of this.#places.values()) place.events.end()
    this.#places.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** For places: an operation on one of the handles. */
  async ctl({ number }: Place, command: number, input: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    const connection = await this.#connection
    return connection.ctl(operations.mgmtHandleCtl.command, Buffer.concat([handleCtl.encode({ number, command }), input]), options)
  }

  /** For its places: close a handle. */
  async release({ number }: Place): Promise<void> {
    this.#places.delete(number)
    if (this.#closed) return
    const connection = await this.#connection
    const input = operations.mgmtHandleClose.takes.encode(number)
    await connection.ctl(operations.mgmtHandleClose.command, input, { what: 'close', timeoutMs: this.timeoutMs })
  }

  protected async channel(id: Id, type: TypeName, options: OpenOptions): Promise<Channel> {
    const place = this.#place()
    await openIn(await this.#connection, place.request(id, type, openFlags(options)), type, this.timeoutMs)
    this.#places.set(place.number, place)
    return place
  }

  #place(): Place {
    return new Place(this, this.#next++)
  }

  async #send(steps: readonly Step[]): Promise<void> {
    const connection = await this.#connection
    const input = encodeSteps(steps)
    await connection.ctl(operations.mgmtTransaction.command, input, { what: 'transaction', timeoutMs: this.timeoutMs })
  }

  #attend(connection: Connection): void {
    connection.onEnd = (failure) => this.#ended(failure)
    void this.#deliver(connection)
  }

  /** Events, each to its handle. */
  async #deliver(connection: Connection): Promise<void> {
    try {
      for await (const event of connection.events.iterate()) {
        const { number } = handleEvent.decode(event.subarray(0, handleEvent.size))
        this.#places.get(number)?.events.push(event.subarray(handleEvent.size))
      }
    } catch {
      // `#ended` reports it to the handles.
    }
  }

  #ended(failure: VpcError): void {
    for (const place of this.#places.values()) place.broken(failure)
    if (this.#closed || !this.#reconnect) return
    this.#connection = this.#again()
    // A request gets the failure; without a request, nobody handles it.
    this.#connection.catch(() => {})
  }

  async #again(): Promise<Connection> {
    for (let waitMs = firstRetryMs; ; waitMs = Math.min(2 * waitMs, longestRetryMs)) {
      if (this.#closed) throw new VpcError('EBADF', 'the session is closed')
      await sleep(waitMs)
      try {
        const connection = await connect(this.#socketPath, this.timeoutMs)
        for (const place of this.#places.values())
          await place.reopen(connection, (request, type) => openIn(connection, request, type, this.timeoutMs))
        this.#attend(connection)
        return connection
      } catch (error) {
        if (!(error instanceof VpcError)) throw error
      }
    }
  }
}

const connect = (socketPath: string, timeoutMs: number | undefined): Promise<Connection> =>
  openConnection(socketPath, generateId('mgmt'), 'mgmt', { create: true, session: true }, { timeoutMs })

/** `handle open`. */
async function openIn(connection: Connection, request: HandleOpen, type: TypeName, timeoutMs: number | undefined): Promise<void> {
  const what = `open ${typeNoun[type]}`
  await connection.ctl(operations.mgmtHandleOpen.command, handleOpen.encode(request), { what, timeoutMs })
}
