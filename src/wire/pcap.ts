/** Capture files in the classic pcap format, Ethernet, microseconds: what tcpdump and Wireshark read. */
import { concat } from './struct.ts'

const magicMicroseconds = 0xa1b2c3d4
const linkTypeEthernet = 1
const snapLength = 262144

export interface Captured {
  readonly data: Uint8Array
  /** Length on the wire, when `data` is only the frame's beginning. */
  readonly length?: number
  /** Since the epoch. */
  readonly timeMs?: number
}

/** The header that a file starts with. */
export function pcapHeader(): Uint8Array {
  const view = new DataView(new ArrayBuffer(24))
  view.setUint32(0, magicMicroseconds)
  view.setUint16(4, 2)
  view.setUint16(6, 4)
  view.setUint32(16, snapLength)
  view.setUint32(20, linkTypeEthernet)
  return new Uint8Array(view.buffer)
}

/** One frame, as it follows the header or another frame. */
export function pcapRecord({ data, length = data.length, timeMs = 0 }: Captured): Uint8Array {
  const view = new DataView(new ArrayBuffer(16))
  view.setUint32(0, Math.floor(timeMs / 1000))
  view.setUint32(4, Math.round((timeMs % 1000) * 1000))
  view.setUint32(8, data.length)
  view.setUint32(12, length)
  return concat(new Uint8Array(view.buffer), data)
}

/** A whole file. */
export const encodePcap = (frames: readonly Captured[]): Uint8Array => concat(pcapHeader(), ...frames.map(pcapRecord))
