/** Ids of a lab's objects, made from their names: the same file gives the same ids and MACs every time. */
import { createHash } from 'node:crypto'
import { formatId, type Id } from '#abi/id.ts'
import { objectType, type UnitType } from '#abi/object-type.ts'

/** What byte 10 of an id says of a MAC: it is a group's, it was given out locally. */
const groupBit = 0x01
const localBit = 0x02

/** The id of an object that is found by these names: lab, host, guest, and what it is of them. */
export function labId(type: UnitType, ...names: readonly string[]): Id {
  // No name has a colon in it, so different names never give the same text.
  const bytes = new Uint8Array(
    createHash('sha256')
      .update([type, ...names].join(':'))
      .digest()
      .subarray(0, 16),
  )
  bytes[9] = objectType[type]
  bytes[10] = (bytes[10]! | localBit) & ~groupBit
  return formatId(bytes)
}

/** The MAC of something in a lab that is no object: a machine at the end of a wire. */
export function labMac(...names: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(
    createHash('sha256')
      .update(['mac', ...names].join(':'))
      .digest()
      .subarray(0, 6),
  )
  bytes[0] = (bytes[0]! | localBit) & ~groupBit
  return bytes
}
