/** The tables of docs/performance.md, made of the results of the bench, so that nobody types a number. */
import { metrics, type MetricName } from './metrics/metric.ts'
import type { Cost } from './cost.ts'
import type { MachineResult } from './machine.ts'
import type { ScenarioResult } from './measure.ts'
import { isUndecided, isWorse, ours, type PairedRatio } from './ratio.ts'
import { cell, describe, describeMachine, describeTaken, entriesText, packetsOf, ratioCell, short, sizeCell } from './report.ts'
import type { Results } from './results.ts'
import type { TableCost } from './table-cost.ts'
import type { TableSizesResult } from './table-size.ts'
import { entriesVerdict, entriesWanted, ratioOf, targets, verdict } from './target.ts'

const marks = ['<!-- tables: begin -->', '<!-- tables: end -->'] as const

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(header), row(header.map(() => '---')), ...rows.map(row)].join('\n')

const limit = (metric: MetricName, wanted: number): string => `${metrics[metric].better === 'less' ? '≤' : '≥'} ${wanted}`

function targetTable(ratios: readonly PairedRatio[], tableSizes: TableSizesResult | undefined): string {
  const rows = targets.map((target) => {
    const { metric, scope, peer, wanted } = target
    const found = ratioOf(ratios, target)
    const [shown, judged] = found ? [ratioCell(found), verdict(found, wanted)] : ['-', 'not measured']
    return [metric, scope, peer, limit(metric, wanted), shown, found?.rounds.median.toFixed(2) ?? '-', judged]
  })
  const sizes = (tableSizes?.ratios ?? [])
    .filter(({ entries }) => entries === 100_000)
    .map((found) => [
      found.metric,
      'cross-host',
      '1 entry, with 100 000',
      limit(found.metric, entriesWanted(found.metric)),
      sizeCell(found),
      found.rounds.median.toFixed(3),
      entriesVerdict(found),
    ])
  const header = ['metric', 'scope', 'against', 'target', 'ratio of medians (by rounds)', 'median of the rounds', '']
  return table(header, [...rows, ...sizes])
}

/** Where ours is worse than a bridge with vxlan by the medians, and whether the rounds confirm it. */
function worse(ratios: readonly PairedRatio[]): string {
  const found = ratios.filter(({ peer, metric, ratio }) => peer === 'bridge-vxlan' && isWorse(metric, ratio))
  if (found.length === 0) return 'No metric is worse than bridge + vxlan under any of the conditions, by the medians.'
  const rows = found.map((one) => [
    one.metric,
    describe(one),
    ratioCell(one),
    one.rounds.median.toFixed(2),
    isUndecided(one) ? 'better in some rounds' : 'worse in every round',
  ])
  const header = ['metric', '', 'ratio of medians (by rounds)', 'median of the rounds', '']
  return `Worse than bridge + vxlan by the medians:\n\n${table(header, rows)}`
}

const absent = (missing: Readonly<Record<string, string>>): string =>
  Object.entries(missing)
    .map(([peer, why]) => ` ${peer}: ${why}.`)
    .join('')

function scenarioTable({ conditions, peers, taken, missing }: ScenarioResult): string {
  const names = Object.keys(metrics) as MetricName[]
  const rows = Object.entries(peers).map(([peer, values]) => [
    peer === ours ? `**${peer}**` : peer,
    ...names.map((name) => cell(values[name])),
  ])
  const header = ['', ...names.map((name) => `${name}, ${metrics[name].unit}`)]
  return `### ${describe(conditions)}\n\n${table(header, rows)}\n\n${describeTaken(taken)}.${absent(missing)}`
}

function tableSizesTable({ conditions, sizes, ratios, taken }: TableSizesResult): string {
  const shown = [...new Set(ratios.map(({ metric }) => metric))]
  const rows = Object.entries(sizes).map(([entries, values]) => [entriesText(Number(entries)), ...shown.map((name) => cell(values[name]))])
  const relative = [...new Set(ratios.map(({ entries }) => entries))].map((entries) => [
    `${entries} against 1 (quartiles of the rounds)`,
    ...shown.map((name) => sizeCell(ratios.find((one) => one.metric === name && one.entries === entries)!)),
  ])
  const title = `### ours with tables of three sizes side by side, across hosts, MTU ${conditions.mtu}`
  return `${title}\n\n${table(['', ...shown.map((name) => `${name}, ${metrics[name].unit}`)], [...rows, ...relative])}\n\n${describeTaken(taken)}.`
}

const tableCostsTable = (costs: readonly TableCost[]): string =>
  `### Programs by forwarding entries\n\n${table(
    ['program', 'packet', 'entries', 'ns', 'to one entry'],
    costs.map((one) => [`\`${one.program}\``, one.packet, packetsOf(one), one.nanoseconds.toFixed(0), `× ${one.ratio.toFixed(3)}`]),
  )}`

const groupCostsTable = (costs: readonly Cost[]): string =>
  `### Security groups and flows\n\n${table(
    ['what', 'cost'],
    costs.map(({ what, value, unit }) => [what, `${short(value)} ${unit}`]),
  )}`

function machineTable({ conditions, peers, taken, missing }: MachineResult): string {
  const rows = Object.entries(peers).map(([peer, values]) => [
    peer === ours ? `**${peer}**` : peer,
    cell(values['tcp-1']),
    cell(values['latency-p50']),
  ])
  const header = ['', 'tcp-1, Gb/s', 'half a ping, µs']
  return `### ${describeMachine(conditions)}\n\n${table(header, rows)}\n\n${describeTaken(taken)}.${absent(missing)}`
}

/** The results as Markdown. */
export function markdown({ machine, costs, tableCosts, groupCosts, scenarios, tableSizes, machines, pairedRatios }: Results): string {
  const where = `${machine.cpus} CPUs (${machine.model}), Linux ${machine.kernel}. Median (least-greatest of the rounds).`
  const programs = table(
    ['program', 'packet', 'ns'],
    (costs ?? []).map(({ program, packet, nanoseconds }) => [`\`${program}\``, packet, nanoseconds.toFixed(0)]),
  )
  const parts = [
    where,
    `### Targets\n\n${targetTable(pairedRatios, tableSizes)}`,
    worse(pairedRatios),
    ...scenarios.map(scenarioTable),
    tableSizes && tableSizesTable(tableSizes),
    ...machines.map(machineTable),
    costs && `### Programs\n\n${programs}`,
    tableCosts && tableCostsTable(tableCosts),
    groupCosts && groupCostsTable(groupCosts),
  ]
  return parts.filter(Boolean).join('\n\n')
}

/** Replace the text between the marks. Throws when they are missing. */
export function intoDocument(document: string, tables: string): string {
  const [begin, end] = marks.map((mark) => document.indexOf(mark)) as [number, number]
  if (begin < 0 || end < begin) throw new Error(`the document has no ${marks.join(' … ')}`)
  return `${document.slice(0, begin + marks[0].length)}\n\n${tables}\n\n${document.slice(end)}`
}
