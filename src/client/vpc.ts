/** The way into the library: a vpcd, and the objects that it opens. */
import type { Id } from '#abi/id.ts'
import type { TypeName } from '#abi/object-type.ts'
import type { Channel } from './channel.ts'
import { openConnection, type OpenOptions } from './descriptor.ts'
import { Opener } from './opener.ts'
import { Session, type SessionOptions } from './session.ts'
import { resolveSocketPath } from './socket-path.ts'

export interface VpcOptions {
  /** The socket of vpcd. Default: VPC_SOCKET, else /run/vpc/vpcd.sock. */
  readonly socketPath?: string | undefined
  /** How long to wait for each answer. Default: as long as vpcd works on it. */
  readonly timeoutMs?: number | undefined
  /** Silence after which the library checks whether vpcd answers anybody, and gives up if not. Default: 10 s. */
  readonly patienceMs?: number | undefined
}

/** A vpcd. Holds nothing itself: every `open` is a connection of its own, which is the descriptor. */
export class Vpc extends Opener {
  readonly socketPath: string
  protected readonly timeoutMs: number | undefined
  readonly #patienceMs: number | undefined

  constructor({ socketPath, timeoutMs, patienceMs }: VpcOptions = {}) {
    super()
    this.socketPath = resolveSocketPath(socketPath)
    this.timeoutMs = timeoutMs
    this.#patienceMs = patienceMs
  }

  /** One connection that holds many objects, and changes several of them as one. */
  session(options: SessionOptions = {}): Promise<Session> {
    return Session.open(this.socketPath, this.timeoutMs, options)
  }

  protected channel(id: Id, type: TypeName, options: OpenOptions): Promise<Channel> {
    return openConnection(this.socketPath, id, type, options, { timeoutMs: this.timeoutMs, patienceMs: this.#patienceMs })
  }
}
