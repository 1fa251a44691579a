/** Measuring the parts of a run, one after the other. */
import { changeCosts } from './group-change.ts'
import { groupCosts } from './group-cost.ts'
import { machineSeconds, measureMachine } from './machine.ts'
import { measure, scenarioSeconds, type Effort } from './measure.ts'
import { programCosts } from './program-cost.ts'
import type { Progress } from './progress.ts'
import { report, reportCosts, reportGroupCosts, reportMachine, reportTableCosts, reportTableSizes } from './report.ts'
import { put, takenOf, type Measured } from './results.ts'
import type { Part, Run } from './scenario.ts'
import { tableCosts } from './table-cost.ts'
import { measureTableSizes, tableSizesSeconds } from './table-size.ts'

const PROGRAM_SECONDS = 5
const GROUP_SECONDS = 90

const effortOf = (part: Part, run: Run): Effort => (part.kind === 'table-sizes' ? run.tableSizes : run)

/** Seconds that a part should take. */
export function partSeconds(part: Part, run: Run): number {
  if (part.kind === 'programs') return PROGRAM_SECONDS
  if (part.kind === 'group-costs') return GROUP_SECONDS
  const effort = effortOf(part, run)
  if (part.kind === 'table-sizes') return tableSizesSeconds(effort)
  return (part.kind === 'machine' ? machineSeconds : scenarioSeconds)(part, effort)
}

/** Whether a part was measured already, with the same effort. */
export function isMeasured(measured: Measured, part: Part, run: Run): boolean {
  const taken = takenOf(measured, part)
  if (!taken) return taken === null
  const { rounds, seconds } = effortOf(part, run)
  return taken.rounds === rounds && taken.seconds === seconds
}

/** Measure one part. Returns the new measurements, and a report for people. */
export async function measurePart(part: Part, run: Run, before: Measured, progress: Progress): Promise<readonly [Measured, string]> {
  const effort = effortOf(part, run)
  if (part.kind === 'programs') {
    progress.step('test runs of the programs', PROGRAM_SECONDS)
    const [costs, byTable] = [programCosts(), tableCosts()]
    return [{ ...before, costs, tableCosts: byTable }, `${reportCosts(costs)}\n\n${reportTableCosts(byTable)}`]
  }
  if (part.kind === 'group-costs') {
    progress.step('test runs with security groups, and a large group that changes', GROUP_SECONDS)
    const costs = [...groupCosts(), ...(await changeCosts())]
    return [{ ...before, groupCosts: costs }, reportGroupCosts(costs)]
  }
  if (part.kind === 'table-sizes') {
    const tableSizes = await measureTableSizes(effort, progress)
    return [{ ...before, tableSizes }, reportTableSizes(tableSizes)]
  }
  if (part.kind === 'machine') {
    const result = await measureMachine(part, effort, progress)
    return [{ ...before, machines: put(before.machines, result) }, reportMachine(result)]
  }
  const result = await measure(part, effort, progress)
  return [{ ...before, scenarios: put(before.scenarios, result) }, report(result)]
}
