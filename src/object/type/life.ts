/**
 * The life of objects: who holds one, what happens when nobody does any more.
 *
 * An object is held by each open descriptor, by a commit, and a port by the switch that it is in. vpc_open with CREATE
 * makes one that has one holder, the new descriptor; `port add` of an unknown id makes a port whose holder is the
 * switch.
 *
 * | state     | held by                     | in the journal           | found by id | goes on to                                              |
 * |-----------|-----------------------------|--------------------------|-------------|---------------------------------------------------------|
 * | open      | descriptors                 | no                       | yes         | committed (commit), dead (destroy), gone (last close)   |
 * | member    | its switch, and descriptors | when the switch is       | yes         | committed, dead, gone (port delete or switch destroyed) |
 * | committed | the commit, and descriptors | yes                      | yes         | dead (destroy)                                          |
 * | dead      | descriptors                 | no                       | no          | gone (last close)                                       |
 *
 * To destroy an object, and to let the last holder go, is the same: it is disconnected from everything (a port from its
 * interface and its switch, an interface from its port, an ethlink from its mux; a switch lets go of its ports), its
 * entries leave the tables, its device goes, its unit number is free. What remains is a dead handle: all operations but
 * `type get` and `id get` answer ESTALE, its id can be created anew. vpcd's end is the last close of all descriptors,
 * so what is not committed does not outlive it, and a start of vpcd removes what a killed one has left of such objects.
 *
 * A reference between two objects (port and switch, port and interface, mux and ethlink) is in the journal when both
 * ends are.
 */
import type { Id } from '#abi/id.ts'
import type { UnitType } from '#abi/object-type.ts'
import type { Claim } from '../claim.ts'
import type { Context } from '../context.ts'
import type { VpcObject } from '../store/model.ts'
import { putBack, writeMoved } from './guest.ts'
import { letGoOfPort } from './port.ts'
import { typeOf, types } from './types.ts'
import type { Transaction } from '../store/transaction.ts'

/** What is made. */
export interface Wanted {
  readonly type: UnitType
  readonly id: Id
  /**
   * Of who asks for one object. Undefined: a document of the host has it, which needs WRITE of a management handle, as
   * noting where units are does. The agent has this right, and not the one to hand over.
   */
  readonly claim?: Claim
  readonly unit?: number | undefined
}

/**
 * Make an object that nothing holds yet; the caller will. It gets the lowest free unit number, or the given one, which
 * must be free. A hostif goes back to where its unit was, by a document, or if who asks may hand it over.
 */
export function create(context: Context, tx: Transaction, { type, id, claim, unit }: Wanted): VpcObject {
  context.model.nextUnit = unit
  try {
    const object = types[type].create(context, tx, id)
    if (object.type === 'hostif')
      tx.later('put it back', () => {
        putBack(context, object, () => claim?.(tx, 'hostif', id, 'handover'))
        writeMoved(context)
      })
    return object
  } finally {
    context.model.nextUnit = undefined
  }
}

/** Take an object out of service at once, even if others hold it. */
export function destroy(context: Context, tx: Transaction, object: VpcObject): void {
  typeOf(object).dismantle(context, tx, object)
}

/** A holder has released the object: if it was the last, remove the object. */
export function letGo(context: Context, tx: Transaction, object: VpcObject): void {
  if (object.dead || object.descriptors > 0 || object.committed) return
  if (object.type === 'vpcp') letGoOfPort(context, tx, object)
  else destroy(context, tx, object)
}
