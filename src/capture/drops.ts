/** Dropped packets as frames of a capture, each with its reason as its comment. */
import type { DropEvent } from '#abi/info.ts'
import type { StreamedFrame } from './pcap-stream.ts'
import { pcapHeader } from '#wire/pcap.ts'
import { Tcpdump } from './tcpdump.ts'

export interface DroppedFrame extends StreamedFrame {
  readonly comment: string
}

/** What is said of a drop. */
export type CommentOf = (event: DropEvent) => string | Promise<string>

/** Events that wait for the filter, at most. */
const mostWaiting = 10_000

/** Drops that a filter takes, in the order in which they come. `commentOf`: what is said of each. */
export async function* droppedFrames(
  events: AsyncIterable<DropEvent>,
  commentOf: CommentOf,
  snapLength: number,
  filter?: string,
): AsyncGenerator<DroppedFrame, void, undefined> {
  if (filter !== undefined) return yield* filtered(events, commentOf, snapLength, filter)
  for await (const event of events) yield { ...frameOf(event, snapLength), comment: await commentOf(event) }
}

const frameOf = (event: DropEvent, snapLength: number): StreamedFrame => ({
  timeNs: BigInt(Date.parse(event.time)) * 1_000_000n,
  data: Buffer.from(event.data, 'base64').subarray(0, snapLength),
  length: event.length,
})

/**
 * tcpdump reads them as a file, in which the time of a frame is its number. A comment may take long: only what the
 * filter takes gets one.
 */
async function* filtered(
  events: AsyncIterable<DropEvent>,
  commentOf: CommentOf,
  snapLength: number,
  filter: string,
): AsyncGenerator<DroppedFrame, void, undefined> {
  const tcpdump = Tcpdump.filter(filter)
  const waiting = new Map<number, { readonly event: DropEvent; readonly frame: StreamedFrame }>()
  const feed = async (): Promise<void> => {
    tcpdump.input.write(pcapHeader())
    let number = 0
    for await (const event of events) {
      const frame = frameOf(event, snapLength)
      waiting.set(++number, { event, frame })
      if (waiting.size > mostWaiting) waiting.delete(waiting.keys().next().value!)
      tcpdump.input.write(numbered(frame, number))
    }
  }
  const fed = feed().finally(() => tcpdump.input.end())
  for await (const { timeNs } of tcpdump.frames()) {
    const number = Number(timeNs / 1_000_000_000n)
    const taken = waiting.get(number)
    // What came before was not taken.
    for (const older of waiting.keys()) if (older <= number) waiting.delete(older)
    if (taken !== undefined) yield { ...taken.frame, comment: await commentOf(taken.event) }
  }
  await fed
}

/** A record of a pcap file, whose seconds are the number. */
function numbered({ data, length }: StreamedFrame, number: number): Uint8Array {
  const record = new DataView(new ArrayBuffer(16))
  for (const [i, value] of [number, 0, data.length, Math.max(length, data.length)].entries()) record.setUint32(4 * i, value)
  return Buffer.concat([new Uint8Array(record.buffer), data])
}
