/**
 * Outputs of which a caller may take the first bytes alone. The original's programs ask for a type with room for one
 * byte, and for the number of forwarding entries with room for the count that stands before them.
 */
import type { OperationName } from './command.ts'

/** Lengths of room, by operation, into which the first bytes of a longer output go. */
const shortRooms: { readonly [N in OperationName]?: readonly number[] } = {
  metaTypeGet: [1, 2],
  vpcmuxEntryList: [4],
}

/** The part of an output that goes into a caller's room. Undefined: it does not fit. */
export function outputFor(name: OperationName, output: Uint8Array, room: bigint): Uint8Array | undefined {
  if (BigInt(output.length) <= room) return output
  return shortRooms[name]?.includes(Number(room)) ? output.subarray(0, Number(room)) : undefined
}
