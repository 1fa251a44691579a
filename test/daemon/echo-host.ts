/**
 * A stand-in for the host half: objects with references and nothing behind them, so that the protocol can be tested
 * alone.
 */
import { operationOf, openFlag } from '#abi/command.ts'
import { errno, type ErrnoName } from '#abi/errno.ts'
import { formatId } from '#abi/id.ts'
import { typeNameOf } from '#abi/object-type.ts'
import type { Caller, OpenHandle, Opener } from '#daemon/opener.ts'

class Refusal extends Error {
  readonly errno: number
  constructor(code: ErrnoName, message: string) {
    super(message)
    this.errno = errno[code]
  }
}

export class EchoHost implements Opener {
  /** References by id: gone when the last handle is closed. */
  readonly references = new Map<string, number>()
  readonly listeners = new Set<OpenHandle>()
  /** What `stats` answers, to make replies as long as a test wants. */
  answerBytes = 0
  /** How long each call takes the processor. */
  busyMs = 0
  /** Who called, in order. */
  readonly callers: number[] = []
  /** What `audit` waits for. */
  audited: Promise<void> = Promise.resolve()
  closes = 0
  calls = 0

  open(caller: Caller, idBytes: Uint8Array, handleType: bigint, flags: bigint): OpenHandle {
    if (caller.uid !== process.getuid!() && caller.uid < 1000) throw new Refusal('EPERM', `user ${caller.uid} may not open objects`)
    const id = formatId(idBytes)
    const create = (flags & BigInt(openFlag.create)) !== 0n
    const held = this.references.get(id) ?? 0
    if (create && held > 0) throw new Refusal('EEXIST', `${id} exists`)
    if (!create && held === 0) throw new Refusal('ENOENT', `there is no ${id}`)
    this.references.set(id, held + 1)
    const handle = {
      type: typeNameOf(Number((handleType >> 48n) & 0xffn)) ?? 'any',
      request: (command: number, input: Uint8Array, by: Caller) => {
        this.callers.push(by.uid)
        return this.#ctl(handle, idBytes, handleType, command, input)
      },
      close: () => this.#close(handle, id),
    }
    return handle
  }

  /** Send an event to all who listen. */
  emit(payload: Uint8Array): void {
    for (const listener of this.listeners) listener.onEvent?.(payload)
  }

  #ctl(handle: OpenHandle, id: Uint8Array, type: bigint, command: number, input: Uint8Array): Uint8Array | Promise<Uint8Array> {
    this.calls++
    for (const end = performance.now() + this.busyMs; performance.now() < end;);
    switch (operationOf(command)) {
      case 'mgmtAudit':
        return this.audited.then(() => Buffer.from('audited'))
      case 'metaIdGet':
        return id
      case 'metaTypeGet':
        return Uint8Array.of(Number((type >> 48n) & 0xffn), 0)
      case 'metaMacGet':
        return id.slice(10)
      case 'mgmtStats':
        return Buffer.alloc(this.answerBytes, 0x20)
      case 'vpcswListen':
        this.listeners.add(handle)
        return new Uint8Array(0)
      case 'vpcmuxFteSet':
      case 'vpcswPortAdd':
        return input.slice()
      case 'metaMtuSet':
        throw new Refusal('ENOSPC', 'cannot set the MTU: table mtus is full, it takes 7 entries')
      case 'metaCommit':
        throw new TypeError('a bug')
      default:
        throw new Refusal('EOPNOTSUPP', `no such operation`)
    }
  }

  #close(handle: OpenHandle, id: string): void {
    this.closes++
    this.listeners.delete(handle)
    const left = this.references.get(id)! - 1
    left === 0 ? this.references.delete(id) : this.references.set(id, left)
  }
}
