/** Sums of dropped packets, for people: the first of a source is told at once, what goes on once a minute. */

export type Drops = Readonly<Record<string, number>>

export interface DropSum {
  readonly key: string
  /** In ms: what was counted after this. */
  readonly since: number
  readonly drops: Drops
}

interface Sum {
  since: number
  /** When it was told last; undefined: never. */
  told: number | undefined
  drops: Record<string, number>
}

/** How often a source that goes on is told. */
export const tellEveryMs = 60_000

export class DropSums {
  readonly #sums = new Map<string, Sum>()

  /** Packets of a source that were dropped since a time, in ms. */
  add(key: string, drops: Drops, since: number): void {
    if (Object.keys(drops).length === 0) return
    const sum = this.#sums.get(key) ?? { since, told: undefined, drops: {} }
    this.#sums.set(key, sum)
    if (Object.keys(sum.drops).length === 0) sum.since = since
    for (const [reason, count] of Object.entries(drops)) sum.drops[reason] = (sum.drops[reason] ?? 0) + count
  }

  /** What is to be told now. A source that has been quiet for a minute is a new one. */
  due(now: number): DropSum[] {
    return [...this.#sums].flatMap(([key, sum]): DropSum[] => {
      if (sum.told !== undefined && now - sum.told < tellEveryMs) return []
      const { drops, since } = sum
      if (Object.keys(drops).length === 0) {
        this.#sums.delete(key)
        return []
      }
      Object.assign(sum, { told: now, drops: {} })
      return [{ key, since, drops }]
    })
  }
}
