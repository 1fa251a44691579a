/** Dropped packets in words: the counters by reason, and one line for each sampled packet. */
import { noneAllows } from '#abi/rule-words.ts'
import type { DropEvent, RouteInfo, SourceStats } from '#abi/info.ts'
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

/**
 * Who decided: `into vpcp3 (group0 (web)): none of the 2 rules for in allows this packet from 10.0.0.7`,
 * `vpcrtr0: route 10.9.0.0/16 blackhole`.
 */
export function causeText(event: Pick<DropEvent, 'reason' | 'refusal' | 'route' | 'nat'>): string {
  if (event.nat !== undefined) return natText(event)
  return event.route === undefined ? refusalText(event) : routeText(event.reason, event.route)
}

const natTexts: Readonly<Record<string, string>> = {
  nat_exhausted: 'no public port is left for its sender',
  nat_no_mapping: 'nobody behind that port has sent to its sender',
  nat_protocol: 'it carries TCP, UDP and pings alone',
  nat_fragment: 'its first fragment has not passed',
}

const natText = ({ reason, nat }: Pick<DropEvent, 'reason' | 'nat'>): string => `${nat}: ${natTexts[reason] ?? 'it is refused'}`

function routeText(reason: string, { router, table, prefix, target }: RouteInfo): string {
  const where = router ?? 'no router'
  if (prefix === null) return `${where}: no route of table ${table} leads there`
  return `${where}: route ${prefix} ${target ?? '(gone meanwhile)'}${reason === 'no_host' ? ', where nobody has the address' : ''}`
}

function refusalText({ reason, refusal }: Pick<DropEvent, 'reason' | 'refusal'>): string {
  if (refusal === undefined) return ''
  const { port, direction, groups, rules, rule, state, peer, peerGroups } = refusal
  const where = `${direction === 'in' ? 'into' : 'out of'} ${port ?? 'a port that is gone'} (${groups.join(', ') || 'no group'})`
  const other = peer === null ? 'it' : `${peer}${peerGroups.length > 0 ? ` (${peerGroups.join(', ')})` : ''}`
  // A rule may allow packets of the peer, and not this one.
  const packet = peer === null ? 'it' : `this packet ${direction === 'in' ? 'from' : 'to'} ${other}`
  if (reason === 'sg_denied') return `${where}: ${noneAllows(rules, direction)} ${packet}`
  if (reason === 'sg_revoked') return `${where}: ${rule ?? 'a rule that is gone'} had allowed the flow with ${other}`
  return `${where}: ${state === null ? 'it has no flow' : `its flow is ${state}`}`
}

/** All units and rules in an event. */
export const wordsOf = (event: DropEvent): string => [event.port, causeText(event), event.refusal?.rule].join(' ')

/** One packet: when, from where, why, and its headers. */
export function dropLine(event: DropEvent, style: Style, utc: boolean): string {
  const { time, unit, port, reason, vni, length, lost, data } = event
  const from = [unit, port && unit !== port ? `(${port})` : ''].filter(Boolean).join(' ') || '-'
  const packet = summarize(Buffer.from(data, 'base64'), length)
  const more = lost === 0 ? '' : style.dim(`  (${lost} more not shown)`)
  const cause = causeText(event)
  return `${style.dim(formatTime(new Date(time), utc))}  ${from}  ${style.yellow(reason)}  vni ${vni}  ${packet}${cause && `  ${cause}`}${more}`
}
