/** Does the parts of an apply by existing operations and functions of the objects, all in one transaction. */
import { atPath, splitPath } from '#abi/host-file.ts'
import type { Input, OperationName } from '#abi/command.ts'
import type { UnitType } from '#abi/object-type.ts'
import { keyOf, settingsOf, type Settings } from '#abi/settings.ts'
import type { Claim } from '../claim.ts'
import type { Call } from '../operation.ts'
import { types } from '../type/types.ts'
import type { ObjectType } from '../type/type.ts'
import type { Context } from '../context.ts'
import { serveEthlink } from '../type/ethlink-service.ts'
import type { Handle } from '../handle.ts'
import { touchPort } from '../store/members.ts'
import type { ObjectOf, Switch, VpcObject } from '../store/model.ts'
import { objectOperations } from '../object-operations.ts'
import { noteRecords } from '../type/port.ts'
import type { Transaction } from '../store/transaction.ts'
import { toVpcError, VpcError } from '../vpc-error.ts'

/** An apply under way. */
export class Steps {
  readonly context: Context
  readonly tx: Transaction
  readonly #handle: Handle
  /** Refuses what the opener of the handle could not open for writing. */
  readonly claim: Claim

  constructor({ context, tx, handle, claim }: Call<unknown>) {
    this.context = context
    this.tx = tx
    this.#handle = handle
    this.claim = claim
  }

  /** One operation of the ABI on an object. */
  do<N extends OperationName>(name: N, object: VpcObject, input: Input<N>): void {
    const perform = objectOperations[name]
    if (perform === undefined) throw new Error(`nobody performs ${name}`)
    const call = { context: this.context, tx: this.tx, handle: this.#handle, claim: this.claim, seesHost: () => false }
    perform({ ...call, object: object as never, input: input as never })
  }

  /** Add the place in the document to errors of `run`. */
  at<T>(path: string, run: () => T): T {
    try {
      return run()
    } catch (error) {
      const { errno, message } = toVpcError(this.tx.asked, error)
      if (splitPath(message).path !== '') throw error
      throw new VpcError(errno, atPath(path, message), { cause: error })
    }
  }

  /** Set the settings that differ from the wanted ones, each with its place in errors. */
  set<T extends UnitType>(object: ObjectOf<T>, spec: Settings<T> & { readonly type: T; readonly path: string }): void {
    const { setters } = types[spec.type] as unknown as ObjectType<any>
    const values = object as unknown as Readonly<Record<string, unknown>>
    for (const [name, { kind, key }] of settingsOf(spec.type)) {
      const asked = spec[name as keyof typeof spec]
      if (asked === undefined) continue
      if (JSON.stringify(kind.toJson(values[name])) === JSON.stringify(kind.toJson(asked))) continue
      this.at(`${spec.path}.${keyOf(name, { key })}`, () => (setters as any)[name](this.context, this.tx, object, asked, spec))
    }
  }

  /** Have a switch without an uplink. */
  clearUplink(sw: Switch): void {
    const { context, tx } = this
    const port = sw.uplink
    if (port === null) return
    touchPort(tx, port)
    tx.set(sw, 'uplink', null)
    touchPort(tx, port)
    if (port.peer?.type === 'ethlink') serveEthlink(context, tx, port.peer)
    noteRecords(tx, port)
  }
}
