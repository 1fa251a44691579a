/** The metrics: what each measures over a path, in which unit, and whether more or less is better. */
import type { Bed } from '../bed.ts'
import type { Path } from '../peer.ts'
import { connections } from './connections.ts'
import { latency } from './latency.ts'
import { tcp } from './tcp.ts'
import { udp } from './udp.ts'

export const metrics = {
  'tcp-1': { unit: 'Gb/s', better: 'more' },
  'tcp-4': { unit: 'Gb/s', better: 'more' },
  'udp-64': { unit: 'k msg/s', better: 'more' },
  'latency-p50': { unit: 'µs', better: 'less' },
  'latency-p99': { unit: 'µs', better: 'less' },
  connections: { unit: 'k/s', better: 'more' },
  'cpu-per-gb': { unit: 's/GB', better: 'less' },
  retransmits: { unit: 'segments/GB', better: 'less' },
} as const

export type MetricName = keyof typeof metrics
export type Sample = Partial<Record<MetricName, number>>

/** One measurement, which gives one metric or more. */
export interface Probe {
  readonly name: string
  /** Seconds that it takes beside those in which it measures. */
  readonly overheadSeconds: number
  /** It spreads so much that fewer rounds say nothing. */
  readonly leastRounds?: number
  run(bed: Bed, path: Path, seconds: number): Promise<Sample>
}

export const probes = {
  'tcp-1': {
    name: 'tcp-1',
    overheadSeconds: 0.1,
    leastRounds: 9,
    async run(bed, path, seconds) {
      const { gigabitsPerSecond, cpuSecondsPerGigabyte, retransmitsPerGigabyte } = await tcp(bed, path, seconds, 1)
      return { 'tcp-1': gigabitsPerSecond, 'cpu-per-gb': cpuSecondsPerGigabyte, retransmits: retransmitsPerGigabyte }
    },
  },
  'tcp-4': {
    name: 'tcp-4',
    overheadSeconds: 0.1,
    run: async (bed, path, seconds) => ({ 'tcp-4': (await tcp(bed, path, seconds, 4)).gigabitsPerSecond }),
  },
  'udp-64': {
    name: 'udp-64',
    overheadSeconds: 0.1,
    run: async (bed, path, seconds) => ({ 'udp-64': (await udp(bed, path, seconds)) / 1000 }),
  },
  latency: { name: 'latency', overheadSeconds: 2.2, run: latency },
  connections: {
    name: 'connections',
    overheadSeconds: 0.3,
    run: async (bed, path, seconds) => ({ connections: (await connections(bed, path, seconds)) / 1000 }),
  },
} as const satisfies Record<string, Probe>

/** The rounds of a probe: as many as are asked for, or its least number; one round alone stays one. */
export const roundsOf = ({ leastRounds = 1 }: Probe, rounds: number): number => (rounds === 1 ? 1 : Math.max(rounds, leastRounds))

/** Seconds that these probes take over one path, in a number of rounds. */
export const probeSeconds = (among: readonly Probe[], seconds: number, rounds = 1): number =>
  among.reduce((sum, probe) => sum + roundsOf(probe, rounds) * (probe.overheadSeconds + seconds), 0)
