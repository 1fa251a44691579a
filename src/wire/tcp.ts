/** The TCP header, RFC 9293. */
import { transportChecksum } from './checksum.ts'
import type { Ip } from './ip-address.ts'
import { ipProtocol } from './ipv4.ts'
import { invalid, truncated, type Decoded } from './result.ts'
import { concat, struct, u16be, u32be, u8, type Value } from './struct.ts'

export const tcpHeader = struct('TCP', {
  srcPort: u16be,
  dstPort: u16be,
  seq: u32be,
  ack: u32be,
  /** Header length in 32-bit words in the top 4 bits. */
  dataOffset: u8,
  flags: u8,
  window: u16be,
  checksum: u16be,
  urgent: u16be,
})
export type Tcp = Value<typeof tcpHeader>

export const tcpFlag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128 } as const

/** Decode a header that is whole, options included; they stand before the payload's start and are not parsed. */
export function decodeTcp(bytes: Uint8Array): Decoded<Tcp & { readonly options: Uint8Array }> {
  const decoded = tcpHeader.decode(bytes)
  if (!decoded.ok) return decoded
  const headerLength = (decoded.value.dataOffset >> 4) * 4
  if (headerLength < tcpHeader.size) return invalid('TCP', 'header length', headerLength)
  if (bytes.length < headerLength) return truncated('TCP', headerLength, bytes.length)
  const options = bytes.slice(tcpHeader.size, headerLength)
  return { ok: true, value: { ...decoded.value, options }, payload: bytes.subarray(headerLength) }
}

export interface TcpFields {
  readonly srcPort: number
  readonly dstPort: number
  readonly seq?: number
  readonly ack?: number
  /** Sum of `tcpFlag`. */
  readonly flags?: number
  readonly window?: number
  /** A multiple of 4 bytes, 40 at most. */
  readonly options?: Uint8Array
}

/** Put a header with its checksum before a payload. */
export function encodeTcp(src: Ip, dst: Ip, fields: TcpFields, payload: Uint8Array): Uint8Array {
  const { srcPort, dstPort, seq = 0, ack = 0, flags = tcpFlag.syn, window = 65535, options = new Uint8Array() } = fields
  if (options.length % 4 !== 0 || options.length > 40) throw new RangeError(`${options.length} bytes of TCP options`)
  const dataOffset = ((tcpHeader.size + options.length) / 4) << 4
  const header = tcpHeader.encode({ srcPort, dstPort, seq, ack, dataOffset, flags, window, checksum: 0, urgent: 0 })
  const segment = concat(header, options, payload)
  new DataView(segment.buffer).setUint16(tcpHeader.offsets.checksum, transportChecksum(src, dst, ipProtocol.tcp, segment))
  return segment
}
