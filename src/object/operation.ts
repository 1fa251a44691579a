/** How operations are written: one function each, by its name in the ABI's table. */
import type { OperationName } from '#abi/command.ts'
import type { Context } from './context.ts'
import type { Handle } from './handle.ts'
import type { Transaction } from './store/transaction.ts'

/** One call: the object that it is about, in the transaction that it happens in. */
export interface Call<T> {
  readonly context: Context
  readonly tx: Transaction
  readonly object: T
  readonly handle: Handle
  readonly input: Uint8Array
}

/** Gives the output; nothing is no output. What it throws, or refuses through the transaction, takes all back. */
export type Perform<T> = (call: Call<T>) => Uint8Array | void

export type Operations<T> = { readonly [N in OperationName]?: Perform<T> }
