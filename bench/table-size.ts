/**
 * Ours with tables of three sizes side by side: what many forwarding entries cost is less than two runs minutes apart
 * differ by.
 */
import { Bed } from './bed.ts'
import type { Effort } from './measure.ts'
import { probes, probeSeconds, type MetricName } from './metrics/metric.ts'
import { vpc } from './peers/vpc.ts'
import type { Conditions } from './peer.ts'
import type { Progress } from './progress.ts'
import { byRound, type PeerResult } from './ratio.ts'
import { collect, measureRounds, seat, seatSeconds, type Seat, type Taken } from './rounds.ts'
import { quantile } from './spread.ts'

export const tableSizes = [1, 1000, 100_000] as const

export interface SizeRatio {
  readonly metric: MetricName
  readonly entries: number
  /** The median with many entries over the median with one. */
  readonly ratio: number
  /** The same of each round: quartiles. */
  readonly rounds: { readonly q1: number; readonly median: number; readonly q3: number }
}

export interface TableSizesResult {
  readonly conditions: Omit<Conditions, 'entries'>
  readonly taken: Taken
  /** By the number of entries. */
  readonly sizes: Readonly<Record<string, PeerResult>>
  readonly ratios: readonly SizeRatio[]
}

const measured = [probes['tcp-1'], probes['udp-64'], probes.connections] as const
const conditions = { scope: 'cross-host', mtu: 1450, offload: true } as const

/** Seconds that `measureTableSizes` takes. */
export const tableSizesSeconds = ({ rounds, seconds }: Effort): number =>
  tableSizes.reduce((sum, entries) => sum + seatSeconds(vpc, { ...conditions, entries }) + probeSeconds(measured, seconds, rounds), 0)

/** Each size against one entry. */
export function sizeRatios(sizes: Readonly<Record<string, PeerResult>>): SizeRatio[] {
  const one = sizes['1'] ?? {}
  return Object.entries(sizes).flatMap(([entries, result]) =>
    (['tcp-1', 'udp-64', 'connections', 'cpu-per-gb'] as const).flatMap((metric) => {
      const [many, few] = [result[metric], one[metric]]
      if (entries === '1' || many === undefined || few === undefined || few.median === 0) return []
      const rounds = byRound(many, few)
      const [q1, median, q3] = [0.25, 0.5, 0.75].map((q) => quantile(rounds, q)) as [number, number, number]
      return [{ metric, entries: Number(entries), ratio: many.median / few.median, rounds: { q1, median, q3 } }]
    }),
  )
}

/** Set all sizes up at once, measure them in turn, take them down. */
export async function measureTableSizes(effort: Effort, progress: Progress): Promise<TableSizesResult> {
  await using stack = new AsyncDisposableStack()
  const seats: Seat[] = []
  for (const entries of tableSizes) {
    const asked = { ...conditions, entries }
    const name = `${vpc.name} with ${entries} ${entries === 1 ? 'entry' : 'entries'}`
    progress.step(`setting up ${name}`, seatSeconds(vpc, asked))
    seats.push(await seat(stack.use(new Bed(`e${entries}`)), vpc, asked, name))
  }
  const taken = await measureRounds(seats, measured, effort, progress)
  const sizes = Object.fromEntries(seats.map(({ samples }, i) => [tableSizes[i]!, collect(samples)]))
  return { conditions, taken, sizes, ratios: sizeRatios(sizes) }
}
