/**
 * The socket protocol between a client and vpcd: frames of a 16-byte header and a payload, little-endian.
 *
 * A connection starts with OPEN. Once that is answered with errno 0, the connection IS the descriptor: it has one
 * object, its rights and one reference to it, until the last process that holds it closes it. vpcd answers requests in
 * order, each with one REPLY of the same sequence. After a subscription, EVENT frames come in between. A REPLY of
 * sequence 0 answers no request: it says why vpcd ends the connection, and is the last frame.
 */
import { bytes, cStruct, u16, u32, u64, type Value } from './c-struct.ts'

export const frameKind = { open: 1, ctl: 2, reply: 3, event: 4 } as const

export const frameHeader = cStruct({
  /** Bytes of payload after the header. */
  length: u32,
  /** Chosen by the client, not 0; the reply has the same. 0 in events. */
  sequence: u32,
  /** One of `frameKind`. */
  kind: u16,
  /** Protocol version: 1. */
  version: u16,
  /**
   * ctl: the command. reply: an errno, 0 for success. event: how many before it were dropped because the reader was
   * slow. open: 0.
   */
  word: u32,
})
export type FrameHeader = Value<typeof frameHeader>

export const protocolVersion = 1

/** Payload of an OPEN frame, 32 bytes. */
export const openRequest = cStruct({ id: bytes(16), handleType: u64, flags: u64 })
export type OpenRequest = Value<typeof openRequest>

/** Largest payload either side takes: 100 000 forwarding entries fit four times. */
export const maxPayloadBytes = 16 * 1024 * 1024

/** One whole frame. A REPLY with an errno carries the reason as UTF-8 text; with 0, the operation's output. */
export interface Frame {
  readonly sequence: number
  readonly kind: number
  readonly word: number
  readonly payload: Uint8Array
}

export function encodeFrame({ sequence, kind, word, payload }: Frame): Uint8Array {
  const out = new Uint8Array(frameHeader.size + payload.length)
  out.set(frameHeader.encode({ length: payload.length, sequence, kind, version: protocolVersion, word }))
  out.set(payload, frameHeader.size)
  return out
}

export type FrameProblem = { readonly kind: 'version'; readonly version: number } | { readonly kind: 'too-long'; readonly length: number }

/** Smaller chunks are joined on arrival, so that a frame sent byte by byte does not cost an object per byte. */
const smallChunkBytes = 16 * 1024

/** Cuts a byte stream into frames. After a problem the stream cannot be read further. */
export class FrameReader {
  /** Largest payload that is accepted. A server keeps it small until it knows the client. */
  limitBytes = maxPayloadBytes
  #chunks: Uint8Array[] = []
  #length = 0

  /** Add bytes and return the frames that they complete, or the problem of the stream. */
  push(chunk: Uint8Array): { readonly frames: Frame[]; readonly problem?: FrameProblem } {
    this.#append(chunk)
    const frames: Frame[] = []
    while (this.#length >= frameHeader.size) {
      const header = frameHeader.decode(this.#peek(frameHeader.size))
      if (header.version !== protocolVersion) return { frames, problem: { kind: 'version', version: header.version } }
      if (header.length > this.limitBytes) return { frames, problem: { kind: 'too-long', length: header.length } }
      if (this.#length < frameHeader.size + header.length) break
      const whole = this.#take(frameHeader.size + header.length)
      frames.push({ sequence: header.sequence, kind: header.kind, word: header.word, payload: whole.subarray(frameHeader.size) })
    }
    return { frames }
  }

  /** Forget the bytes so far: the stream is not read further. */
  clear(): void {
    this.#chunks = []
    this.#length = 0
  }

  /** Bytes of the incomplete frame. */
  get pendingBytes(): number {
    return this.#length
  }

  // Two neighbours are joined when the later one has grown to the size of the earlier one: each byte is copied a few
  // times only.
  #append(chunk: Uint8Array): void {
    this.#length += chunk.length
    let last = chunk
    for (let before = this.#chunks.at(-1); before !== undefined; before = this.#chunks.at(-1)) {
      if (before.length > last.length || before.length >= smallChunkBytes) break
      this.#chunks.pop()
      last = Buffer.concat([before, last])
    }
    this.#chunks.push(last)
  }

  #peek(count: number): Uint8Array {
    if (this.#chunks[0]!.length < count) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0]!
  }

  #take(count: number): Uint8Array {
    const first = this.#peek(count)
    this.#length -= count
    if (first.length === count) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(count)
    return first.subarray(0, count)
  }
}
