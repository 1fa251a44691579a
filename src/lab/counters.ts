/**
 * The counters of a lab's hosts, summed up: what guests sent and got, what went through the underlay, what was dropped
 * and why.
 */
import type { SourceStats } from '#abi/info.ts'
import { Vpc } from '#client/vpc.ts'
import type { LabPlan } from './plan.ts'

export interface HostCounters {
  readonly host: string
  /** Frames that guests sent, dropped ones included. */
  readonly fromGuests: number
  /** Frames that were delivered to guests. */
  readonly toGuests: number
  readonly encapsulated: number
  readonly decapsulated: number
  /** ARP and ND questions that the datapath answered itself. */
  readonly answered: number
  /** By reason. */
  readonly dropped: Readonly<Record<string, number>>
}

/** Ask all hosts of a lab that is up. */
export const readCounters = (plan: LabPlan): Promise<HostCounters[]> =>
  Promise.all(
    plan.hosts.map(async ({ name, socket }) => {
      await using mgmt = await new Vpc({ socketPath: socket }).mgmt()
      return sumUp(name, await mgmt.stats())
    }),
  )

/** Sum the counters of one host up. */
export function sumUp(host: string, stats: readonly SourceStats[]): HostCounters {
  const ports = stats.filter(({ unit }) => unit.startsWith('vpcp'))
  const muxes = stats.filter(({ unit }) => unit.startsWith('vpcmux'))
  const sum = (sources: readonly SourceStats[], of: (source: SourceStats) => number): number =>
    sources.reduce((total, source) => total + of(source), 0)
  const dropped: Record<string, number> = {}
  for (const { drops } of stats) for (const [reason, count] of Object.entries(drops)) dropped[reason] = (dropped[reason] ?? 0) + count
  return {
    host,
    fromGuests: sum(ports, ({ rxPackets }) => rxPackets),
    toGuests: sum(ports, ({ txPackets }) => txPackets),
    encapsulated: sum(muxes, ({ txPackets }) => txPackets),
    decapsulated: sum(muxes, ({ rxPackets }) => rxPackets),
    answered: sum(stats, ({ answered }) => answered),
    dropped,
  }
}
