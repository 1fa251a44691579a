/** Gathers packets that groups refused, a record for all of the same ends and reason within a look. */
import type { DropEvent } from '#abi/info.ts'
import { emptyRecord, isSampled, type FlowRecord } from './record.ts'
import { tupleOf } from './tuple.ts'

/** Different ones that are gathered between two looks: a scan makes no more records than these. */
const mostGathered = 10_000

type Growing = { -readonly [K in keyof FlowRecord]: FlowRecord[K] }

export class Denials {
  readonly #sample: number
  readonly #gathered = new Map<string, Growing>()
  /** Refused packets of a port that nobody has seen. */
  readonly #unseen = new Map<string, number>()

  constructor(sample: number) {
    this.#sample = sample
  }

  /** Take a drop, if groups refused it. */
  take(event: DropEvent): void {
    const { refusal, reason, time, length, lost, data } = event
    const port = refusal?.port ?? null
    if (refusal === undefined || port === null) return
    if (lost > 0) this.#unseen.set(port, (this.#unseen.get(port) ?? 0) + lost)
    const tuple = tupleOf(Buffer.from(data, 'base64'))
    const { protocol, source, sourcePort, destination, destinationPort } = tuple
    const key = `${port} ${refusal.direction} ${reason} ${protocol} ${source} ${sourcePort} ${destination} ${destinationPort}`
    if (!isSampled(key, this.#sample)) return
    const known = this.#gathered.get(key)
    if (known !== undefined) {
      known.end = time
      known.packets++
      known.bytes += length
    } else if (this.#gathered.size < mostGathered) {
      const first = { event: 'denied', verdict: 'denied', start: time, end: time, packets: 1, bytes: length } as const
      const { direction, rule } = refusal
      this.#gathered.set(key, { ...emptyRecord, ...first, port, direction, ...tuple, rule, reason, sample: this.#sample })
    } else this.#unseen.set(port, (this.#unseen.get(port) ?? 0) + 1)
  }

  /** What has come since the last call. */
  flush(nowMs: number): FlowRecord[] {
    const now = new Date(nowMs).toISOString()
    const unseen = [...this.#unseen].map(([port, packets]): FlowRecord => ({
      ...emptyRecord,
      event: 'unseen',
      verdict: 'denied',
      start: now,
      end: now,
      port,
      packets,
    }))
    const records = [...this.#gathered.values(), ...unseen]
    this.#gathered.clear()
    this.#unseen.clear()
    return records
  }
}
