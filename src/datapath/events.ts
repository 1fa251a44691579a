/** What the datapath tells: packets that it dropped, and questions that the tables do not answer. Sampled where they are made. */
import type { BpfMap } from '#kernel/bpf-map.ts'
import { RingBuffer } from '#kernel/ringbuf.ts'
import { dropReasons, event, eventKind, statsNone, type DropReason } from './layout.ts'

interface Packet {
  readonly time: Date
  /** Device that the packet came in on. */
  readonly ifindex: number
  /** Stats index of the port or mux that it came from; undefined: none. */
  readonly source: number | undefined
  readonly segment: number
  /** Of the whole packet, from the Ethernet header on. */
  readonly length: number
  /** Events of this source that the rate limit kept back since the last one. */
  readonly lost: number
  /** The packet's first bytes. */
  readonly data: Uint8Array
}

/** A packet that was dropped. */
export interface DropEvent extends Packet {
  readonly kind: 'drop'
  readonly reason: DropReason
}

/** A question of a guest that the tables do not answer. */
export interface MissEvent extends Packet {
  readonly kind: 'miss'
  readonly question: 'arp' | 'nd' | 'dhcp'
}

const questions: Readonly<Record<number, MissEvent['question']>> = {
  [eventKind.arp_miss]: 'arp',
  [eventKind.nd_miss]: 'nd',
  [eventKind.dhcp]: 'dhcp',
}

/** Decode a record; undefined for one of a kind that this version does not know. */
export function decodeEvent(record: Uint8Array): DropEvent | MissEvent | undefined {
  if (record.length < event.size) return undefined
  const { timeNs, kind, reason, ifindex, source, segment, len, caplen, lost, data } = event.decode(record)
  const packet: Packet = {
    time: wallTime(timeNs),
    ifindex,
    source: source === statsNone ? undefined : source,
    segment,
    length: len,
    lost,
    data: data.slice(0, caplen),
  }
  if (kind === eventKind.drop) return { ...packet, kind: 'drop', reason: dropReasons[reason] ?? 'none' }
  const question = questions[kind]
  return question && { ...packet, kind: 'miss', question }
}

// The kernel's clock of events, CLOCK_MONOTONIC, is the one of process.hrtime.
function wallTime(timeNs: bigint): Date {
  return new Date(Date.now() - Number((process.hrtime.bigint() - timeNs) / 1_000_000n))
}

/** The reader of the events. There must be no other. */
export class Events implements Disposable {
  readonly #map: BpfMap
  readonly #ring: RingBuffer
  readonly #onDrop = new Set<(event: DropEvent) => void>()
  readonly #onMiss = new Set<(event: MissEvent) => void>()
  #following = false

  /** Take over the map. */
  constructor(map: BpfMap) {
    this.#map = map
    this.#ring = new RingBuffer(map)
  }

  /** Call back for each drop that is told. The result ends it. */
  onDrop(callback: (event: DropEvent) => void): () => void {
    return this.#add(this.#onDrop, callback)
  }

  /** Call back for each question that is told. The result ends it. */
  onMiss(callback: (event: MissEvent) => void): () => void {
    return this.#add(this.#onMiss, callback)
  }

  /** What is there now, without waiting; listeners do not get it. */
  drain(): (DropEvent | MissEvent)[] {
    const events: (DropEvent | MissEvent)[] = []
    this.#ring.drain((record) => {
      const decoded = decodeEvent(record)
      if (decoded) events.push(decoded)
    })
    return events
  }

  /** No event comes any more. */
  [Symbol.dispose](): void {
    this.#ring[Symbol.dispose]()
    this.#map[Symbol.dispose]()
  }

  #add<E>(listeners: Set<(event: E) => void>, callback: (event: E) => void): () => void {
    // Wrapped, so that the same function may listen twice.
    const listener = (event: E): void => callback(event)
    listeners.add(listener)
    if (!this.#following) this.#ring.follow((record) => this.#deliver(record))
    this.#following = true
    return () => void listeners.delete(listener)
  }

  #deliver(record: Uint8Array): void {
    const decoded = decodeEvent(record)
    if (decoded?.kind === 'drop') for (const listener of this.#onDrop) listener(decoded)
    if (decoded?.kind === 'miss') for (const listener of this.#onMiss) listener(decoded)
  }
}
