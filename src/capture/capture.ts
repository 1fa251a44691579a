/** A capture from several places into one file in the pcapng format. */
import type { DropEvent } from '#abi/info.ts'
import { interfaceBlock, packetBlock, sectionBlock, statisticsBlock } from '#wire/pcapng.ts'
import { droppedFrames, type CommentOf } from './drops.ts'
import type { StreamedFrame } from './pcap-stream.ts'
import { Tcpdump, type Place } from './tcpdump.ts'

/** A device, and what its frames are. */
export interface Tap {
  readonly name: string
  readonly description: string
  readonly place: Place
  /** What tcpdump is asked for. */
  readonly way: 'in' | 'out' | 'inout'
  /** How a reader of the file sees it: in is towards the guest. */
  readonly direction?: 'in' | 'out' | undefined
}

export interface DropTap {
  events(signal: AbortSignal): AsyncIterable<DropEvent>
  readonly commentOf: CommentOf
  /** How many did not come, for this program was too slow. */
  lost(): number
}

export interface CaptureOptions {
  readonly taps: readonly Tap[]
  readonly drops?: DropTap | undefined
  readonly filter?: string | undefined
  readonly snapLength: number
  /** Stop after so many frames. */
  readonly count?: number | undefined
  readonly application: string
  write(bytes: Uint8Array): void
  /** Everything is captured from now on. */
  onReady(): void
}

export interface TapCount {
  readonly name: string
  readonly frames: number
  /** That nobody had room for. */
  readonly lost: number
}

/** Capture until the signal, or until there are enough frames. Throws TcpdumpFailed before anything is written. */
export async function capture(options: CaptureOptions, signal: AbortSignal): Promise<TapCount[]> {
  const { taps, drops, filter, snapLength, application, write } = options
  const opened: Tcpdump[] = []
  try {
    for (const { place, way } of taps) opened.push(await Tcpdump.open(place, way, snapLength, filter))
  } catch (error) {
    for (const each of opened) each.stop()
    throw error
  }
  write(sectionBlock(application))
  for (const { name, description } of taps) write(interfaceBlock({ name, description, filter, snapLength }))
  if (drops !== undefined) write(interfaceBlock({ name: 'drops', description: 'dropped packets, their first bytes', filter, snapLength }))
  const running = new Running(options, signal)
  running.stopped.addEventListener('abort', () => opened.forEach((each) => each.stop()), { once: true })
  if (running.stopped.aborted) for (const each of opened) each.stop()
  const parts = opened.map((each, i) => running.take(i, each.frames(), taps[i]!.direction))
  if (drops !== undefined) parts.push(running.take(taps.length, running.dropped(drops), undefined))
  options.onReady()
  await Promise.all(parts)
  const counts = await Promise.all(opened.map((each) => each.counts()))
  const now = BigInt(Date.now()) * 1_000_000n
  for (const [i, { received, lost }] of counts.entries()) write(statisticsBlock(i, now, received, lost))
  const names = [...taps.map(({ name }) => name), ...(drops === undefined ? [] : ['drops'])]
  return names.map((name, i) => ({ name, frames: running.frames[i] ?? 0, lost: counts[i]?.lost ?? drops?.lost() ?? 0 }))
}

/** Frames on their way into the file. */
class Running {
  readonly #options: CaptureOptions
  readonly #enough = new AbortController()
  readonly stopped: AbortSignal
  /** By place. */
  readonly frames: number[] = []
  #all = 0

  constructor(options: CaptureOptions, signal: AbortSignal) {
    this.#options = options
    this.stopped = AbortSignal.any([signal, this.#enough.signal])
  }

  async take(
    at: number,
    frames: AsyncIterable<StreamedFrame & { readonly comment?: string }>,
    direction: 'in' | 'out' | undefined,
  ): Promise<void> {
    const { count = Infinity, write } = this.#options
    this.frames[at] = 0
    for await (const { timeNs, data, length, comment } of frames) {
      if (this.#all >= count) continue
      this.#all++
      this.frames[at]!++
      write(packetBlock({ interface: at, timeNs, data, length, direction, comment }))
      if (this.#all >= count) this.#enough.abort()
    }
  }

  /** The drops, until the end. */
  dropped({ events, commentOf }: DropTap): AsyncGenerator<StreamedFrame & { readonly comment: string }, void, undefined> {
    const { snapLength, filter } = this.#options
    return droppedFrames(events(this.stopped), commentOf, snapLength, filter)
  }
}
