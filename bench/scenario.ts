/** Which conditions are measured, and with which peers: the full matrix, or the part of it that fits into two minutes. */
import { bridgeConntrack, bridgeVxlan } from './peers/bridge-vxlan.ts'
import { movedVxlan } from './peers/moved-vxlan.ts'
import { ovsUserspace } from './peers/ovs-userspace.ts'
import { raw } from './peers/raw.ts'
import { vpc } from './peers/vpc.ts'
import type { Conditions, Peer } from './peer.ts'

export const peers: readonly Peer[] = [raw, vpc, movedVxlan, bridgeVxlan, bridgeConntrack, ovsUserspace]

export interface Scenario {
  readonly conditions: Conditions
  readonly peers: readonly Peer[]
}

export interface Effort {
  readonly rounds: number
  readonly seconds: number
  readonly scenarios: readonly Scenario[]
  /** From a container to a virtual machine. */
  readonly machine?: Scenario
}

const base: Conditions = { scope: 'cross-host', mtu: 1450, offload: true, entries: 1 }

function scenario(change: Partial<Conditions>, among: readonly Peer[] = peers): Scenario {
  const conditions = { ...base, ...change }
  return { conditions, peers: among.filter((peer) => peer.scopes.includes(conditions.scope)) }
}

/** The limit, ours, and what most hosts run: what every condition is measured with. */
const essential: readonly Peer[] = [raw, vpc, bridgeVxlan]
const withEntries = essential.filter((peer) => peer.hasEntries)

/** Every condition that users meet: both MTUs with offloads on and off, one host, tables of three sizes, and a virtual machine. */
export const full: Effort = {
  rounds: 5,
  seconds: 2,
  scenarios: [
    scenario({}),
    scenario({ scope: 'same-host' }),
    scenario({ offload: false }, essential),
    scenario({ mtu: 8950 }, essential),
    scenario({ mtu: 8950, offload: false }, essential),
    scenario({ entries: 1000 }, withEntries),
    scenario({ entries: 100_000 }, withEntries),
  ],
  machine: scenario({}),
}

/** Two minutes: the conditions that the targets are set for. */
export const quick: Effort = {
  rounds: 2,
  seconds: 1,
  scenarios: [scenario({}), scenario({ scope: 'same-host' })],
}
