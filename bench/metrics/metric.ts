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

/** Measure everything once over a path. */
export async function sample(bed: Bed, path: Path, seconds: number): Promise<Sample> {
  const one = await tcp(bed, path, seconds, 1)
  const four = await tcp(bed, path, seconds, 4)
  return {
    'tcp-1': one.gigabitsPerSecond,
    'cpu-per-gb': one.cpuSecondsPerGigabyte,
    retransmits: one.retransmitsPerGigabyte,
    'tcp-4': four.gigabitsPerSecond,
    'udp-64': (await udp(bed, path, seconds)) / 1000,
    ...(await latency(bed, path, seconds)),
    connections: (await connections(bed, path, seconds)) / 1000,
  }
}
