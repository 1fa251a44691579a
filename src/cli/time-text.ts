/** Times for people. */

/** Date and time in the zone of the machine, with its offset, or in UTC. */
export function formatTime(time: Date, utc: boolean): string {
  if (utc) return time.toISOString()
  const offset = -time.getTimezoneOffset()
  const local = new Date(time.getTime() + offset * 60_000).toISOString().slice(0, -1)
  const two = (n: number): string => String(Math.trunc(Math.abs(n))).padStart(2, '0')
  return `${local}${offset < 0 ? '-' : '+'}${two(offset / 60)}:${two(offset % 60)}`
}
