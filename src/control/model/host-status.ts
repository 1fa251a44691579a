/** What connected hosts have said of themselves, in memory: the API that a host is connected to knows it. */
import { itemKey } from '#feed/item.ts'
import type { AgentReport, ItemError } from '#feed/message.ts'

export interface HostStatus {
  /** The host does what the model said up to this revision, but for the errors. */
  readonly acked: number
  /** When it was last heard, in ms since 1970. */
  readonly heard: number
  /** The same by HostStatuses.elapsed. */
  readonly heardAt: number
  /** By the item's key. */
  readonly errors: ReadonlyMap<string, ItemError>
  readonly agent: AgentReport['agent']
  /** It reports after each ping, so silence means something. */
  readonly answersPings: boolean
  readonly vpcd: AgentReport['vpcd']
}

/** Says that an API has the feed of a host: a key of the store that goes with that API. */
export interface HereRecord {
  /** Of the API. */
  readonly api: string
  /** RFC 3339. */
  readonly since: string
}

export class HostStatuses {
  readonly #here = new Map<string, HereRecord & { readonly at: number }>()
  readonly #went = new Map<string, { readonly time: number; readonly at: number }>()
  readonly #elsewhere = new Map<string, number>()
  /** Nothing is known about the time before. */
  readonly begun = Date.now()
  readonly #begunAt = performance.now()
  #loadedAt = -Infinity
  readonly #statuses = new Map<string, HostStatus>()
  readonly #listeners = new Set<(host: string) => void>()

  /** Name of this API. */
  api = ''

  /** Ms of a clock that never jumps: for how long something lasts. What people see is of the other clock. */
  elapsed = (): number => performance.now()

  get = (host: string): HostStatus | undefined => this.#statuses.get(host)

  /** What it has said, unless it has its feed at another API since then. */
  current(host: string): HostStatus | undefined {
    const [status, here] = [this.#statuses.get(host), this.#here.get(host)]
    const isElsewhere = here !== undefined && here.api !== this.api && status !== undefined && status.heardAt < here.at
    return isElsewhere ? undefined : status
  }

  /** Note what an agent reports. */
  report(host: string, { revision, errors, agent, vpcd, answersPings }: AgentReport, now: number): void {
    const byItem = new Map(errors.map((error) => [itemKey(error), error]))
    const [heard, heardAt] = [now, this.elapsed()]
    const status = { acked: Number(revision), heard, heardAt, errors: byItem, agent, vpcd, answersPings: answersPings === true }
    this.#statuses.set(host, status)
    for (const listener of this.#listeners) listener(host)
  }

  /** Hosts that have said that something fails. */
  *failing(): Generator<string> {
    for (const [host, { errors }] of this.#statuses) if (errors.size > 0) yield host
  }

  /** Be told of each report. Gives a way to end. */
  onReport(listener: (host: string) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** A host has a feed, at this API or another. */
  came(host: string, here: HereRecord): void {
    const known = this.#here.get(host)
    const isSame = known !== undefined && known.api === here.api && known.since === here.since
    this.#here.set(host, { ...here, at: isSame ? known.at : this.elapsed() })
    if (here.api !== this.api) this.#elsewhere.set(host, this.elapsed())
  }

  /** When a host was last seen to have its feed at another API, by `elapsed`. */
  elsewhere = (host: string): number | undefined => this.#elsewhere.get(host)

  /** A host has no feed any more. */
  went(host: string): void {
    if (this.#here.delete(host)) this.#went.set(host, { time: Date.now(), at: this.elapsed() })
  }

  /** All that the store had at the start is known: for how long it was so, nobody says. */
  loaded(): void {
    this.#loadedAt = this.elapsed()
  }

  /** Whether a host has had its feed where it is for longer than this, or since before this API looked. */
  isThereFor(host: string, ms: number): boolean {
    const here = this.#here.get(host)
    return here !== undefined && (here.at <= this.#loadedAt || this.elapsed() - here.at > ms)
  }

  /** Hosts that have a feed. */
  get present(): readonly string[] {
    return [...this.#here.keys()]
  }

  here = (host: string): HereRecord | undefined => this.#here.get(host)

  /** Since when a host has had no feed, as far as this API knows; undefined: it never had one meanwhile. */
  goneSince = (host: string): number | undefined => this.#went.get(host)?.time

  /** How long a host has had no feed, in ms; 0: it has one. This API knows of no time before its own start. */
  absentMs(host: string): number {
    return this.#here.has(host) ? 0 : this.elapsed() - (this.#went.get(host)?.at ?? this.#begunAt)
  }

  /** How long this API has known that a host has its feed where it is, in ms; 0: it has none. */
  presentMs(host: string): number {
    const here = this.#here.get(host)
    return here === undefined ? 0 : this.elapsed() - here.at
  }
}
