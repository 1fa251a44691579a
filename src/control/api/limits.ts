/** How much one token, one account and one address may ask. */
import { Buckets, type Rate } from '#system/buckets.ts'

export interface LimitOptions {
  readonly requests: Rate
  readonly writes: Rate
  readonly inFlight: number
  /** Wrong tokens from one address. */
  readonly failures: Rate
  readonly streams: number
  /** Requests of one host, and those to join of one address. */
  readonly hosts: Rate
}

export const defaultLimits: LimitOptions = {
  requests: { perSecond: 50, burst: 200 },
  writes: { perSecond: 10, burst: 100 },
  inFlight: 32,
  failures: { perSecond: 5 / 60, burst: 5 },
  streams: 20,
  hosts: { perSecond: 250, burst: 2_500 },
}

/** How many of something there are now, by key. */
class Gauge {
  readonly most: number
  readonly #counts = new Map<string, number>()

  constructor(most: number) {
    this.most = most
  }

  /** One more, until the function that it gives is called. Undefined: there are too many. */
  enter(key: string): (() => void) | undefined {
    const count = this.#counts.get(key) ?? 0
    if (count >= this.most) return undefined
    this.#counts.set(key, count + 1)
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      const left = this.#counts.get(key)! - 1
      if (left === 0) this.#counts.delete(key)
      else this.#counts.set(key, left)
    }
  }
}

export class Limits {
  readonly requests: Buckets
  readonly writes: Buckets
  readonly failures: Buckets
  readonly hosts: Buckets
  readonly inFlight: Gauge
  readonly streams: Gauge

  constructor(options: LimitOptions = defaultLimits, now: () => number = Date.now) {
    this.requests = new Buckets(options.requests, now)
    this.writes = new Buckets(options.writes, now)
    this.failures = new Buckets(options.failures, now)
    this.hosts = new Buckets(options.hosts, now)
    this.inFlight = new Gauge(options.inFlight)
    this.streams = new Gauge(options.streams)
  }
}
