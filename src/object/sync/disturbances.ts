/**
 * What somebody else did to devices of ours and vpcd undid: an audit tells of it until a repair, so that it does not go
 * on unseen.
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

/** Different ones that are kept in mind. */
const most = 1000

export class Disturbances {
  readonly #all = new Map<string, Disturbance>()

  /** Something was found otherwise than it should be, and was mended. Gives how often that has happened. */
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

  /** Tell of all that is not told yet as what it was. */
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
