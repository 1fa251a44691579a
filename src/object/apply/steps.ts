/** Doing the parts of an apply: existing operations and functions of the objects, all in the one transaction of the whole. */
import { atPath, splitPath } from '#abi/host-file.ts'
import type { OperationName } from '#abi/command.ts'
import type { Context } from '../context.ts'
import { serveEthlink } from '../type/ethlink-service.ts'
import type { Handle } from '../handle.ts'
import { touchPort } from '../store/members.ts'
import type { Hostif, Mux, Switch, Vmnic, VpcObject, Ethlink } from '../store/model.ts'
import { interfaceMtuBytes } from '../type/mtu.ts'
import { setUnitMtu, withMtuFollowing } from '../type/mtu-follow.ts'
import { syncMux } from '../type/mux.ts'
import { performerOf } from '../operations.ts'
import { u32Out } from '../output.ts'
import { noteRecords } from '../type/port.ts'
import type { Transaction } from '../store/transaction.ts'
import { toVpcError, VpcError } from '../vpc-error.ts'

/** An apply under way. */
export class Steps {
  readonly context: Context
  readonly tx: Transaction
  readonly #handle: Handle

  constructor(context: Context, tx: Transaction, handle: Handle) {
    this.context = context
    this.tx = tx
    this.#handle = handle
  }

  /** One operation of the ABI on an object. */
  do(name: OperationName, object: VpcObject, input: Uint8Array = new Uint8Array()): void {
    const perform = performerOf(name)
    if (perform === undefined) throw new Error(`nobody performs ${name}`)
    perform({ context: this.context, tx: this.tx, object: object as never, handle: this.#handle, input })
  }

  /** What fails in there is told with its place in the document. */
  at<T>(path: string, run: () => T): T {
    try {
      return run()
    } catch (error) {
      const { errno, message } = toVpcError(this.tx.asked, error)
      if (splitPath(message).path !== '') throw error
      throw new VpcError(errno, atPath(path, message), { cause: error })
    }
  }

  /** Give an interface or mux an MTU, or let it follow again. */
  setMtu(object: Vmnic | Hostif | Ethlink | Mux, mtu: number | null): void {
    if (mtu !== null) return this.do('metaMtuSet', object, u32Out(mtu))
    const { context, tx } = this
    tx.dirty.records.add(object)
    if (object.type === 'vpcmux') return withMtuFollowing(context, tx, object, () => tx.set(object, 'mtuBytes', null))
    const before = interfaceMtuBytes(context.model, object)
    tx.set(object, 'mtuBytes', null)
    if (object.type !== 'ethlink') setUnitMtu(context, tx, object, before)
    else if (object.port !== null) touchPort(tx, object.port)
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

  /** Have a mux that listens nowhere. */
  stopListening(mux: Mux): void {
    const { context, tx } = this
    withMtuFollowing(context, tx, mux, () => tx.set(mux, 'listen', null))
    syncMux(context, tx, mux)
    tx.dirty.records.add(mux)
  }
}
