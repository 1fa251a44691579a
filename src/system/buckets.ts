/** Limits of a rate, by key: so many a second, and some more at once. */

export interface Rate {
  readonly perSecond: number
  /** At once, after a quiet time. */
  readonly burst: number
}

/** Enough for everybody who is remembered; the rest begin anew. */
const maxKeys = 10_000

/** Buckets that fill again with time, by key. */
export class Buckets {
  readonly #rate: Rate
  readonly #now: () => number
  readonly #levels = new Map<string, { level: number; at: number }>()

  /** `now`: a clock in milliseconds. */
  constructor(rate: Rate, now: () => number) {
    this.#rate = rate
    this.#now = now
  }

  /** Take one. Gives the seconds to wait when there is none. */
  take(key: string): number | undefined {
    const { perSecond, burst } = this.#rate
    const now = this.#now()
    const { level, at } = this.#levels.get(key) ?? { level: burst, at: now }
    const filled = Math.min(burst, level + (Math.max(0, now - at) / 1000) * perSecond)
    if (!this.#levels.has(key) && this.#levels.size >= maxKeys) this.#levels.delete(this.#levels.keys().next().value!)
    this.#levels.set(key, { level: filled >= 1 ? filled - 1 : filled, at: now })
    return filled >= 1 ? undefined : Math.max(1, Math.ceil((1 - filled) / perSecond))
  }
}
