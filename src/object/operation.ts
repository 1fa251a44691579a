/** The form of operations: one function each, by its name in the ABI's table, which declares its input and output. */
import { operations, type Input, type OperationName, type Output } from '#abi/command.ts'
import { idTypeCode, type Id } from '#abi/id.ts'
import { typeNameOf } from '#abi/object-type.ts'
import type { Claim, Sees } from './claim.ts'
import type { Context } from './context.ts'
import type { Handle } from './handle.ts'
import type { Transaction } from './store/transaction.ts'

/** One call: the object that it is about, in the transaction that it happens in. */
export interface Call<T, I = unknown> {
  readonly context: Context
  readonly tx: Transaction
  readonly object: T
  readonly handle: Handle
  readonly input: I
  /**
   * Refuses the id of an object that the opener of the handle could not open so. vpcd has already checked the ids in
   * the input.
   */
  readonly claim: Claim
  /** Whether the opener of the handle may read the whole host, or an object. */
  readonly seesHost: Sees
}

/**
 * Returns the output; a long operation does so in steps. If it throws, or refuses through the transaction, vpcd undoes
 * all of it.
 */
export type Perform<T, N extends OperationName = OperationName> = (call: Call<T, Input<N>>) => Output<N> | Generator<void, Output<N>> | void

export type Operations<T> = { readonly [N in OperationName]?: Perform<T, N> }

/**
 * Call an operation with bytes. Decodes the input as the table says, and refuses input that is malformed or names
 * objects that the opener may not write.
 */
export function* performBytes(perform: Perform<never>, name: OperationName, call: Call<unknown, Uint8Array>): Generator<void, Uint8Array> {
  const { takes, gives } = operations[name]
  const { names } = takes
  const input = takes.decode(call.input)
  if (!input.ok) return call.tx.refuse('EINVAL', input.why, input.remedy)
  for (const id of (names as ((value: unknown) => readonly Id[]) | undefined)?.(input.value) ?? []) {
    const type = typeNameOf(idTypeCode(id))
    // An id without a type names nothing; the operation reports that.
    if (type !== undefined) call.claim(call.tx, type, id)
  }
  const done: unknown = perform({ ...call, input: input.value } as never)
  const output = isSteps(done) ? yield* done : done
  return output === undefined ? new Uint8Array() : (gives.encode as (value: unknown) => Uint8Array)(output)
}

const isSteps = (value: unknown): value is Generator<void, unknown> =>
  typeof value === 'object' && value !== null && 'next' in value && typeof value.next === 'function'
