/**
 * Our figures over a peer's: of the medians of one run, and round by round, since the measurements of one round stood
 * under the same load.
 */
import { metrics, type MetricName } from './metrics/metric.ts'
import type { Conditions } from './peer.ts'
import { spread, type Spread } from './spread.ts'

/** Name under which our own set-up is measured. */
export const ours = 'vpc'

export type PeerResult = Partial<Record<MetricName, Spread>>

export interface Ratio extends Conditions {
  readonly metric: MetricName
  readonly peer: string
  /** Our median over the peer's. */
  readonly ratio: number
}

/** A ratio with the same of each round. */
export interface PairedRatio extends Ratio {
  readonly rounds: Spread
}

export interface Comparable {
  readonly conditions: Conditions
  readonly peers: Readonly<Record<string, PeerResult>>
}

/** Each sample over the one of the same round. Rounds in which theirs is nothing are left out. */
export const byRound = (own: Spread, theirs: Spread): readonly number[] =>
  own.samples.flatMap((value, i) => ((theirs.samples[i] ?? 0) > 0 ? [value / theirs.samples[i]!] : []))

/** Ours over each peer, for every metric that both have. */
export function pairedRatios(results: readonly Comparable[]): PairedRatio[] {
  return results.flatMap(({ conditions, peers }) => {
    const own = peers[ours] ?? {}
    return Object.entries(peers).flatMap(([peer, theirs]) =>
      (Object.keys(own) as MetricName[])
        .filter((metric) => peer !== ours && metric !== 'retransmits' && (theirs[metric]?.median ?? 0) > 0)
        .map((metric) => ({
          metric,
          peer,
          ...conditions,
          ratio: own[metric]!.median / theirs[metric]!.median,
          rounds: spread(byRound(own[metric]!, theirs[metric]!)),
        })),
    )
  })
}

/** The same without the rounds. */
export const ratios = (results: readonly Comparable[]): Ratio[] => pairedRatios(results).map(({ rounds: _, ...ratio }) => ratio)

export const isWorse = (metric: MetricName, ratio: number): boolean => (metrics[metric].better === 'less' ? ratio > 1 : ratio < 1)

/** Whether some rounds say better and some say worse. */
export const isUndecided = ({ rounds }: PairedRatio): boolean => rounds.min <= 1 && rounds.max >= 1
