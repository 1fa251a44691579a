/** The results of a run as `--json` keeps them, so that parts of it can be measured again by themselves. */
import { cpus, release } from 'node:os'
import type { MachineResult } from './machine.ts'
import type { ScenarioResult } from './measure.ts'
import type { Cost } from './cost.ts'
import type { Conditions } from './peer.ts'
import type { ProgramCost } from './program-cost.ts'
import { pairedRatios, ratios, type PairedRatio, type Ratio } from './ratio.ts'
import type { Taken } from './rounds.ts'
import type { Part } from './scenario.ts'
import type { TableCost } from './table-cost.ts'
import type { TableSizesResult } from './table-size.ts'

export interface Hardware {
  readonly cpus: number
  readonly model: string
  readonly kernel: string
}

/** What was measured, part by part. */
export interface Measured {
  readonly costs?: readonly ProgramCost[]
  readonly tableCosts?: readonly TableCost[]
  readonly groupCosts?: readonly Cost[]
  readonly scenarios: readonly ScenarioResult[]
  readonly tableSizes?: TableSizesResult
  /** Container to virtual machine. */
  readonly machines: readonly MachineResult[]
}

/** Everything that a run gives, as `--json` writes it. */
export interface Results extends Measured {
  /** Facts about the last measurements. */
  readonly date: string
  readonly machine: Hardware
  readonly ratios: readonly Ratio[]
  /** The same ratios with those of each round. */
  readonly pairedRatios: readonly PairedRatio[]
}

export const nothing: Measured = { scenarios: [], machines: [] }

/** The machine that this runs on. */
export const thisMachine = (): Hardware => ({ cpus: cpus().length, model: cpus()[0]?.model ?? 'unknown', kernel: release() })

/** Everything that follows from the measurements. */
export const complete = (measured: Measured, machine: Hardware): Results => ({
  date: new Date().toISOString(),
  machine,
  ...measured,
  ratios: ratios(measured.scenarios),
  pairedRatios: pairedRatios(measured.scenarios),
})

const orderOf = ({ scope, mtu, offload, entries, groups = false, outside = false }: Conditions): number[] => [
  outside ? 1 : 0,
  groups ? 1 : 0,
  scope === 'cross-host' ? 0 : 1,
  entries,
  mtu,
  offload ? 0 : 1,
]

function inOrder(a: Conditions, b: Conditions): number {
  const [one, other] = [orderOf(a), orderOf(b)]
  const at = one.findIndex((value, i) => value !== other[i])
  return at < 0 ? 0 : one[at]! - other[at]!
}

interface Conditioned {
  readonly conditions: Conditions
}

/** A result in the place of the one under the same conditions, the targets' conditions first. */
export function put<T extends Conditioned>(all: readonly T[], one: T): T[] {
  const others = all.filter(({ conditions }) => inOrder(conditions, one.conditions) !== 0)
  return [...others, one].toSorted((a, b) => inOrder(a.conditions, b.conditions))
}

/** When a part was measured; undefined when it was not, null when that is not noted. */
export function takenOf(measured: Measured, part: Part): Taken | null | undefined {
  if (part.kind === 'programs') return measured.costs && measured.tableCosts && null
  if (part.kind === 'group-costs') return measured.groupCosts && null
  if (part.kind === 'table-sizes') return measured.tableSizes?.taken
  const among: readonly (Conditioned & { readonly taken: Taken })[] = part.kind === 'machine' ? measured.machines : measured.scenarios
  return among.find(({ conditions }) => inOrder(conditions, part.conditions) === 0)?.taken
}

/** Read what `--json` wrote. Throws an Error that says why it can not be continued on this machine. */
export function continued(text: string, machine: Hardware): Measured {
  const found = JSON.parse(text) as Partial<Results>
  if (!found.machine || !found.machines || !found.scenarios?.every(({ taken }) => taken !== undefined))
    throw new Error('it is not of this version of the bench')
  const differ = (['cpus', 'model', 'kernel'] as const).filter((key) => found.machine![key] !== machine[key])
  if (differ.length > 0) throw new Error(`it is of another machine: ${differ.map((key) => `${key} ${found.machine![key]}`).join(', ')}`)
  const { costs, tableCosts, groupCosts, scenarios, tableSizes, machines } = found
  return {
    scenarios,
    machines,
    ...(costs && { costs }),
    ...(tableCosts && { tableCosts }),
    ...(groupCosts && { groupCosts }),
    ...(tableSizes && { tableSizes }),
  }
}
