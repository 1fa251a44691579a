/** The place of one descriptor in a session: its number there, and all that is needed to open it again. */
import { handleType, openFlag, operations } from '#abi/command.ts'
import { idBytes, type Id } from '#abi/id.ts'
import type { TypeName } from '#abi/object-type.ts'
import { handleCtl, type HandleOpen } from '#abi/session.ts'
import type { Channel } from './channel.ts'
import type { RequestOptions } from './channel.ts'
import type { Connection } from './connection.ts'
import { VpcError } from './error.ts'
import { EventQueue } from './event-queue.ts'

/** What a place needs of its session. */
export interface PlaceSession {
  ctl(place: Place, command: number, input: Uint8Array, options: RequestOptions): Promise<Uint8Array>
  release(place: Place): Promise<void>
}

export class Place implements Channel {
  readonly number: number
  events = new EventQueue()
  readonly #session: PlaceSession
  #request: HandleOpen | undefined
  #type: TypeName = 'any'
  /** Inputs of `limit`, to narrow it again. */
  readonly #limits: Uint8Array[] = []
  /** Why it cannot be used any more. */
  #lost: VpcError | undefined

  constructor(session: PlaceSession, number: number) {
    this.#session = session
    this.number = number
  }

  isOf(session: PlaceSession): boolean {
    return this.#session === session
  }

  /** Record how it is opened. */
  request(id: Id, type: TypeName, flags: bigint): HandleOpen {
    this.#type = type
    this.#request = { number: this.number, pad: 0, id: idBytes(id), handleType: handleType(type), flags }
    return this.#request
  }

  async ctl(command: number, input: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    if (this.#lost !== undefined) throw new VpcError(this.#lost.errno, `${options.what}: ${this.#lost.message}`)
    const output = await this.#session.ctl(this, command, input, options)
    if (command === operations.metaLimit.command) this.#limits.push(input)
    return output
  }

  get fd(): number {
    throw new VpcError('EOPNOTSUPP', 'a descriptor of a session has no number in the process; open it by itself to pass it on')
  }

  async close(): Promise<void> {
    this.events.end()
    if (this.#lost !== undefined) return
    this.#lost = new VpcError('EBADF', 'the descriptor is closed')
    await this.#session.release(this)
  }

  /** The session keeps the process alive. */
  unref(): void {}

  /** It was never opened. */
  abandon(failure: VpcError): void {
    this.#lost = failure
  }

  /** The connection has ended: so has every subscription. */
  broken(failure: VpcError): void {
    this.events.end(failure)
  }

  /** Open it on another connection of the same session. If that fails, it is lost for good. */
  async reopen(connection: Connection, open: (request: HandleOpen, type: TypeName) => Promise<void>): Promise<void> {
    if (this.#lost !== undefined || this.#request === undefined) return
    const made = this.#type === 'mgmt' ? openFlag.create : openFlag.open
    const flags = (this.#request.flags & ~BigInt(openFlag.create | openFlag.open)) | BigInt(made)
    this.events = new EventQueue()
    try {
      await open({ ...this.#request, flags }, this.#type)
      for (const limit of this.#limits) await this.#narrow(connection, limit)
    } catch (error) {
      if (!(error instanceof VpcError) || error.code === 'ECONNRESET') throw error
      this.#lost = error
    }
  }

  async #narrow(connection: Connection, limit: Uint8Array): Promise<void> {
    const { command } = operations.metaLimit
    const input = Buffer.concat([handleCtl.encode({ number: this.number, command }), limit])
    await connection.ctl(operations.mgmtHandleCtl.command, input, { what: 'limit' })
  }
}
