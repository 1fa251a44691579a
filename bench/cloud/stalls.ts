/** When a process could not go on: its collector ran, or its event loop was late because it or others worked. */
import { PerformanceObserver } from 'node:perf_hooks'

export interface Stall {
  readonly why: 'collector' | 'loop'
  /** When it ended, in ms since 1970. */
  readonly at: number
  readonly ms: number
}

/** How often the loop looks at the clock. */
const everyMs = 10
/** Shorter ones are not told. */
const leastMs = 10

export class Stalls {
  #found: Stall[] = []

  constructor() {
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries())
        this.#note('collector', performance.timeOrigin + startTime + duration, duration)
    }).observe({ entryTypes: ['gc'] })
    let last = performance.now()
    setInterval(() => {
      const now = performance.now()
      this.#note('loop', performance.timeOrigin + now, now - last - everyMs)
      last = now
    }, everyMs).unref()
  }

  #note(why: Stall['why'], at: number, ms: number): void {
    if (ms >= leastMs) this.#found.push({ why, at, ms: Math.round(ms) })
  }

  /** Those since the last time. */
  take(): readonly Stall[] {
    const found = this.#found
    this.#found = []
    return found
  }
}
