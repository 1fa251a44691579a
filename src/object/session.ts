/**
 * The operations of a session: opening, using and closing the handles that it holds, and transactions over their
 * objects.
 */
import { operations, type OperationName } from '#abi/command.ts'
import { decodeSteps, type Step } from '#abi/session.ts'
import type { Handle } from './handle.ts'
import { VpcError } from './vpc-error.ts'

/** Operations of a management handle that was opened as a session. */
export const sessionOperations = ['mgmtHandleOpen', 'mgmtHandleCtl', 'mgmtHandleClose', 'mgmtTransaction'] as const
export type SessionOperation = (typeof sessionOperations)[number]

export const isSessionOperation = (name: OperationName): name is SessionOperation => (sessionOperations as readonly string[]).includes(name)

/** Do one of them. `transact` does the steps of a transaction. Throws VpcError. */
export function performOnSession(
  session: Handle,
  name: SessionOperation,
  input: Uint8Array,
  transact: (steps: readonly Step[]) => void,
): Uint8Array {
  const { held } = session
  if (held === undefined) {
    const way = 'open a management handle with the flag SESSION (0x100)'
    throw new VpcError('EPERM', `'${operations[name].name}' is an operation of sessions, and this descriptor is none; ${way}`)
  }
  if (name === 'mgmtHandleCtl') return held.ctl(input)
  if (name === 'mgmtHandleOpen') held.open(input)
  else if (name === 'mgmtHandleClose') {
    const read = operations.mgmtHandleClose.takes.decode(input)
    if (!read.ok) throw new VpcError('EINVAL', read.why)
    held.close(read.value)
  } else {
    const steps = decodeSteps(input)
    if (typeof steps === 'string') throw new VpcError('EINVAL', `cannot do a transaction: ${steps}`)
    transact(steps)
  }
  return new Uint8Array()
}
