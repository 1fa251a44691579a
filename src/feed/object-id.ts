/** Ids of a host's objects, from what they stand for: so an agent without a cache finds its own objects again. */
import { createHash } from 'node:crypto'
import { formatId, type Id } from '#abi/id.ts'
import { objectType, type TypeName } from '#abi/object-type.ts'
import { macFrom } from '#wire/mac.ts'

/**
 * The id of the object of a type that stands for something of the cloud, such as a vnic, on this host. With `mac` it
 * is the object's MAC address; else that follows from the parts, too.
 */
export function objectId(type: TypeName, parts: readonly string[], mac?: string): Id {
  const bytes = new Uint8Array(
    createHash('sha256')
      .update(JSON.stringify([type, ...parts]))
      .digest()
      .subarray(0, 16),
  )
  bytes[9] = objectType[type]
  if (mac === undefined) bytes[10] = (bytes[10]! & 0xfc) | 0x02
  else bytes.set(macFrom(mac), 10)
  return formatId(bytes)
}
