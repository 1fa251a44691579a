/** Frames out of a stream in the classic pcap format, as tcpdump writes it, whatever pieces it comes in. */

export interface StreamedFrame {
  readonly timeNs: bigint
  readonly data: Uint8Array
  readonly length: number
}

const nanoseconds = 0xa1b23c4d
const microseconds = 0xa1b2c3d4
const [headerBytes, recordBytes] = [24, 16]
/** More than any snapshot length: the stream is broken. */
const mostBytes = 1 << 20

/** Throws when the stream is none of this format. */
export async function* framesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<StreamedFrame, void, undefined> {
  let rest: Buffer = Buffer.alloc(0)
  let unit: bigint | undefined
  for await (const chunk of stream) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    if (unit === undefined) {
      if (rest.length < headerBytes) continue
      unit = unitOf(rest.readUInt32LE(0))
      rest = rest.subarray(headerBytes)
    }
    let at = 0
    while (rest.length - at >= recordBytes) {
      const size = rest.readUInt32LE(at + 8)
      if (size > mostBytes) throw new Error(`a frame of ${size} bytes: the stream is broken`)
      if (rest.length - at < recordBytes + size) break
      const timeNs = BigInt(rest.readUInt32LE(at)) * 1_000_000_000n + BigInt(rest.readUInt32LE(at + 4)) * unit
      const data = Uint8Array.prototype.slice.call(rest, at + recordBytes, at + recordBytes + size)
      yield { timeNs, data, length: rest.readUInt32LE(at + 12) }
      at += recordBytes + size
    }
    rest = rest.subarray(at)
  }
}

function unitOf(magic: number): bigint {
  if (magic === nanoseconds) return 1n
  if (magic === microseconds) return 1_000n
  throw new Error(`the stream begins with ${magic.toString(16)}, which is not a pcap of this machine`)
}
