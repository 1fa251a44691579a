/**
 * What the latest changes touched, by topic: a host that was away for a moment is told of the keys that changed
 * meanwhile. A lookup for each topic of the host, so that a thousand hosts that come back hold nobody up.
 */
import type { Batch } from '../model/mirror.ts'
import type { Touched } from './touched.ts'

interface Told {
  readonly revision: number
  readonly key: string
  readonly requests: readonly string[]
}

/** A host that was away. */
interface Away {
  readonly host: string
  readonly topics: ReadonlySet<string>
  wants(key: string): boolean
}

/** What a host has missed. */
export interface Missed {
  readonly keys: ReadonlySet<string>
  readonly requests: readonly string[]
  /** Something moved that decides what concerns it: nobody knows what it had then. */
  readonly isMoved: boolean
}

/** Batches that are kept. */
const mostBatches = 10_000

export class History {
  /** Everything after this revision is here. */
  #oldest = 0
  readonly #byTopic = new Map<string, Told[]>()
  /** When hosts, and the hosts of topics, last had their topics looked at. */
  readonly #hosts = new Map<string, Told>()
  readonly #topics = new Map<string, Told>()
  /** Topics of each batch, in order, to forget them by. */
  readonly #batches: { readonly revision: number; readonly topics: ReadonlySet<string> }[] = []

  /** Begin anew. */
  reset(revision: number): void {
    this.#oldest = revision
    for (const map of [this.#byTopic, this.#hosts, this.#topics]) map.clear()
    this.#batches.length = 0
  }

  /** Note what a batch touched. */
  note({ revision, requests }: Pick<Batch, 'revision' | 'requests'>, { items, met, hosts, topics }: Touched): void {
    const own = new Set<string>()
    for (const { topic, key } of [...items, ...met]) {
      const told = this.#byTopic.get(topic)
      if (told === undefined) this.#byTopic.set(topic, [{ revision, key, requests }])
      else told.push({ revision, key, requests })
      own.add(topic)
    }
    for (const host of hosts) this.#hosts.set(host, { revision, key: '', requests })
    for (const topic of topics) this.#topics.set(topic, { revision, key: '', requests })
    this.#batches.push({ revision, topics: own })
    // In larger steps: the first of an array costs as much as many.
    if (this.#batches.length >= mostBatches * 1.1) this.#forget(this.#batches.length - mostBatches)
  }

  #forget(count: number): void {
    const gone = this.#batches.splice(0, count)
    this.#oldest = gone.at(-1)!.revision
    for (const topic of new Set(gone.flatMap(({ topics }) => [...topics]))) {
      const told = this.#byTopic.get(topic)!.filter(({ revision }) => revision > this.#oldest)
      if (told.length === 0) this.#byTopic.delete(topic)
      else this.#byTopic.set(topic, told)
    }
    for (const map of [this.#hosts, this.#topics]) for (const [key, { revision }] of map) if (revision <= this.#oldest) map.delete(key)
  }

  /** What a host has missed after a revision; undefined: that is not known any more. */
  since(after: number, now: number, away: Away): Missed | undefined {
    const { host, topics } = away
    if (after < this.#oldest || after > now) return undefined
    const [keys, requests] = [new Set<string>(), new Set<string>()]
    for (const topic of topics) {
      const told = this.#byTopic.get(topic) ?? []
      for (let i = told.length - 1; i >= 0 && told[i]!.revision > after; i--) {
        if (!away.wants(told[i]!.key)) continue
        keys.add(told[i]!.key)
        for (const request of told[i]!.requests) requests.add(request)
      }
    }
    const moves = [this.#hosts.get(host), ...Array.from(topics, (topic) => this.#topics.get(topic))]
    const moved = moves.filter((move) => move !== undefined && move.revision > after)
    for (const move of moved) for (const request of move!.requests) requests.add(request)
    return { keys, requests: [...requests], isMoved: moved.length > 0 }
  }
}
