/** One scenario: all peers set up, measured round by round, taken down. */
import { Bed } from './bed.ts'
import { probes, probeSeconds } from './metrics/metric.ts'
import type { Conditions, Peer } from './peer.ts'
import type { Progress } from './progress.ts'
import type { PeerResult } from './ratio.ts'
import { collect, measureRounds, seat, seatSeconds, type Seat, type Taken } from './rounds.ts'

/** The conditions and the peers. */
export interface Scenario {
  readonly conditions: Conditions
  readonly peers: readonly Peer[]
  /** Peers that one round is enough for. */
  readonly once?: readonly Peer[]
}

export interface Effort {
  readonly rounds: number
  readonly seconds: number
}

export interface ScenarioResult {
  readonly conditions: Conditions
  readonly taken: Taken
  readonly peers: Readonly<Record<string, PeerResult>>
  /** Peers that this machine cannot set up, and why. */
  readonly missing: Readonly<Record<string, string>>
}

const all = Object.values(probes)

/** Seconds that `measure` takes. */
export const scenarioSeconds = ({ conditions, peers, once = [] }: Scenario, { rounds, seconds }: Effort): number =>
  peers.reduce((sum, peer) => sum + seatSeconds(peer, conditions) + probeSeconds(all, seconds, once.includes(peer) ? 1 : rounds), 0)

/** Set every peer up, measure all of them round by round, take them down. */
export async function measure({ conditions, peers, once = [] }: Scenario, effort: Effort, progress: Progress): Promise<ScenarioResult> {
  await using stack = new AsyncDisposableStack()
  const seats: Seat[] = []
  const missing: Record<string, string> = {}
  for (const [i, peer] of peers.entries()) {
    progress.step(`setting up ${peer.name}`, seatSeconds(peer, conditions))
    const bed = stack.use(new Bed(String(i)))
    const why = peer.missing?.(bed)
    if (why === undefined) seats.push({ ...(await seat(bed, peer, conditions)), once: once.includes(peer) })
    else missing[peer.name] = why
  }
  const taken = await measureRounds(seats, all, effort, progress)
  return { conditions, taken, missing, peers: Object.fromEntries(seats.map(({ name, samples }) => [name, collect(samples)])) }
}
