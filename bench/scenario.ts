/**
 * Which conditions are measured, and with which peers: the full matrix, or the part of it that fits into two minutes.
 */
import { bridgeConntrack, bridgeVxlan } from './peers/bridge-vxlan.ts'
import { movedVxlan } from './peers/moved-vxlan.ts'
import { kernelNat, kernelRouter, vpcNat, vpcRouted } from './peers/nat.ts'
import { ovsUserspace } from './peers/ovs-userspace.ts'
import { raw } from './peers/raw.ts'
import { routed } from './peers/routed.ts'
import { vpc } from './peers/vpc.ts'
import { bridgeRules, ovsRules, vpcOpen } from './peers/with-rules.ts'
import type { Effort, Scenario } from './measure.ts'
import type { Conditions, Peer } from './peer.ts'

export const peers: readonly Peer[] = [raw, routed, vpc, movedVxlan, bridgeVxlan, bridgeConntrack, ovsUserspace]

/** One piece of a run, which can be chosen and repeated by itself. */
export type Part =
  /** What the programs cost, by test runs. */
  | { readonly kind: 'programs' }
  /** What security groups cost, and how flows fill a host, by test runs. */
  | { readonly kind: 'group-costs' }
  /** Ours with tables of three sizes side by side. */
  | { readonly kind: 'table-sizes' }
  /** Container to container, also with security rules, to the outside, or to a virtual machine. */
  | ({ readonly kind: 'container' | 'groups' | 'nat' | 'machine' } & Scenario)

export interface Run extends Effort {
  /** Of the comparison of table sizes: short and often, since the difference is small. */
  readonly tableSizes: Effort
  readonly parts: readonly Part[]
}

const base: Conditions = { scope: 'cross-host', mtu: 1450, offload: true, entries: 1 }

function container(change: Partial<Conditions>, once: readonly Peer[] = []): Part {
  const conditions = { ...base, ...change }
  const able = peers.filter((peer) => peer.scopes.includes(conditions.scope) && (conditions.entries === 1 || peer.hasEntries))
  return { kind: 'container', conditions, peers: able, once }
}

const groups: Part = {
  kind: 'groups',
  conditions: { ...base, groups: true },
  peers: [vpc, vpcOpen, bridgeRules, ovsRules],
  once: [ovsRules],
}

const nat: Part = {
  kind: 'nat',
  conditions: { ...base, scope: 'same-host', outside: true },
  peers: [vpcNat, vpcRouted, kernelNat, kernelRouter],
}

const wires: readonly Partial<Conditions>[] = [1450, 8950].flatMap((mtu) => [true, false].map((offload) => ({ mtu, offload })))

/**
 * Every condition that users meet: both MTUs with offloads on and off, tables of three sizes, one host, and a virtual
 * machine.
 */
export const full: Run = {
  rounds: 5,
  seconds: 1,
  tableSizes: { rounds: 15, seconds: 1 },
  parts: [
    { kind: 'programs' },
    ...[1, 1000, 100_000].flatMap((entries) => wires.map((wire) => container({ ...wire, entries }))),
    ...[1450, 8950].map((mtu) => container({ scope: 'same-host', mtu })),
    groups,
    nat,
    { kind: 'group-costs' },
    { kind: 'table-sizes' },
    ...wires.map((wire): Part => ({ kind: 'machine', conditions: { ...base, ...wire }, peers })),
  ],
}

/** Two minutes: the conditions that the targets are set for, and the peers that they name more than once. */
export const quick: Run = {
  rounds: 2,
  seconds: 1,
  tableSizes: { rounds: 2, seconds: 1 },
  parts: [{ kind: 'programs' }, container({}, [movedVxlan, bridgeConntrack, ovsUserspace]), container({ scope: 'same-host' })],
}
