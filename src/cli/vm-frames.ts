/** What goes from host to host when a guest moves: frames of its stream, and notes in JSON between them. */
import type { Readable, Writable } from 'node:stream'
import type { Id } from '#abi/id.ts'
import type { FlowDocument } from '#abi/flow-document.ts'
import type { VmDefinition } from '#vm/definition.ts'
import type { DiskSize } from '#vm/received-machine.ts'
import { Failure } from './failure.ts'

/**
 * The machine comes first, with the size of its disk if that is copied; flows of its ports come when they may be of
 * use. `end` says that all of the guest was sent, and may run. `settle` names a machine of an earlier try, and asks
 * what became of it.
 */
export type Note =
  | { readonly machine: VmDefinition; readonly disk?: DiskSize }
  | { readonly settle: string }
  | { readonly end: true }
  | { readonly flows: readonly { readonly port: Id; readonly document: FlowDocument }[] }

export type Frame = { readonly data: Buffer } | { readonly note: Note }

/** Of a frame: a byte that says what it is, and four with its length. */
const headBytes = 5
const [dataKind, noteKind] = [0x64, 0x6e]
const longest = 64 << 20

/** Write a part of the stream, and wait until there is room for more. */
export const writeData = (to: Writable, data: Uint8Array): Promise<void> => write(to, dataKind, data)
/** Write a note. */
export const writeNote = (to: Writable, note: Note): Promise<void> => write(to, noteKind, Buffer.from(JSON.stringify(note)))

async function write(to: Writable, kind: number, body: Uint8Array): Promise<void> {
  const head = Buffer.alloc(headBytes)
  head[0] = kind
  head.writeUInt32BE(body.length, 1)
  to.write(head, () => {})
  await writeWhole(to, body)
}

/** Write, and wait until it has gone. Throws when the other end is gone, before or meanwhile. */
export function writeWhole(to: Writable, data: Uint8Array): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  to.write(data, (error) => (error ? reject(error) : resolve()))
  return promise
}

/** The frames of an input, to its end. Throws a Failure for what is none, or was broken off. */
export async function* framesOf(input: Readable): AsyncGenerator<Frame> {
  let buffer: Buffer = Buffer.alloc(0)
  for await (const chunk of input as AsyncIterable<Buffer>) {
    buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk])
    for (let length = lengthOf(buffer); length !== undefined; length = lengthOf(buffer)) {
      const body = buffer.subarray(headBytes, headBytes + length)
      yield buffer[0] === dataKind ? { data: body } : { note: JSON.parse(body.toString()) as Note }
      buffer = buffer.subarray(headBytes + length)
    }
  }
  if (buffer.length > 0) throw new Failure('failed', 'the guest was broken off on its way')
}

/** The length of the first frame, once it is there whole. */
function lengthOf(buffer: Buffer): number | undefined {
  if (buffer.length < headBytes) return undefined
  const length = buffer.readUInt32BE(1)
  if ((buffer[0] !== dataKind && buffer[0] !== noteKind) || length > longest)
    throw new Failure('usage', 'vm receive gets a machine and its guest on its input, from vpc vm migrate on another host')
  return buffer.length < headBytes + length ? undefined : length
}
