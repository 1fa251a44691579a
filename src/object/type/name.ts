/** The name of an object: one object of a type has it, so commands and documents can use it in place of the id. */
import { nameProblem } from '#abi/object-name.ts'
import { typeNoun } from '#abi/object-type.ts'
import type { Context } from '../context.ts'
import { unitName, type VpcObject } from '../store/model.ts'
import { nameKey } from '../store/registry.ts'
import type { Transaction } from '../store/transaction.ts'

/** A name as an operation takes it. */
export function readName(tx: Transaction, text: string): string {
  const problem = nameProblem(text)
  return problem === undefined ? text : tx.refuse('EINVAL', problem)
}

/** Give an object a name, or none. Refuses the name of another object of the type. */
export function setObjectName({ model }: Context, tx: Transaction, object: VpcObject, name: string | null): void {
  if (object.name === name) return
  tx.asked = name === null ? `take the name of ${unitName(object)} away` : `name ${unitName(object)} '${name}'`
  const { type } = object
  const other = name === null ? undefined : model.names.get(nameKey(type, name))
  if (other !== undefined)
    tx.refuse(
      'EEXIST',
      `another ${typeNoun[type].replace(/^an? /, '')} has that name`,
      'choose another, or rename that one first: vpc list shows it',
    )
  if (object.name !== null) tx.drop(model.names, nameKey(type, object.name))
  if (name !== null) tx.put(model.names, nameKey(type, name), object)
  tx.set(object, 'name', name)
  tx.dirty.records.add(object)
}
