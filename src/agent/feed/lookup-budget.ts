/**
 * How often a host asks where stations are. The API takes so many questions of a host and no more, so each vpc has a
 * share that no guest of another one can use up. What the others leave of theirs goes into a pot for all.
 */

/** Questions a second, and at once, of all vpcs together. */
const perSecond = 200
const burst = 2_000
/** Half of the burst is in the shares, the other half in the pot. */
const halfBurst = burst / 2

export class LookupBudget {
  /** What each vpc has left of its share. */
  readonly #shares = new Map<string, number>()
  #pot = halfBurst
  #filled: number

  /** `now`: milliseconds of a clock that does not jump. */
  constructor(now: number) {
    this.#filled = now
  }

  /** These vpcs have guests here, and ask. */
  keep(vpcs: ReadonlySet<string>): void {
    for (const vpc of this.#shares.keys()) if (!vpcs.has(vpc)) this.#shares.delete(vpc)
    const most = halfBurst / Math.max(1, vpcs.size)
    for (const vpc of vpcs) this.#shares.set(vpc, Math.min(most, this.#shares.get(vpc) ?? most))
  }

  /** Whether a vpc may ask once more: from its share, then from the pot. */
  take(vpc: string, now: number): boolean {
    this.#fill(now)
    const left = this.#shares.get(vpc) ?? 0
    if (left >= 1) this.#shares.set(vpc, left - 1)
    else if (this.#pot >= 1) this.#pot--
    else return false
    return true
  }

  /** Each share gets as much. What a full one has no room for goes into the pot. */
  #fill(now: number): void {
    const all = (Math.max(0, now - this.#filled) * perSecond) / 1000
    this.#filled = now
    const [each, most] = [all / Math.max(1, this.#shares.size), halfBurst / Math.max(1, this.#shares.size)]
    let rest = this.#shares.size === 0 ? all : 0
    for (const [vpc, left] of this.#shares) {
      const filled = Math.min(most, left + each)
      this.#shares.set(vpc, filled)
      rest += left + each - filled
    }
    this.#pot = Math.min(halfBurst, this.#pot + rest)
  }
}
