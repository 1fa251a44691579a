/** Callers, and what a descriptor may be used for. */
import { operationOf, operations, type Operation, commandBit, openFlag } from '#abi/command.ts'
import { u32 } from '#abi/c-struct.ts'
import { allOperations, decodeArray, descriptorRights, encodeArray } from '#abi/layouts.ts'
import { objectType } from '#abi/object-type.ts'
import { VpcError } from './vpc-error.ts'

/** The process at the other end, as the kernel reports it. */
export interface Caller {
  readonly pid: number
  readonly uid: number
  readonly gid: number
  /** Supplementary groups. */
  readonly groups?: readonly number[] | undefined
}

/** What a descriptor may be used for: what it was opened for, less what `limit` removed. */
export interface Rights {
  readonly read: boolean
  readonly write: boolean
  /** Type and number of the remaining operations; undefined: all. */
  readonly operations?: ReadonlySet<number> | undefined
  /** Why the others are missing, where the host gives no more and nobody has narrowed the descriptor. */
  readonly refusal?: string | undefined
}

/**
 * Refuse an operation that the descriptor was not opened for. A command that mutates must have the mutate bit, and its
 * descriptor must have WRITE. Any other command needs READ or WRITE, except those that identify the descriptor.
 */
export function checkRights(name: string, operation: Operation, command: number, rights: Rights): void {
  if (operation.mutate && (command & commandBit.mutate) === 0) {
    const right = operation.command.toString(16)
    throw new VpcError('EINVAL', `command 0x${command.toString(16)} for '${name}' lacks the mutate bit; the command is 0x${right}`)
  }
  checkNotNarrowed(name, operation.command & 0x00ffffff, rights)
  const mutates = operation.mutate || (command & commandBit.mutate) !== 0
  if (mutates && !rights.write) throw new VpcError('EPERM', `'${name}' changes the object and needs a descriptor opened with WRITE`)
  if (!rights.read && !rights.write && !alwaysAllowed.has(operation.command & 0x00ffffff))
    throw new VpcError('EPERM', `'${name}' needs a descriptor opened with READ or WRITE`)
}

function checkNotNarrowed(name: string, operation: number, { operations: left, refusal }: Rights): void {
  if (left === undefined || left.has(operation) || alwaysAllowed.has(operation)) return
  if (refusal !== undefined) throw new VpcError('EPERM', `cannot do '${name}': ${refusal}`)
  throw new VpcError('EPERM', `'${name}' is not among the operations that this descriptor was narrowed to; open another one`)
}

/** Narrow rights: none that is missing now comes back. Throws VpcError. */
export function narrow(rights: Rights, input: Uint8Array): Rights {
  const asked = decodeRights(input)
  if (asked.operations === undefined) return { ...rights, read: rights.read && asked.read, write: rights.write && asked.write }
  const { operations: had } = rights
  const left = had === undefined ? asked.operations : new Set([...asked.operations].filter((operation) => had.has(operation)))
  return { read: rights.read && asked.read, write: rights.write && asked.write, operations: left }
}

function decodeRights(input: Uint8Array): Rights {
  const refuse = (why: string): never => {
    throw new VpcError('EINVAL', `cannot narrow the descriptor: ${why}`)
  }
  if (input.length < descriptorRights.size)
    return refuse(`the input has ${input.length} bytes, not ${descriptorRights.size} and 4 for each operation`)
  const { flags, count } = descriptorRights.decode(input)
  if ((flags & ~(openFlag.read | openFlag.write)) !== 0)
    return refuse(`0x${flags.toString(16)} are not rights; they are READ 4 and WRITE 8`)
  const rights = { read: (flags & openFlag.read) !== 0, write: (flags & openFlag.write) !== 0 }
  const rest = input.subarray(descriptorRights.size)
  if (count === allOperations && rest.length === 0) return rights
  if (rest.length !== count * 4) return refuse(`${count} operations take ${count * 4} bytes, not ${rest.length}`)
  const listed = decodeArray(u32, rest)!
  const unknown = listed.find((operation) => operationOf(operation) === undefined)
  if (unknown !== undefined) return refuse(`0x${unknown.toString(16)} names no operation`)
  return { ...rights, operations: new Set(listed.map((operation) => operation & 0x00ffffff)) }
}

/** Rights as `limit` takes them. */
export function encodeRights({ read, write, operations: left }: Rights): Uint8Array {
  const flags = (read ? openFlag.read : 0) | (write ? openFlag.write : 0)
  const head = descriptorRights.encode({ flags, count: left?.size ?? allOperations })
  return Buffer.concat([head, encodeArray(u32, [...(left ?? [])])])
}

const numberOf = ({ op }: Operation): number => (objectType.meta << 16) | op

/** Operations that no narrowing removes: identifying the descriptor, its rights, and narrowing further. */
const alwaysAllowed: ReadonlySet<number> = new Set(
  [operations.metaTypeGet, operations.metaIdGet, operations.metaRightsGet, operations.metaLimit].map(numberOf),
)

/** Operations that a handle answers even after its object is gone. */
export const answeredByTheDead: ReadonlySet<number> = alwaysAllowed
