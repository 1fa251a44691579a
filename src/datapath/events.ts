/**
 * Events of the datapath: packets that it dropped, and questions that the tables do not answer. The programs sample
 * them.
 */
import type { Value } from '#abi/c-struct.ts'
import type { BpfMap } from '#kernel/bpf-map.ts'
import { RingBuffer } from '#kernel/ringbuf.ts'
import { direction as directions, flowStateOf, type FlowState } from './policy-layout.ts'
import { dropReasons, event, eventKind, statsNone, type DropReason } from './layout.ts'

interface Packet {
  readonly time: Date
  /** Device that received the packet. */
  readonly ifindex: number
  /** Stats index of its port or mux; undefined: none. */
  readonly source: number | undefined
  readonly segment: number
  /** Of the whole packet, from the Ethernet header on. */
  readonly length: number
  /** Events of this source that were held back since the last one: beyond its rate or share, or the ring was full. */
  readonly lost: number
  /** The packet's first bytes. */
  readonly data: Uint8Array
}

/** Which port's groups refused a packet. `rule`: the number of the one that had allowed it; 0: none had. */
export interface Refusal {
  readonly port: number
  readonly direction: 'in' | 'out'
  readonly rule: number
  /** Of the packet's flow; undefined: it has none. */
  readonly state: FlowState | undefined
}

/** A packet that was dropped. */
export interface DropEvent extends Packet {
  readonly kind: 'drop'
  readonly reason: DropReason
  /** Of a port that is in security groups, which refused it; undefined: none did. */
  readonly refusal?: Refusal | undefined
  /**
   * Of a packet that is not routed: bits of the route's prefix, those of ::ffff:0:0/96 among them; null: there is no
   * route.
   */
  readonly route?: number | null
  /** Stats index of the source NAT that refused it. */
  readonly nat?: number
}

/** Reasons of which the event names the route. */
const routeReasons: ReadonlySet<DropReason> = new Set(['route_blackhole', 'no_route', 'no_host', 'no_public_address'])

/** Reasons of which the event names the NAT. */
const natReasons: ReadonlySet<DropReason> = new Set(['nat_exhausted', 'nat_no_mapping', 'nat_protocol', 'nat_fragment'])

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

/** Decode a record; undefined for an unknown kind. */
export function decodeEvent(record: Uint8Array): DropEvent | MissEvent | undefined {
  if (record.length < event.size) return undefined
  const { timeNs, kind, ifindex, source, segment, len, caplen, lost, data, ...rest } = event.decode(record)
  const packet: Packet = {
    time: wallTime(timeNs),
    ifindex,
    source: source === statsNone ? undefined : source,
    segment,
    length: len,
    lost,
    data: data.slice(0, caplen),
  }
  if (kind === eventKind.drop) return { ...packet, kind: 'drop', ...causeOf(rest) }
  const question = questions[kind]
  return question && { ...packet, kind: 'miss', question }
}

type Cause = Pick<DropEvent, 'reason' | 'refusal' | 'route' | 'nat'>

function causeOf({ reason: number, port, rule, direction, state, route }: Pick<Value<typeof event>, CauseField>): Cause {
  const reason = dropReasons[number] ?? 'none'
  if (routeReasons.has(reason)) return { reason, route: route === 0 ? null : route - 1 }
  if (natReasons.has(reason)) return { reason, nat: port }
  if (direction === 0) return { reason }
  return { reason, refusal: { port, rule, direction: direction === directions.in ? 'in' : 'out', state: flowStateOf(state) } }
}
type CauseField = 'reason' | 'port' | 'rule' | 'direction' | 'state' | 'route'

// The kernel's clock of events, CLOCK_MONOTONIC, is the one of process.hrtime.
function wallTime(timeNs: bigint): Date {
  return new Date(Date.now() - Number((process.hrtime.bigint() - timeNs) / 1_000_000n))
}

type Told = DropEvent | MissEvent

/** One ring buffer, and its listeners. */
class Channel<E extends Told> implements Disposable {
  readonly #map: BpfMap
  readonly #ring: RingBuffer
  readonly #kind: E['kind']
  readonly #listeners = new Set<(event: E) => void>()
  #following = false

  constructor(map: BpfMap, kind: E['kind']) {
    this.#map = map
    this.#ring = new RingBuffer(map)
    this.#kind = kind
  }

  add(callback: (event: E) => void): () => void {
    // Wrapped, so that the same function may listen twice.
    const listener = (event: E): void => callback(event)
    this.#listeners.add(listener)
    if (!this.#following) this.#ring.follow((record) => this.#deliver(record))
    this.#following = true
    return () => void this.#listeners.delete(listener)
  }

  drain(): E[] {
    const events: E[] = []
    this.#ring.drain((record) => {
      const decoded = this.#decode(record)
      if (decoded) events.push(decoded)
    })
    return events
  }

  [Symbol.dispose](): void {
    this.#ring[Symbol.dispose]()
    this.#map[Symbol.dispose]()
  }

  #deliver(record: Uint8Array): void {
    const decoded = this.#decode(record)
    if (decoded) for (const listener of this.#listeners) listener(decoded)
  }

  #decode(record: Uint8Array): E | undefined {
    const decoded = decodeEvent(record)
    return decoded?.kind === this.#kind ? (decoded as E) : undefined
  }
}

/** The reader of the events. There must be no other. */
export class Events implements Disposable {
  readonly #drops: Channel<DropEvent>
  readonly #misses: Channel<MissEvent>
  readonly #stack: DisposableStack

  /** Take over the maps `drop_events` and `questions`. */
  constructor(map: (name: string) => BpfMap) {
    using stack = new DisposableStack()
    this.#drops = stack.use(new Channel<DropEvent>(map('drop_events'), 'drop'))
    this.#misses = stack.use(new Channel<MissEvent>(map('questions'), 'miss'))
    this.#stack = stack.move()
  }

  /** Call back for each reported drop. The result ends it. */
  onDrop(callback: (event: DropEvent) => void): () => void {
    return this.#drops.add(callback)
  }

  /** Call back for each reported question. The result ends it. */
  onMiss(callback: (event: MissEvent) => void): () => void {
    return this.#misses.add(callback)
  }

  /** The records that are there now, questions first. Listeners do not get them. */
  drain(): Told[] {
    return [...this.#misses.drain(), ...this.#drops.drain()]
  }

  /** No event comes any more. */
  [Symbol.dispose](): void {
    this.#stack.dispose()
  }
}
