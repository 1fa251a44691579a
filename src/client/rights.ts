/** What a descriptor may be used for, as values of the library. */
import { openFlag, operationOf, operations, type OperationName } from '#abi/command.ts'
import { u32 } from '#abi/c-struct.ts'
import { allOperations, decodeArray, descriptorRights, encodeArray } from '#abi/layouts.ts'
import { VpcError } from './error.ts'

export interface DescriptorRights {
  readonly read: boolean
  readonly write: boolean
  /**
   * The operations that it is narrowed to; null: all of its type. It can always be identified and asked for its rights.
   */
  readonly operations: readonly OperationName[] | null
}

export interface DescriptorLimit {
  /** False takes the right away. */
  readonly read?: boolean | undefined
  readonly write?: boolean | undefined
  /** No others are left. */
  readonly operations?: readonly OperationName[] | undefined
}

/** The input of `limit`. */
export function encodeLimit({ read = true, write = true, operations: left }: DescriptorLimit): Uint8Array {
  const flags = (read ? openFlag.read : 0) | (write ? openFlag.write : 0)
  const head = descriptorRights.encode({ flags, count: left?.length ?? allOperations })
  return Buffer.concat([
    head,
    encodeArray(
      u32,
      (left ?? []).map((name) => operations[name].command & 0x00ffffff),
    ),
  ])
}

/** The output of `rights get`. Throws EPROTO. */
export function decodeRights(output: Uint8Array): DescriptorRights {
  if (output.length < descriptorRights.size) throw new VpcError('EPROTO', `vpcd answered ${output.length} bytes where rights were expected`)
  const { flags, count } = descriptorRights.decode(output)
  const left = decodeArray(u32, output.slice(descriptorRights.size)) ?? []
  const names = left.map(operationOf).filter((name) => name !== undefined)
  const has = (flag: number): boolean => (flags & flag) !== 0
  return { read: has(openFlag.read), write: has(openFlag.write), operations: count === allOperations ? null : names }
}
