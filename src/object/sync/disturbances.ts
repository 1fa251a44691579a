/**
 * Changes by others to devices of ours, which vpcd undid. An audit reports them until a repair, so that they do not go
 * unnoticed.
 */
import type { Findings } from './audit/finding.ts'

interface Disturbance {
  readonly what: string
  readonly part: string
  readonly expected: string
  readonly found: string
  times: number
  last: Date
}

/** Limit of different ones that are kept. */
const most = 1000

export class Disturbances {
  readonly #all = new Map<string, Disturbance>()

  /** Record a difference that vpcd repaired. Returns how often it has happened. */
  note(what: string, part: string, expected: string, found: string): number {
    const key = `${what} ${part} ${found}`
    const known = this.#all.get(key)
    if (known !== undefined) {
      known.last = new Date()
      return ++known.times
    }
    if (this.#all.size < most) this.#all.set(key, { what, part, expected, found, times: 1, last: new Date() })
    return 1
  }

  /** Report all differences that were not reported. */
  tell(findings: Findings): void {
    const told = new Set(findings.items.map(({ what, part }) => `${what} ${part}`))
    for (const { what, part, expected, found, times, last } of this.#all.values()) {
      if (told.has(`${what} ${part}`)) continue
      const often = times === 1 ? '' : `${times} times, the last `
      findings.different('device', what, part, expected, `${found} (mended ${often}at ${last.toISOString()})`)
    }
  }

  /** Somebody has been told. */
  clear(): void {
    this.#all.clear()
  }
}
