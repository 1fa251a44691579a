/** SCTP packets, RFC 9260: the common header, and a chunk that begins an association or answers that. */

/** Number of the protocol in IP headers. */
export const sctpProtocol = 132
/** Types of chunks. */
export const sctpChunk = { init: 1, initAck: 2 } as const

export interface SctpFields {
  readonly srcPort: number
  readonly dstPort: number
  /** Type of its chunk; INIT when left out. */
  readonly chunk?: number
}

const headerBytes = 12
const initBytes = 20

/** A packet with one INIT or INIT ACK chunk, whose checksum is right. */
export function encodeSctp({ srcPort, dstPort, chunk = sctpChunk.init }: SctpFields, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headerBytes + initBytes + payload.length)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, srcPort)
  view.setUint16(2, dstPort)
  // The first packet of an association has no verification tag yet; its answer has the initiate tag.
  view.setUint32(4, chunk === sctpChunk.init ? 0 : 1)
  view.setUint8(headerBytes, chunk)
  view.setUint16(headerBytes + 2, initBytes)
  view.setUint32(headerBytes + 4, 1)
  view.setUint32(headerBytes + 8, 65_536)
  view.setUint16(headerBytes + 12, 1)
  view.setUint16(headerBytes + 14, 1)
  view.setUint32(headerBytes + 16, 1)
  bytes.set(payload, headerBytes + initBytes)
  view.setUint32(8, crc32c(bytes), true)
  return bytes
}

/** CRC32c, RFC 9260 appendix A. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}
