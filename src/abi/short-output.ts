/**
 * Outputs of which a caller may read only the first bytes. The original's programs ask for a type with a buffer of one
 * byte, and for the number of forwarding entries with a buffer for the count alone.
 */
import type { OperationName } from './command.ts'

/** Buffer lengths, by operation, that get the first bytes of a longer output. */
const shortRooms: { readonly [N in OperationName]?: readonly number[] } = {
  metaTypeGet: [1, 2],
  vpcmuxEntryList: [4],
}

/** The part of an output that goes into a caller's buffer. Undefined: it does not fit. */
export function outputFor(name: OperationName, output: Uint8Array, room: bigint): Uint8Array | undefined {
  if (BigInt(output.length) <= room) return output
  return shortRooms[name]?.includes(Number(room)) ? output.subarray(0, Number(room)) : undefined
}
