/**
 * Netlink messages and attributes as bytes (linux/netlink.h): pure encoding and decoding, shared by every netlink
 * family.
 */
import { cStruct, u16, u32 } from '#abi/c-struct.ts'

export const nlmsghdr = cStruct({ len: u32, type: u16, flags: u16, seq: u32, pid: u32 })

export const nlm = {
  REQUEST: 0x001,
  MULTI: 0x002,
  ACK: 0x004,
  DUMP_INTR: 0x010,
  DUMP: 0x300,
  CAPPED: 0x100,
  ACK_TLVS: 0x200,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
} as const

export const nlmsgType = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4 } as const

/** One message: its header's type, flags and sequence number, and what follows the header. */
export interface NetlinkMessage {
  readonly type: number
  readonly flags: number
  readonly seq: number
  readonly body: Uint8Array
}

const TYPE_MASK = 0x3fff // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
const NESTED = 0x8000
const align4 = (n: number): number => (n + 3) & ~3
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
const text = new TextDecoder()

/** Join byte arrays, each padded to a multiple of 4. */
export function joinAligned(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + align4(part.length), 0))
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += align4(part.length)
  }
  return joined
}

/** Encode one message: header, then the parts, each aligned to 4. */
export function encodeMessage(type: number, flags: number, seq: number, parts: readonly Uint8Array[]): Uint8Array {
  const body = joinAligned(parts)
  const header = nlmsghdr.encode({ len: nlmsghdr.size + body.length, type, flags, seq, pid: 0 })
  return joinAligned([header, body])
}

/** Decode the messages of one datagram. Bodies are views of `bytes`. Throws RangeError when a length does not fit. */
export function decodeMessages(bytes: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = []
  for (let offset = 0; offset + nlmsghdr.size <= bytes.length;) {
    const { len, type, flags, seq } = nlmsghdr.decode(bytes.subarray(offset))
    if (len < nlmsghdr.size || offset + len > bytes.length)
      throw new RangeError(`netlink message of ${len} bytes in ${bytes.length - offset}`)
    messages.push({ type, flags, seq, body: bytes.subarray(offset + nlmsghdr.size, offset + len) })
    offset += align4(len)
  }
  return messages
}

/** Encode an attribute: length, type, payload. */
export function attribute(type: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + payload.length)
  const view = viewOf(bytes)
  view.setUint16(0, bytes.length, true)
  view.setUint16(2, type, true)
  bytes.set(payload, 4)
  return bytes
}

const integer =
  (size: number, write: (view: DataView, value: number) => void) =>
  (type: number, value: number): Uint8Array => {
    const payload = new Uint8Array(size)
    write(viewOf(payload), value)
    return attribute(type, payload)
  }

export const attributeU8 = integer(1, (view, value) => view.setUint8(0, value))
export const attributeU16be = integer(2, (view, value) => view.setUint16(0, value))
export const attributeU32 = integer(4, (view, value) => view.setUint32(0, value, true))
export const attributeFlag = (type: number): Uint8Array => attribute(type, new Uint8Array(0))
export const attributeString = (type: number, value: string): Uint8Array => attribute(type, new TextEncoder().encode(`${value}\0`))
export const attributeNested = (type: number, ...children: Uint8Array[]): Uint8Array => attribute(type | NESTED, joinAligned(children))

/**
 * Decode a run of attributes in order. Payloads are views of `bytes`. A truncated attribute ends the list, as in the
 * kernel's own parser.
 */
export function decodeAttributeList(bytes: Uint8Array): [type: number, payload: Uint8Array][] {
  const list: [number, Uint8Array][] = []
  const view = viewOf(bytes)
  for (let offset = 0; offset + 4 <= bytes.length;) {
    const length = view.getUint16(offset, true)
    if (length < 4 || offset + length > bytes.length) break
    list.push([view.getUint16(offset + 2, true) & TYPE_MASK, bytes.subarray(offset + 4, offset + length)])
    offset += align4(length)
  }
  return list
}

/** Attributes by type. A repeated type has its last value. */
export class Attributes {
  readonly #byType: Map<number, Uint8Array>
  constructor(bytes: Uint8Array) {
    this.#byType = new Map(decodeAttributeList(bytes))
  }
  has(type: number): boolean {
    return this.#byType.has(type)
  }
  /** A copy of the payload. */
  bytes(type: number): Uint8Array | undefined {
    return this.#byType.get(type)?.slice()
  }
  u8(type: number): number | undefined {
    return this.#view(type, 1)?.getUint8(0)
  }
  u16(type: number): number | undefined {
    return this.#view(type, 2)?.getUint16(0, true)
  }
  u16be(type: number): number | undefined {
    return this.#view(type, 2)?.getUint16(0)
  }
  u32(type: number): number | undefined {
    return this.#view(type, 4)?.getUint32(0, true)
  }
  i32(type: number): number | undefined {
    return this.#view(type, 4)?.getInt32(0, true)
  }
  /** A string, up to its NUL if it has one. */
  string(type: number): string | undefined {
    const payload = this.#byType.get(type)
    if (!payload) return undefined
    const end = payload.indexOf(0)
    return text.decode(end < 0 ? payload : payload.subarray(0, end))
  }
  /** The attributes inside; none when the attribute is absent. */
  nested(type: number): Attributes {
    return new Attributes(this.#byType.get(type) ?? new Uint8Array(0))
  }
  list(type: number): [type: number, payload: Uint8Array][] {
    return decodeAttributeList(this.#byType.get(type) ?? new Uint8Array(0))
  }
  #view(type: number, size: number): DataView | undefined {
    const payload = this.#byType.get(type)
    return payload && payload.length >= size ? viewOf(payload) : undefined
  }
}
