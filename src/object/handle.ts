/** A descriptor as vpcd sees it: one object, the rights it was opened with, one reference. */
import { operationOf, operations, type OperationName } from '#abi/command.ts'
import type { Id } from '#abi/id.ts'
import { typeNoun, type UnitType } from '#abi/object-type.ts'
import { unitName, type VpcObject } from './store/model.ts'
import { answeredByTheDead, checkRights, narrow, type Caller, type Rights } from './rights.ts'
import { VpcError } from './vpc-error.ts'

/** What a handle asks its host to do. The host has all objects; the handle knows only its own. */
export interface HandleHost {
  perform(handle: Handle, name: OperationName, input: Uint8Array): Uint8Array
  /** `again`: checks anew after a wait. */
  performInTurn(
    handle: Handle,
    name: OperationName,
    input: Uint8Array,
    again: () => Uint8Array | Promise<Uint8Array>,
  ): Uint8Array | Promise<Uint8Array>
  released(handle: Handle): void
}

const subscriptions = [operations.vpcswListen, operations.mgmtDropsFollow, operations.mgmtFollow].map(({ command }) => command & 0x00ffffff)

/** What a session holds: handles by numbers. */
export interface Held {
  open(input: Uint8Array): void
  ctl(input: Uint8Array): Uint8Array
  request(input: Uint8Array): Uint8Array | Promise<Uint8Array>
  close(number: number): void
  closeAll(): void
}

export class Handle {
  readonly type: UnitType | 'mgmt'
  readonly id: Id
  #rights: Rights
  /** Undefined for a management handle, which names no object. */
  readonly object: VpcObject | undefined
  /** Called with the JSON of each event once the handle has subscribed. */
  onEvent?: (payload: Uint8Array) => void
  /** Its opener: every holder has the opener's rights to the ids that operations name. */
  readonly opener: Caller
  /** What it holds, when it is a session. */
  held: Held | undefined
  readonly #host: HandleHost
  #open = true

  constructor(host: HandleHost, opener: Caller, type: UnitType | 'mgmt', id: Id, rights: Rights, object: VpcObject | undefined) {
    this.#host = host
    this.opener = opener
    this.type = type
    this.id = id
    this.#rights = rights
    this.object = object
  }

  /** What people call it: `vmnic0`, or `mgmt`. */
  get name(): string {
    return this.object === undefined ? 'mgmt' : unitName(this.object)
  }

  /** vpc_ctl: one operation, all or nothing, at once. Throws VpcError. */
  ctl(command: number, input: Uint8Array): Uint8Array {
    const name = this.check(command, input)
    return name === 'metaLimit' ? this.#limit(input) : this.#host.perform(this, name, input)
  }

  /**
   * The same without blocking others: a long operation takes several turns, and operations that must wait for it wait.
   */
  request(command: number, input: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const name = this.check(command, input)
    if (name === 'metaLimit') return this.#limit(input)
    return this.#host.performInTurn(this, name, input, () => this.request(command, input))
  }

  /** The operation of a command, if this handle may do it. Throws VpcError. */
  check(command: number, input: Uint8Array): OperationName {
    if (!this.#open) throw new VpcError('EBADF', `the descriptor of ${this.name} is closed`)
    const name = operationOf(command)
    if (name === undefined) throw new VpcError('EOPNOTSUPP', `command 0x${(command >>> 0).toString(16)} names no operation`)
    const operation = operations[name]
    if (operation.type !== 'meta' && operation.type !== this.type) {
      const what = `'${operation.name}' is an operation of ${typeNoun[operation.type]}`
      throw new VpcError('EOPNOTSUPP', `${what}; this descriptor is of ${typeNoun[this.type]}, ${this.name}`)
    }
    checkRights(operation.name, operation, command, this.#rights)
    if (this.object?.dead === true && !answeredByTheDead.has(operation.command & 0x00ffffff)) {
      throw new VpcError('ESTALE', `cannot do '${operation.name}': ${this.name} was destroyed; close this descriptor`)
    }
    if (!operation.in && input.length > 0) {
      throw new VpcError('EINVAL', `'${operation.name}' takes no input, not ${input.length} bytes`)
    }
    return name
  }

  /** What it may be used for now. */
  get rights(): Rights {
    return this.#rights
  }

  /** Remove rights for good, for all holders of the descriptor. A subscription ends when its operation is removed. */
  #limit(input: Uint8Array): Uint8Array {
    this.#rights = narrow(this.#rights, input)
    const { read, write, operations: left } = this.#rights
    if ((!read && !write) || (left !== undefined && !subscriptions.some((operation) => left.has(operation)))) delete this.onEvent
    return new Uint8Array(0)
  }

  /** Release the object. The last holder's release removes an object that is not committed. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    delete this.onEvent
    this.#host.released(this)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
