/** UUIDs of version 7, RFC 9562: they sort by the time at which they were made. */
import { randomBytes } from 'node:crypto'

/** Ids of one millisecond sort by the order in which this process made them. */
let [lastMs, sequence] = [0, 0]

/** A new id. */
export function uuidV7(now = Date.now()): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(now, 0, 6)
  sequence = now === lastMs ? (sequence + 1) & 0xfff : bytes.readUInt16BE(6) & 0x7ff
  lastMs = now
  bytes.writeUInt16BE(0x7000 | sequence, 6)
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
