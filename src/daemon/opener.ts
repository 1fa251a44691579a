/** What the server needs of the objects: the seam between the protocol and the host half. */
import type { TypeName } from '#abi/object-type.ts'
import type { Caller } from '#object/rights.ts'

export type { Caller } from '#object/rights.ts'

/**
 * An open descriptor. When `request` returns, or its promise resolves, the operation is done completely or not at all.
 */
export interface OpenHandle {
  /** Of the object, or `mgmt`. */
  readonly type: TypeName
  /** Throws an error with an `errno`. */
  request(command: number, input: Uint8Array, caller: Caller): Uint8Array | Promise<Uint8Array>
  /** Set by the server; called for each event once the descriptor has subscribed. */
  onEvent?: ((payload: Uint8Array) => void) | undefined
  /** Release the reference. Called exactly once. */
  close(): void
}

/** Opens descriptors: the `Host`, or a stand-in in tests. */
export interface Opener {
  /** Throws an error with an `errno`. */
  open(caller: Caller, id: Uint8Array, handleType: bigint, flags: bigint): OpenHandle | Promise<OpenHandle>
}
