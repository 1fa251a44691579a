/** Records a transaction: operations on its descriptors become steps, which are sent together. */
import { operationOf, operations } from '#abi/command.ts'
import type { Id } from '#abi/id.ts'
import type { TypeName } from '#abi/object-type.ts'
import type { Step } from '#abi/session.ts'
import type { Channel } from './channel.ts'
import type { RequestOptions } from './channel.ts'
import { openFlags, type Descriptor, type OpenOptions } from './descriptor.ts'
import { VpcError } from './error.ts'
import type { EventQueue } from './event-queue.ts'
import { Opener, type Opened } from './opener.ts'
import { Place, type PlaceSession } from './place.ts'

/** The transaction during recording: opens objects like a `Vpc`, and takes descriptors of its session by `with`. */
export class Recorder extends Opener {
  protected readonly timeoutMs: number | undefined
  /** What the steps open. */
  readonly opened: Place[] = []
  readonly #session: PlaceSession
  readonly #place: () => Place
  readonly #steps: Step[] = []
  readonly #channels: Recorded[] = []

  constructor(session: PlaceSession, timeoutMs: number | undefined, place: () => Place) {
    super()
    this.#session = session
    this.timeoutMs = timeoutMs
    this.#place = place
  }

  /**
   * A descriptor of the session, during this transaction. Throws EINVAL for a descriptor of no session, or of another.
   */
  with<D extends Descriptor>(descriptor: D): D {
    const place = descriptor.channel instanceof Recorded ? descriptor.channel.place : descriptor.channel
    if (!(place instanceof Place) || !place.isOf(this.#session)) {
      throw new VpcError('EINVAL', `${descriptor.id} is not a descriptor of this session; open it by the session`)
    }
    const twin = descriptor.constructor as Opened<D>
    return new twin(this.#recorded(place), descriptor.id, descriptor.type, this.timeoutMs)
  }

  /** Send the steps. When this resolves, the descriptors that they opened can be used; otherwise none can. */
  async send(send: (steps: readonly Step[]) => Promise<void>): Promise<void> {
    try {
      if (this.#steps.length > 0) await send(this.#steps)
    } catch (error) {
      this.abandon(error)
      throw error
    }
    for (const channel of this.#channels) channel.live = true
  }

  /** It is not sent. */
  abandon(error: unknown): void {
    const failure = error instanceof VpcError ? error : new VpcError('ECANCELED', `the transaction was not done: ${String(error)}`)
    for (const place of this.opened) place.abandon(failure)
    for (const channel of this.#channels) channel.live = true
  }

  protected async channel(id: Id, type: TypeName, options: OpenOptions): Promise<Channel> {
    const place = this.#place()
    this.#steps.push({ kind: 'open', open: place.request(id, type, openFlags(options)) })
    this.opened.push(place)
    return this.#recorded(place)
  }

  #recorded(place: Place): Recorded {
    const channel = new Recorded(place, this.#steps)
    this.#channels.push(channel)
    return channel
  }
}

/** Records requests as steps; once the transaction is done, it is the descriptor's place. */
class Recorded implements Channel {
  readonly place: Place
  live = false
  readonly #steps: Step[]

  constructor(place: Place, steps: Step[]) {
    this.place = place
    this.#steps = steps
  }

  ctl(command: number, input: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    if (this.live) return this.place.ctl(command, input, options)
    const name = operationOf(command)
    if (name === undefined || !operations[name].mutate || operations[name].out) {
      const why = 'it gives something, or changes nothing; do it before or after the transaction'
      return Promise.reject(new VpcError('EOPNOTSUPP', `cannot do '${options.what}' in a transaction: ${why}`))
    }
    // The caller may use its buffer again.
    this.#steps.push({ kind: 'ctl', number: this.place.number, command, input: input.slice() })
    return Promise.resolve(new Uint8Array())
  }

  get events(): EventQueue {
    return this.place.events
  }

  get fd(): number {
    return this.place.fd
  }

  async close(): Promise<void> {
    if (this.live) await this.place.close()
  }

  unref(): void {}
}
