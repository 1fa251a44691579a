/** The project's targets, held against the ratios of a run. */
import { metrics, type MetricName } from './metrics/metric.ts'
import type { PairedRatio, Ratio } from './ratio.ts'
import type { SizeRatio } from './table-size.ts'

/** Our median over a peer's, at MTU 1450 with one entry and the offloads on. */
export interface Target {
  readonly metric: MetricName
  readonly peer: string
  readonly scope: Ratio['scope']
  readonly wanted: number
}

/** Against the peers of the scenario with security rules. */
const withRules: readonly Target[] = [
  { metric: 'tcp-1', peer: 'vpc-open', scope: 'cross-host', wanted: 0.95 },
  { metric: 'udp-64', peer: 'vpc-open', scope: 'cross-host', wanted: 0.95 },
  { metric: 'cpu-per-gb', peer: 'vpc-open', scope: 'cross-host', wanted: 1.05 },
  { metric: 'connections', peer: 'vpc-open', scope: 'cross-host', wanted: 0.85 },
  { metric: 'connections', peer: 'bridge-rules', scope: 'cross-host', wanted: 1.5 },
]

/** Source NAT against that of the kernel, and against our own routing. */
const withNat: readonly Target[] = ['kernel-nat', 'vpc-routed'].flatMap((peer) =>
  (['tcp-1', 'udp-64'] as const).map((metric) => ({ metric, peer, scope: 'same-host' as const, wanted: 0.9 })),
)

export const targets: readonly Target[] = [
  { metric: 'tcp-1', peer: 'bridge-vxlan', scope: 'cross-host', wanted: 1.3 },
  { metric: 'tcp-1', peer: 'routed', scope: 'cross-host', wanted: 0.92 },
  { metric: 'udp-64', peer: 'bridge-vxlan', scope: 'cross-host', wanted: 1.8 },
  { metric: 'udp-64', peer: 'routed', scope: 'cross-host', wanted: 0.75 },
  { metric: 'cpu-per-gb', peer: 'bridge-vxlan', scope: 'cross-host', wanted: 0.72 },
  { metric: 'cpu-per-gb', peer: 'routed', scope: 'cross-host', wanted: 1.1 },
  { metric: 'connections', peer: 'bridge-vxlan', scope: 'cross-host', wanted: 1.18 },
  { metric: 'connections', peer: 'routed', scope: 'cross-host', wanted: 0.88 },
  { metric: 'udp-64', peer: 'bridge-vxlan', scope: 'same-host', wanted: 1.2 },
  { metric: 'udp-64', peer: 'raw', scope: 'same-host', wanted: 0.9 },
  ...withRules,
  ...withNat,
]

/** What 100 000 entries may cost against one. */
export const ENTRIES_COST = 0.03

/** The ratio of a target among those of a run. */
export const ratioOf = (ratios: readonly PairedRatio[], { metric, peer, scope }: Target): PairedRatio | undefined =>
  ratios.find(
    (one) => one.metric === metric && one.peer === peer && one.scope === scope && one.mtu === 1450 && one.offload && one.entries === 1,
  )

const reaches = (metric: MetricName, ratio: number, wanted: number): boolean =>
  metrics[metric].better === 'less' ? ratio <= wanted : ratio >= wanted

/** `met` or `not met` by the medians, and in how many of the rounds it was otherwise. */
export function verdict({ metric, ratio, rounds }: Pick<PairedRatio, 'metric' | 'ratio' | 'rounds'>, wanted: number): string {
  const met = reaches(metric, ratio, wanted)
  const otherwise = rounds.samples.filter((one) => reaches(metric, one, wanted) !== met).length
  const text = met ? 'met' : '**not met**'
  return otherwise === 0 ? text : `${text}, otherwise in ${otherwise} of ${rounds.samples.length} rounds`
}

/** The most that a metric may be worse with many entries. */
export const entriesWanted = (metric: MetricName): number => (metrics[metric].better === 'less' ? 1 + ENTRIES_COST : 1 - ENTRIES_COST)

/** The same for the cost of many entries; here the middle half of the rounds decides. */
export function entriesVerdict({ metric, ratio, rounds }: SizeRatio): string {
  const wanted = entriesWanted(metric)
  const met = reaches(metric, ratio, wanted)
  const same = [rounds.q1, rounds.q3].every((one) => reaches(metric, one, wanted) === met)
  return `${met ? 'met' : '**not met**'}${same ? '' : ', the quartiles lie on both sides'}`
}
