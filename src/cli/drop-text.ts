/** Dropped packets in words: the counters by reason, and one line for each sampled packet. */
import type { DropEvent, SourceStats } from '#abi/info.ts'
import { summarize } from '#wire/summary.ts'
import type { Style } from './style.ts'
import type { Table } from './table.ts'
import { formatTime } from './time-text.ts'

/** How many packets of a port or mux were dropped, for all reasons. */
export const dropCount = ({ drops }: Pick<SourceStats, 'drops'>): number => Object.values(drops).reduce((sum, n) => sum + n, 0)

export interface DropCounter {
  readonly unit: string
  readonly peerUnit: string | null
  readonly reason: string
  readonly packets: number
}

/** A counter for each port or mux and reason that is not zero. */
export const dropCounters = (stats: readonly SourceStats[]): DropCounter[] =>
  stats.flatMap(({ unit, peerUnit, drops }) => Object.entries(drops).map(([reason, packets]) => ({ unit, peerUnit, reason, packets })))

/** The counters as a table. */
export const dropTable = (counters: readonly DropCounter[]): Table => ({
  columns: ['UNIT', 'INTERFACE', 'REASON', { title: 'PACKETS', align: 'right' }],
  rows: counters.map(({ unit, peerUnit, reason, packets }) => [unit, peerUnit ?? '-', reason, packets]),
})

/** The verdict of security groups: `into vpcp3 (group0 (web)): none of its 2 rules for in allows it`. */
export function refusalText({ reason, refusal }: Pick<DropEvent, 'reason' | 'refusal'>): string {
  if (refusal === undefined) return ''
  const { port, direction, groups, rules, rule } = refusal
  const where = `${direction === 'in' ? 'into' : 'out of'} ${port ?? 'a port that is gone'} (${groups.join(', ') || 'no group'})`
  if (reason === 'sg_denied') return `${where}: none of its ${rules} rules for ${direction} allows it`
  if (reason === 'sg_revoked') return `${where}: ${rule ?? 'a rule that is gone'} had allowed the flow`
  return where
}

/** One packet: when, from where, why, and its headers. */
export function dropLine(event: DropEvent, style: Style, utc: boolean): string {
  const { time, unit, port, reason, vni, length, lost, data } = event
  const from = [unit, port && unit !== port ? `(${port})` : ''].filter(Boolean).join(' ') || '-'
  const packet = summarize(Buffer.from(data, 'base64'), length)
  const more = lost === 0 ? '' : style.dim(`  (${lost} more not shown)`)
  const refused = event.refusal === undefined ? '' : `  ${refusalText(event)}`
  return `${style.dim(formatTime(new Date(time), utc))}  ${from}  ${style.yellow(reason)}  vni ${vni}  ${packet}${refused}${more}`
}
