/** All operations, by name: which function does each, and of which type the object must be. */
import type { OperationName } from '#abi/command.ts'
import { applyOperations } from './apply/apply-operations.ts'
import { auditOperations } from './sync/audit/audit-operations.ts'
import { ethlinkOperations } from './type/ethlink.ts'
import { metaOperations } from './meta-operations.ts'
import { mgmtOperations } from './mgmt-operations.ts'
import { muxOperations } from './type/mux-operations.ts'
import type { Perform } from './operation.ts'
import { portOperations } from './type/port-operations.ts'
import { switchOperations } from './type/switch-operations.ts'
import { vmnicOperations } from './type/vmnic.ts'

const all = {
  ...metaOperations,
  ...mgmtOperations,
  ...applyOperations,
  ...auditOperations,
  ...switchOperations,
  ...portOperations,
  ...vmnicOperations,
  ...ethlinkOperations,
  ...muxOperations,
}

/** The function of an operation. The handle has checked that its object is of the operation's type. */
export const performerOf = (name: OperationName): Perform<never> | undefined => all[name] as Perform<never> | undefined
