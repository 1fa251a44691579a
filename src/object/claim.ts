/** The right to an object that an operation names by its id: the same as the right to open it for writing. */
import type { Id } from '#abi/id.ts'
import type { TypeName } from '#abi/object-type.ts'
import type { Access } from './access.ts'
import type { OpenCall } from './open-call.ts'
import type { Caller } from './rights.ts'
import type { Transaction } from './store/transaction.ts'
import { refusal, toVpcError } from './vpc-error.ts'

/** What is done with an object that an operation names. */
export type Use = 'write' | 'create'

/**
 * Refuse an id of a type that may not be used so. Whoever opened the descriptor is asked about, not whoever uses it: a
 * program that was given a descriptor may do with it what the giver could. The policy is that of the moment.
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
    }
    try {
      access().grant(opener, call)
    } catch (error) {
      const { errno, message } = toVpcError('', error)
      throw refusal(tx.asked, errno, message, 'ask for a policy rule that grants this, or for a descriptor of a user who may')
    }
  }
