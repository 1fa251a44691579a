/** Blocks of capture files in the pcapng format (draft-ietf-opsawg-pcapng), little-endian, Ethernet, nanoseconds. */
import { concat } from './struct.ts'

const [sectionHeader, interfaceDescription, enhancedPacket, interfaceStatistics] = [0x0a0d0d0a, 1, 6, 5] as const
const linkTypeEthernet = 1
/** Bits 0 and 1 of epb_flags. */
const inbound = 1
const outbound = 2

type Option = readonly [code: number, value: Uint8Array]

const text = new TextEncoder()
const padded = (bytes: Uint8Array): Uint8Array => concat(bytes, new Uint8Array(-bytes.length & 3))
const u32 = (...values: readonly number[]): Uint8Array => {
  const view = new DataView(new ArrayBuffer(4 * values.length))
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value, true)
  return new Uint8Array(view.buffer)
}
const u16 = (...values: readonly number[]): Uint8Array => new Uint8Array(values.flatMap((value) => [value & 0xff, value >> 8]))
const u64 = (value: bigint): Uint8Array => u32(Number(value & 0xffffffffn), Number(value >> 32n))
/** Of the two words of a time, the upper one comes first. */
const time = (ns: bigint): Uint8Array => u32(Number(ns >> 32n), Number(ns & 0xffffffffn))

/** Options end with one of code 0. Longer texts than an option can have are cut. */
function encodeOptions(options: readonly Option[]): Uint8Array {
  if (options.length === 0) return new Uint8Array()
  const all = options.map(([code, value]) => concat(u16(code, Math.min(value.length, 0xffff)), padded(value.subarray(0, 0xffff))))
  return concat(...all, u32(0))
}

function block(type: number, ...body: readonly Uint8Array[]): Uint8Array {
  const whole = concat(...body)
  const length = whole.length + 12
  return concat(u32(type, length), whole, u32(length))
}

/** What a file starts with. `application`: who writes it. */
export const sectionBlock = (application: string): Uint8Array =>
  block(sectionHeader, u32(0x1a2b3c4d), u16(1, 0), u32(0xffffffff, 0xffffffff), encodeOptions([[4, text.encode(application)]]))

export interface CaptureInterface {
  readonly name: string
  readonly description: string
  readonly filter?: string | undefined
  readonly snapLength: number
}

/** A place where frames are captured. The first one has number 0. */
export const interfaceBlock = ({ name, description, filter, snapLength }: CaptureInterface): Uint8Array =>
  block(
    interfaceDescription,
    u16(linkTypeEthernet, 0),
    u32(snapLength),
    encodeOptions([
      [2, text.encode(name)],
      [3, text.encode(description)],
      // if_tsresol: ten to the minus ninth.
      [9, Uint8Array.of(9)],
      ...(filter === undefined ? [] : [[11, concat(Uint8Array.of(0), text.encode(filter))] as const]),
    ]),
  )

export interface CapturedPacket {
  readonly interface: number
  readonly timeNs: bigint
  readonly data: Uint8Array
  /** On the wire, when `data` is only the beginning. */
  readonly length: number
  readonly direction?: 'in' | 'out' | undefined
  readonly comment?: string | undefined
}

/** A frame. */
export const packetBlock = ({ interface: at, timeNs, data, length, direction, comment }: CapturedPacket): Uint8Array =>
  block(
    enhancedPacket,
    u32(at),
    time(timeNs),
    u32(data.length, length),
    padded(data),
    encodeOptions([
      ...(comment === undefined ? [] : [[1, text.encode(comment)] as const]),
      ...(direction === undefined ? [] : [[2, u32(direction === 'in' ? inbound : outbound)] as const]),
    ]),
  )

/** At the end: how many frames a place has received, and how many of these were lost. */
export const statisticsBlock = (at: number, timeNs: bigint, received: number, lost: number): Uint8Array =>
  block(
    interfaceStatistics,
    u32(at),
    time(timeNs),
    encodeOptions([
      [4, u64(BigInt(received))],
      [5, u64(BigInt(lost))],
    ]),
  )
