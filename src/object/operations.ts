/** All operations, by name: which function does each, and of which type the object must be. */
import type { OperationName } from '#abi/command.ts'
import { unitTypes } from '#abi/object-type.ts'
import { operationNames, settingsOf } from '#abi/settings.ts'
import { applyOperations } from './apply/apply-operations.ts'
import { metaOperations } from './meta-operations.ts'
import { mgmtOperations } from './mgmt-operations.ts'
import type { Perform } from './operation.ts'
import { auditOperations } from './sync/audit/audit-operations.ts'
import { types } from './type/types.ts'
import type { ObjectType } from './type/type.ts'

/** Those that give a setting, and set it. */
function settingOperations(): Record<string, Perform<never>> {
  const found: Record<string, Perform<any>> = {}
  for (const type of unitTypes) {
    const { setters }: ObjectType<any> = types[type]
    for (const [name, { set }] of settingsOf(type)) {
      if (set === undefined) continue
      const names = operationNames(type, name)
      found[names.get] = ({ object }) => object[name]
      found[names.set] = ({ context, tx, object, input }) => (setters as any)[name](context, tx, object, input, {})
    }
  }
  return found
}

const all = {
  ...settingOperations(),
  ...metaOperations,
  ...mgmtOperations,
  ...applyOperations,
  ...auditOperations,
  ...Object.assign({}, ...unitTypes.map((type) => types[type].operations)),
} as Readonly<Record<string, Perform<never>>>

/** The function of an operation. The handle has checked that its object is of the operation's type. */
export const performerOf = (name: OperationName): Perform<never> | undefined => all[name]
