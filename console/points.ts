/** What hosts have counted, interval by interval. Pure functions. */
import type { Counts } from '#feed/counters.ts'

/** What was counted in one interval. */
export interface Point extends Counts {
  readonly time: string
}

export interface Stats {
  /** Seconds. */
  readonly interval: number
  readonly points: readonly Point[]
}

/** An interval; without a point nobody has reported it. */
export interface Slot {
  readonly time: string
  readonly point: Point | undefined
}

/** The least that a chart shows. */
const leastMs = 300_000

/**
 * One place for each interval, from the first point, or some minutes ago, to `until`, in ms, or the last point. The API
 * has no point for an interval in which nothing passed.
 */
export function slotsOf(points: readonly Point[], interval: number, until = 0): Slot[] {
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined) return []
  const step = interval * 1000
  const [from, to] = [Date.parse(first.time), Date.parse(last.time)]
  const count = Math.max(Math.floor((until - to) / step), 0) + Math.round((to - from) / step) + 1
  const missing = Math.max(0, Math.ceil(leastMs / step) - count)
  const start = from - missing * step
  const slots = Array.from({ length: missing + count }, (_, i): Slot => ({
    time: new Date(start + i * step).toISOString(),
    point: undefined,
  }))
  for (const point of points) slots[Math.round((Date.parse(point.time) - start) / step)] = { time: point.time, point }
  return slots
}
