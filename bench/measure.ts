/** Interleaved rounds over all peers of a scenario, and what is made of them: medians, ranges, ratios. */
import { loadavg } from 'node:os'
import { Bed } from './bed.ts'
import { metrics, sample, type MetricName, type Sample } from './metrics/metric.ts'
import type { Conditions, Path, Peer } from './peer.ts'
import type { Scenario } from './scenario.ts'

/** Name under which our own set-up is measured. */
export const ours = 'vpc'

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly samples: readonly number[]
}

export type PeerResult = Partial<Record<MetricName, Spread>>

export interface ScenarioResult {
  readonly conditions: Conditions
  /** Load of the machine just before each round: what else was running. */
  readonly loadBefore: readonly number[]
  readonly peers: Readonly<Record<string, PeerResult>>
  /** Peers that could not be had, and why. */
  readonly missing: Readonly<Record<string, string>>
}

export interface Ratio {
  readonly metric: MetricName
  readonly peer: string
  readonly scope: Conditions['scope']
  readonly mtu: number
  readonly offload: boolean
  readonly entries: number
  /** Our median over the peer's. */
  readonly ratio: number
}

/** Median, smallest and largest of at least one number. */
export function spread(samples: readonly number[]): Spread {
  const sorted = samples.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)!, samples }
}

function collect(samples: readonly Sample[]): PeerResult {
  const result: Partial<Record<MetricName, Spread>> = {}
  for (const name of Object.keys(metrics) as MetricName[]) {
    const values = samples.map((one) => one[name]).filter((value) => value !== undefined)
    if (values.length > 0) result[name] = spread(values)
  }
  return result
}

/** Set every peer up, measure all of them round by round, take them down. `progress` is told of each step. */
export async function measure(
  { conditions, peers }: Scenario,
  rounds: number,
  seconds: number,
  progress: (text: string) => void,
): Promise<ScenarioResult> {
  await using stack = new AsyncDisposableStack()
  const ready: { peer: Peer; bed: Bed; path: Path; samples: Sample[] }[] = []
  const missing: Record<string, string> = {}
  for (const [i, peer] of peers.entries()) {
    const bed = stack.use(new Bed(String(i)))
    const why = peer.missing?.(bed)
    if (why !== undefined) {
      missing[peer.name] = why
      continue
    }
    progress(`setting up ${peer.name}`)
    ready.push({ peer, bed, path: await peer.up(bed, conditions), samples: [] })
  }
  const loadBefore: number[] = []
  for (let round = 1; round <= rounds; round++) {
    loadBefore.push(loadavg()[0]!)
    for (const { peer, bed, path, samples } of ready) {
      progress(`round ${round} of ${rounds}: ${peer.name}`)
      samples.push(await sample(bed, path, seconds))
    }
  }
  return { conditions, loadBefore, missing, peers: Object.fromEntries(ready.map(({ peer, samples }) => [peer.name, collect(samples)])) }
}

/** Ours over each peer, for every metric that both have. */
export function ratios(results: readonly ScenarioResult[]): Ratio[] {
  return results.flatMap(({ conditions, peers }) => {
    const own = peers[ours] ?? {}
    return Object.entries(peers).flatMap(([peer, theirs]) =>
      (Object.keys(own) as MetricName[])
        .filter((metric) => peer !== ours && metric !== 'retransmits' && (theirs[metric]?.median ?? 0) > 0)
        .map((metric) => ({ metric, peer, ...conditions, ratio: own[metric]!.median / theirs[metric]!.median })),
    )
  })
}
