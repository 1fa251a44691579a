/**
 * How operations are written: one function each, by its name in the ABI's table, which declares what goes in and comes
 * out.
 */
import { operations, type Input, type OperationName, type Output } from '#abi/command.ts'
import { idTypeCode, type Id } from '#abi/id.ts'
import { typeNameOf } from '#abi/object-type.ts'
import type { Claim } from './claim.ts'
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
   * Refuses the id of an object that the opener of the handle could not open so. Those of the input have been asked
   * for.
   */
  readonly claim: Claim
}

/**
 * Gives the output; one that may take long does it in steps. What it throws, or refuses through the transaction, takes
 * all back.
 */
export type Perform<T, N extends OperationName = OperationName> = (call: Call<T, Input<N>>) => Output<N> | Generator<void, Output<N>> | void

export type Operations<T> = { readonly [N in OperationName]?: Perform<T, N> }

/**
 * An operation with bytes: the input is read as the table says, and refused when it is not so, or names what the opener
 * may not write.
 */
export function* performBytes(perform: Perform<never>, name: OperationName, call: Call<unknown, Uint8Array>): Generator<void, Uint8Array> {
  const { takes, gives } = operations[name]
  const { names } = takes
  const input = takes.decode(call.input)
  if (!input.ok) return call.tx.refuse('EINVAL', input.why, input.remedy)
  for (const id of (names as ((value: unknown) => readonly Id[]) | undefined)?.(input.value) ?? []) {
    const type = typeNameOf(idTypeCode(id))
    // The id of no type names nothing; the operation says so.
    if (type !== undefined) call.claim(call.tx, type, id)
  }
  const done: unknown = perform({ ...call, input: input.value } as never)
  const output = isSteps(done) ? yield* done : done
  return output === undefined ? new Uint8Array() : (gives.encode as (value: unknown) => Uint8Array)(output)
}

const isSteps = (value: unknown): value is Generator<void, unknown> =>
  typeof value === 'object' && value !== null && 'next' in value && typeof value.next === 'function'
