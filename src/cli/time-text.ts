/** Times for people. */

/** Date and time in the zone of the machine, with its offset, or in UTC. */
export function formatTime(time: Date, utc: boolean): string {
  if (utc) return time.toISOString()
  const offset = -time.getTimezoneOffset()
  const local = new Date(time.getTime() + offset * 60_000).toISOString().slice(0, -1)
  const two = (n: number): string => String(Math.trunc(Math.abs(n))).padStart(2, '0')
  return `${local}${offset < 0 ? '-' : '+'}${two(offset / 60)}:${two(offset % 60)}`
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A time as it was given, or that of so long ago: `90m`, `24h`, `7d`. */
export function earlier(text: string, now = Date.now()): string {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  return count === undefined ? text : new Date(now - Number(count) * unitMs[unit as keyof typeof unitMs]).toISOString()
}
