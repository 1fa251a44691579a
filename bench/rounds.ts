/** Set-ups that stand side by side, measured in interleaved rounds. */
import { loadavg } from 'node:os'
import type { Bed } from './bed.ts'
import { metrics, probeSeconds, roundsOf, type MetricName, type Probe, type Sample } from './metrics/metric.ts'
import type { Conditions, Path, Peer } from './peer.ts'
import type { Progress } from './progress.ts'
import type { PeerResult } from './ratio.ts'
import { spread, type Spread } from './spread.ts'

/** Headers of IPv4 and ICMP. */
const ICMP_OVERHEAD = 28

/** When, and with how much effort something was measured. */
export interface Taken {
  readonly date: string
  readonly rounds: number
  readonly seconds: number
  /** Load of the machine just before each round: what else was running. */
  readonly loadBefore: readonly number[]
}

/** A ready set-up, and its results round by round. */
export interface Seat {
  readonly name: string
  readonly bed: Bed
  readonly path: Path
  readonly samples: Sample[]
  /** Measured in the first round alone. */
  readonly once?: boolean
}

/** Check that whole packets arrive: a set-up that cannot carry its MTU would measure something else. */
export async function mustCarry(bed: Bed, { client, address }: Pick<Path, 'client' | 'address'>, mtu: number, name: string): Promise<void> {
  const argv = ['ping', '-n', '-q', '-c', '1', '-W', '1', '-M', 'do', '-s', String(mtu - ICMP_OVERHEAD), address]
  let said = ''
  for (let attempt = 0; attempt < 5; attempt++) {
    const { stdout, stderr, code } = await bed.runAsync(client, argv)
    if (code === 0) return
    said = stdout + stderr
  }
  throw new Error(`${name} carries no packets of ${mtu} bytes: ${said}`)
}

/** Set a peer up. */
export async function seat(bed: Bed, peer: Peer, conditions: Conditions, name = peer.name): Promise<Seat> {
  const path = await peer.up(bed, conditions)
  await mustCarry(bed, path, conditions.mtu, name)
  return { name, bed, path, samples: [] }
}

/** Seconds that it takes to set a peer up. */
export const seatSeconds = ({ upSeconds, entrySeconds = 0 }: Peer, { entries }: Conditions): number =>
  upSeconds + 2 * entries * entrySeconds

/** The same in another order each round, so that nobody always follows the same one. */
export const rotated = <T>(items: readonly T[], by: number): readonly T[] => {
  const cut = by % Math.max(1, items.length)
  return [...items.slice(cut), ...items.slice(0, cut)]
}

/**
 * Measure all seats, one probe after the other, and each probe on all seats in turn, so that compared measurements lie
 * seconds apart.
 */
export async function measureRounds(
  seats: readonly Seat[],
  probes: readonly Probe[],
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
  progress: Progress,
): Promise<Taken> {
  const loadBefore: number[] = []
  const most = Math.max(...probes.map((probe) => roundsOf(probe, rounds)))
  for (let round = 0; round < most; round++) {
    loadBefore.push(loadavg()[0]!)
    const turn = rotated(seats, round).filter(({ once }) => round === 0 || !once)
    for (const probe of probes.filter((one) => round < roundsOf(one, rounds))) {
      for (const { name, bed, path, samples } of turn) {
        progress.step(`round ${round + 1} of ${roundsOf(probe, rounds)}: ${probe.name} of ${name}`, probeSeconds([probe], seconds))
        samples[round] = { ...samples[round], ...(await probe.run(bed, path, seconds)) }
      }
    }
  }
  return { date: new Date().toISOString(), rounds, seconds, loadBefore }
}

/** What the rounds of one seat come to. */
export function collect(samples: readonly Sample[]): PeerResult {
  const result: Partial<Record<MetricName, Spread>> = {}
  for (const name of Object.keys(metrics) as MetricName[]) {
    const values = samples.map((one) => one[name]).filter((value) => value !== undefined)
    if (values.length > 0) result[name] = spread(values)
  }
  return result
}
