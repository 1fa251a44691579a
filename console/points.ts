/** What hosts have counted, interval by interval. Pure functions. */

/** What was counted in one interval. */
export interface Point {
  readonly time: string
  readonly rxPackets: number
  readonly rxBytes: number
  readonly txPackets: number
  readonly txBytes: number
  /** That there are now. */
  readonly flows: number
  readonly drops: Readonly<Record<string, number>>
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

/** One place for each interval between the first point and the last: what nobody reported is a gap. */
export function slotsOf(points: readonly Point[], interval: number): Slot[] {
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined) return []
  const step = interval * 1000
  const start = Date.parse(first.time)
  const slots = Array.from({ length: Math.round((Date.parse(last.time) - start) / step) + 1 }, (_, i): Slot => {
    return { time: new Date(start + i * step).toISOString(), point: undefined }
  })
  for (const point of points) slots[Math.round((Date.parse(point.time) - start) / step)] = { time: point.time, point }
  return slots
}
