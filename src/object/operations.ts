/** All operations, by name: which function does each, and of which type the object must be. */
import type { OperationName } from '#abi/command.ts'
import { applyOperations } from './apply/apply-operations.ts'
import { mgmtOperations } from './mgmt-operations.ts'
import { objectOperations } from './object-operations.ts'
import type { Perform } from './operation.ts'
import { auditOperations } from './sync/audit/audit-operations.ts'

const all = { ...objectOperations, ...mgmtOperations, ...applyOperations, ...auditOperations } as {
  readonly [N in OperationName]?: Perform<never>
}

/** The function of an operation. The handle has checked that its object is of the operation's type. */
export const performerOf = (name: OperationName): Perform<never> | undefined => all[name]
