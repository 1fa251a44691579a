/** What was measured, as the table of docs/performance.md. */

/** One sort of change. Times in ms. */
export interface Row {
  readonly what: string
  readonly count: number
  /** Hosts that each concerns. */
  readonly hosts: number
  readonly p50: number
  readonly p99: number
  readonly most: number
  /** The API has written the last line of it. */
  readonly writtenP50: number
  readonly writtenP99: number
  /** What p99 is to be at most. */
  readonly goal: number | null
  /** Of each change: time of the API's processor, of the agents' together, bytes to hosts, writes of the store. */
  readonly apiCpuMs: number
  readonly agentsCpuMs: number
  readonly bytes: number
  readonly writes: number
  /** The longest that the event loop of the API was held. */
  readonly heldMs: number
  /** Processors that others used meanwhile: with any, times say less. */
  readonly others: number
}

/** One number with its goal. */
export interface Figure {
  readonly what: string
  readonly value: number
  readonly unit: string
  readonly goal: number | null
}

const verdict = (value: number, goal: number | null): string =>
  goal === null ? '' : value <= goal ? `≤ ${goal}: met` : `≤ ${goal}: **not met**`

const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`

const table = (header: readonly string[], body: readonly (readonly (string | number)[])[]): string =>
  [line(header), line(header.map(() => '---')), ...body.map(line)].join('\n')

/** Both tables. */
export function markdown(rows: readonly Row[], figures: readonly Figure[]): string {
  const header = [
    'change',
    'hosts',
    'p50 / p99 / most, ms',
    'goal of p99',
    'written by the API, p50 / p99',
    'CPU of API / agents, ms',
    'KB to hosts',
    'store writes',
    'loop held, ms',
    'processors of others',
  ]
  const body = rows.map(
    ({ what, count, hosts, p50, p99, most, writtenP50, writtenP99, goal, apiCpuMs, agentsCpuMs, bytes, writes, heldMs, others }) => [
      count > 1 ? `${what} (${count})` : what,
      hosts,
      count > 1 ? `${p50} / ${p99} / ${most}` : most,
      verdict(p99, goal),
      count > 1 ? `${writtenP50} / ${writtenP99}` : writtenP99,
      `${apiCpuMs} / ${agentsCpuMs}`,
      Math.round(bytes / 100) / 10,
      writes,
      heldMs,
      others,
    ],
  )
  const others = figures.map(({ what, value, unit, goal }) => [what, `${value} ${unit}`, verdict(value, goal)])
  return `${table(header, body)}\n\n${table(['', 'this run', 'goal'], others)}\n`
}
