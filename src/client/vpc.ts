/** The way into the library: a vpcd, and the objects that it opens. */
import { generateId, type Id } from '#abi/id.ts'
import type { TypeName } from '#abi/object-type.ts'
import type { Connection } from './connection.ts'
import { Descriptor, openConnection, type OpenOptions } from './descriptor.ts'
import { Ethlink } from './ethlink.ts'
import { Hostif } from './hostif.ts'
import { Mgmt } from './mgmt.ts'
import { Mux } from './mux.ts'
import { Port } from './port.ts'
import { resolveSocketPath } from './socket-path.ts'
import { Switch } from './switch.ts'
import { checkId } from './text.ts'
import { Vmnic } from './vmnic.ts'

export interface VpcOptions {
  /** The socket of vpcd. Default: VPC_SOCKET, else /run/vpc/vpcd.sock. */
  readonly socketPath?: string | undefined
  /** How long to wait for each answer. Default: as long as it takes. */
  readonly timeoutMs?: number | undefined
}

type Opened<D> = new (connection: Connection, id: Id, type: TypeName, timeoutMs?: number) => D

/**
 * A vpcd to speak to. Holds nothing itself: every `open` is a connection of its own, which is the descriptor.
 *
 * All opens throw DaemonUnreachable when no vpcd answers, and VpcError: EEXIST (create, and there is one), ENOENT (no create, and
 * there is none), EINVAL (an id of another type, or a multicast one; the message has the id that is right), EOPNOTSUPP (the type
 * takes no descriptor), EPERM (this user may not).
 */
export class Vpc {
  readonly socketPath: string
  readonly #timeoutMs: number | undefined

  constructor({ socketPath, timeoutMs }: VpcOptions = {}) {
    this.socketPath = resolveSocketPath(socketPath)
    this.#timeoutMs = timeoutMs
  }

  /** Open an object of a type that is known at run time only. */
  open(id: string, type: TypeName, options: OpenOptions = {}): Promise<Descriptor> {
    return this.#open(Descriptor, id, type, options)
  }

  openSwitch(id: string, options: OpenOptions = {}): Promise<Switch> {
    return this.#open(Switch, id, 'vpcsw', options)
  }

  openPort(id: string, options: OpenOptions = {}): Promise<Port> {
    return this.#open(Port, id, 'vpcp', options)
  }

  openVmnic(id: string, options: OpenOptions = {}): Promise<Vmnic> {
    return this.#open(Vmnic, id, 'vmnic', options)
  }

  openHostif(id: string, options: OpenOptions = {}): Promise<Hostif> {
    return this.#open(Hostif, id, 'hostif', options)
  }

  openEthlink(id: string, options: OpenOptions = {}): Promise<Ethlink> {
    return this.#open(Ethlink, id, 'ethlink', options)
  }

  openMux(id: string, options: OpenOptions = {}): Promise<Mux> {
    return this.#open(Mux, id, 'vpcmux', options)
  }

  /** Open a management handle; with `write` for what changes the host as a whole. */
  mgmt({ write = false }: { readonly write?: boolean } = {}): Promise<Mgmt> {
    return this.#open(Mgmt, generateId('mgmt'), 'mgmt', { create: true, write })
  }

  async #open<D>(opened: Opened<D>, text: string, type: TypeName, options: OpenOptions): Promise<D> {
    const id = checkId(text, type)
    return new opened(await openConnection(this.socketPath, id, type, options, this.#timeoutMs), id, type, this.#timeoutMs)
  }
}
