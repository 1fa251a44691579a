/**
 * The operations of objects, by name: those of every type, those of each type, and the getters and setters of settings.
 */
import type { OperationName } from '#abi/command.ts'
import { unitTypes } from '#abi/object-type.ts'
import { operationNames, settingsOf } from '#abi/settings.ts'
import { metaOperations } from './meta-operations.ts'
import type { Perform } from './operation.ts'
import { types } from './type/types.ts'
import type { ObjectType } from './type/type.ts'

/** The getters and setters of settings. */
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

/** By name. */
export const objectOperations = {
  ...settingOperations(),
  ...metaOperations,
  ...Object.assign({}, ...unitTypes.map((type) => types[type].operations)),
} as { readonly [N in OperationName]?: Perform<never> }
