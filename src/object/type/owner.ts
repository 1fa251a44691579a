/**
 * The owner of an object: the name of an agent. Only documents of this agent remove the object. It is not a right:
 * everybody who may write the object sets it.
 */
import { ownerName } from '#abi/kind.ts'
import type { Context } from '../context.ts'
import { unitName, type VpcObject } from '../store/model.ts'
import type { Transaction } from '../store/transaction.ts'

/** A name as an operation takes it. */
export function readOwner(tx: Transaction, text: string): string {
  const read = ownerName.fromJson(text)
  return read.ok ? read.value : tx.refuse('EINVAL', read.problem)
}

/** Give an object an owner, or none. */
export function setObjectOwner(_: Context, tx: Transaction, object: VpcObject, owner: string | null): void {
  if (object.owner === owner) return
  tx.asked = `give ${unitName(object)} ${owner === null ? 'no owner' : `owner ${owner}`}`
  tx.set(object, 'owner', owner)
  tx.dirty.records.add(object)
}
