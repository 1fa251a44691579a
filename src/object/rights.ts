/** Who may open what, and what a descriptor may then be used for. */
import { operations, type Operation, commandBit } from '#abi/command.ts'
import { objectType } from '#abi/object-type.ts'
import { VpcError } from './vpc-error.ts'

/** The process at the other end, by the kernel's word. */
export interface Caller {
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

/** What a descriptor was opened for. */
export interface Rights {
  readonly read: boolean
  readonly write: boolean
}

/** Refuse a caller who may not open objects of this host. Using is decided by the descriptor alone. */
export function checkMayOpen(caller: Caller): void {
  if (caller.uid === 0) return
  throw new VpcError('EPERM', `user ${caller.uid} (process ${caller.pid}) may not open objects of this host; run as root (uid 0)`)
}

/**
 * Refuse an operation that the descriptor was not opened for. The right is in the command and in the descriptor: a command that
 * mutates must say so, and its descriptor must have WRITE; any other takes READ or WRITE.
 */
export function checkRights(name: string, operation: Operation, command: number, rights: Rights): void {
  if (operation.mutate && (command & commandBit.mutate) === 0) {
    const right = operation.command.toString(16)
    throw new VpcError('EINVAL', `command 0x${command.toString(16)} for '${name}' lacks the mutate bit; the command is 0x${right}`)
  }
  const mutates = operation.mutate || (command & commandBit.mutate) !== 0
  if (mutates && !rights.write) throw new VpcError('EPERM', `'${name}' changes the object and needs a descriptor opened with WRITE`)
  if (!rights.read && !rights.write) throw new VpcError('EPERM', `'${name}' needs a descriptor opened with READ or WRITE`)
}

/** Operations that a handle answers even when its object is gone: what it was. */
export const answeredByTheDead: ReadonlySet<number> = new Set(
  [operations.metaTypeGet, operations.metaIdGet].map(({ op }) => (objectType.meta << 16) | op),
)
