/** Ids of a lab's objects, made from their names: the same file gives the same ids and MACs every time. */
import { createHash } from 'node:crypto'
import { formatId, type Id } from '#abi/id.ts'
import { objectType, type UnitType } from '#abi/object-type.ts'

/** Bits of byte 10 of an id, which is the first byte of the MAC: group address, locally administered. */
const groupBit = 0x01
const localBit = 0x02

/** The id of an object, made from names: lab, host, guest, and the object's role for them. */
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

/** The MAC of a machine at the end of a wire, which is not an object of vpcd. */
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
