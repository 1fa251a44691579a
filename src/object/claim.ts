/** The right to an object that an operation names by its id: the same as the right to open it for writing. */
import type { Id } from '#abi/id.ts'
import type { TypeName } from '#abi/object-type.ts'
import type { Access } from './access.ts'
import type { OpenCall } from './open-call.ts'
import type { Caller } from './rights.ts'
import type { VpcObject } from './store/model.ts'
import type { Transaction } from './store/transaction.ts'
import { refusal, toVpcError } from './vpc-error.ts'

/** What an operation does with an object that it names. */
export type Use = 'write' | 'create' | 'handover'

/**
 * Refuses an id that the opener of the descriptor may not use so. The user of the descriptor does not matter: a program
 * that received a descriptor may do with it what the giver could. The current policy decides.
 */
export type Claim = (tx: Transaction, type: TypeName, id: Id, use?: Use) => void

/** The claims of a handle's opener. */
export const claimsOf =
  (access: () => Access, opener: Caller): Claim =>
  (tx, type, id, use = 'write') => {
    const call: OpenCall = {
      id,
      type: type as OpenCall['type'],
      create: use === 'create',
      session: false,
      rights: { read: false, write: true },
      handover: use === 'handover',
    }
    try {
      access().grant(opener, call)
    } catch (error) {
      const { errno, message } = toVpcError('', error)
      throw refusal(tx.asked, errno, message, 'ask for a policy rule that grants this, or for a descriptor of a user who may')
    }
  }

/** Whether the opener of a handle may read everything, or this object. */
export type Sees = (object?: VpcObject) => boolean

/** By the current policy. Who may open a management handle that is not narrowed may read everything. */
export const seesHostOf =
  (access: () => Access, opener: Caller): Sees =>
  (object) => {
    const { id, type } = object ?? { id: '' as Id, type: 'mgmt' as const }
    const call: OpenCall = { id, type, create: type === 'mgmt', session: false, rights: { read: true, write: false } }
    try {
      return access().grant(opener, call).operations === undefined
    } catch {
      return false
    }
  }
