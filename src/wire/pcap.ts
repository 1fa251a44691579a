/** Capture files in the classic pcap format, Ethernet: what tcpdump and Wireshark write and read. */
import { failure, success, type Result } from './result.ts'
import { concat } from './struct.ts'

const magicMicroseconds = 0xa1b2c3d4
const magicNanoseconds = 0xa1b23c4d
const magicPcapng = 0x0a0d0d0a
const linkTypeEthernet = 1
const snapLength = 262144
const headerBytes = 24
const recordBytes = 16

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

/** The frames of a file, each as far as it was captured. */
export function decodePcap(file: Uint8Array): Result<Captured[]> {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  if (file.length < headerBytes) return failure(`a pcap file has ${headerBytes} bytes at least, this one ${file.length}`)
  const magics = [magicMicroseconds, magicNanoseconds]
  const little = magics.includes(view.getUint32(0, true))
  if (view.getUint32(0) === magicPcapng) return failure('it is a pcapng file; convert it: tcpdump -r FILE -w OTHER')
  if (!little && !magics.includes(view.getUint32(0))) return failure('it is not a pcap file')
  const linkType = view.getUint32(20, little) & 0xffff
  if (linkType !== linkTypeEthernet) return failure(`its frames are of link type ${linkType}, not of Ethernet (${linkTypeEthernet})`)
  const perMs = view.getUint32(0, little) === magicNanoseconds ? 1e6 : 1e3
  const frames: Captured[] = []
  for (let at = headerBytes; at < file.length;) {
    if (at + recordBytes > file.length) return failure(`it is cut short behind packet ${frames.length}`)
    const captured = view.getUint32(at + 8, little)
    const start = at + recordBytes
    if (start + captured > file.length) return failure(`it is cut short in packet ${frames.length + 1}`)
    const timeMs = view.getUint32(at, little) * 1000 + view.getUint32(at + 4, little) / perMs
    frames.push({ data: file.slice(start, start + captured), length: view.getUint32(at + 12, little), timeMs })
    at = start + captured
  }
  return success(frames)
}
