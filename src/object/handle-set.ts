/**
 * What a session holds: open handles by the numbers that its client chose, and transactions over their objects. A
 * session is a management handle with a flag of its own: programs pass ordinary management handles on, and a receiver
 * must not open objects in the giver's name.
 */
import { operationOf, operations } from '#abi/command.ts'
import { handleCtl, handleEvent, handleOpen, type HandleOpen } from '#abi/session.ts'
import type { Handle, Held } from './handle.ts'
import { VpcError } from './vpc-error.ts'

/** Opens handles for a session. */
export interface SetHost {
  openFor(session: Handle, request: HandleOpen): Handle
}

export class HandleSet implements Held {
  readonly #host: SetHost
  readonly #session: Handle
  readonly #handles = new Map<number, Handle>()

  constructor(host: SetHost, session: Handle) {
    this.#host = host
    this.#session = session
  }

  /** `handle open`. Throws VpcError: EEXIST when the number is taken, and what vpc_open throws. */
  open(input: Uint8Array): void {
    if (input.length !== handleOpen.size) {
      throw new VpcError('EINVAL', `'handle open' takes ${handleOpen.size} bytes of input, not ${input.length}`)
    }
    const request = handleOpen.decode(input)
    this.checkFree(request.number)
    this.add(request.number, this.#host.openFor(this.#session, request))
  }

  /** `handle ctl`: the output of the operation. */
  ctl(input: Uint8Array): Uint8Array {
    const [handle, command, rest] = this.#read(input)
    return handle.ctl(command, rest)
  }

  /** The same without holding up others. */
  request(input: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const [handle, command, rest] = this.#read(input)
    return handle.request(command, rest)
  }

  #read(input: Uint8Array): [handle: Handle, command: number, input: Uint8Array] {
    if (input.length < handleCtl.size) {
      throw new VpcError('EINVAL', `'handle ctl' takes ${handleCtl.size} bytes of input at least, not ${input.length}`)
    }
    const { number, command } = handleCtl.decode(input.subarray(0, handleCtl.size))
    if (operationOf(command) === 'mgmtSupervise') {
      throw new VpcError(
        'EOPNOTSUPP',
        `'${operations.mgmtSupervise.name}' is not an operation of a handle in a session; open a descriptor for it`,
      )
    }
    return [this.find(number), command, input.subarray(handleCtl.size)]
  }

  /** `handle close`. */
  close(number: number): void {
    this.find(number).close()
    this.#handles.delete(number)
  }

  /** The session itself is closed. */
  closeAll(): void {
    for (const handle of this.#handles.values()) handle.close()
    this.#handles.clear()
  }

  /** The handle of a number. Throws EBADF. */
  find(number: number): Handle {
    const found = this.#handles.get(number)
    if (found === undefined) throw new VpcError('EBADF', `this session holds no handle ${number}`)
    return found
  }

  /** Throws EEXIST when the number is in use. */
  checkFree(number: number): void {
    const taken = this.#handles.get(number)
    if (taken !== undefined) throw new VpcError('EEXIST', `handle ${number} of this session is ${taken.name}; choose another number`)
  }

  /** Hold an open handle. The session sends its events, with the handle's number first. */
  add(number: number, handle: Handle): void {
    this.#handles.set(number, handle)
    const head = handleEvent.encode({ number })
    handle.onEvent = (event) => this.#session.onEvent?.(Buffer.concat([head, event]))
  }
}
