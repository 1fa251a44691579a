/** The tables of docs/performance.md, made of the results of one run, so that nobody types a number. */
import { metrics, type MetricName } from './metrics/metric.ts'
import type { MachineResult } from './machine.ts'
import { ours, type Ratio, type ScenarioResult } from './measure.ts'
import type { ProgramCost } from './program-cost.ts'
import { describe, short } from './report.ts'

/** Everything that one run gives, as `--json` writes it. */
export interface Results {
  readonly date: string
  readonly machine: { readonly cpus: number; readonly model: string; readonly kernel: string }
  readonly rounds: number
  readonly seconds: number
  readonly costs: readonly ProgramCost[]
  readonly scenarios: readonly ScenarioResult[]
  readonly toMachine?: MachineResult
  readonly ratios: readonly Ratio[]
}

/** A target of the project: our median over a peer's, under the conditions of the first scenario of that scope. */
interface Target {
  readonly metric: MetricName
  readonly peer: string
  readonly scope: Ratio['scope']
  readonly wanted: number
}

const targets: readonly Target[] = [
  { metric: 'tcp-1', peer: 'bridge-vxlan', scope: 'cross-host', wanted: 1.3 },
  { metric: 'tcp-1', peer: 'raw', scope: 'cross-host', wanted: 0.92 },
  { metric: 'udp-64', peer: 'bridge-vxlan', scope: 'cross-host', wanted: 1.8 },
  { metric: 'udp-64', peer: 'raw', scope: 'cross-host', wanted: 0.75 },
  { metric: 'cpu-per-gb', peer: 'bridge-vxlan', scope: 'cross-host', wanted: 0.72 },
  { metric: 'cpu-per-gb', peer: 'raw', scope: 'cross-host', wanted: 1.1 },
  { metric: 'connections', peer: 'bridge-vxlan', scope: 'cross-host', wanted: 1.18 },
  { metric: 'connections', peer: 'raw', scope: 'cross-host', wanted: 0.88 },
  { metric: 'udp-64', peer: 'bridge-vxlan', scope: 'same-host', wanted: 1.2 },
  { metric: 'udp-64', peer: 'raw', scope: 'same-host', wanted: 0.9 },
]

const marks = ['<!-- tables: begin -->', '<!-- tables: end -->'] as const

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(header), row(header.map(() => '---')), ...rows.map(row)].join('\n')

function targetTable(ratios: readonly Ratio[]): string {
  const rows = targets.map(({ metric, peer, scope, wanted }) => {
    const found = ratios.find((ratio) => ratio.metric === metric && ratio.peer === peer && ratio.scope === scope)
    const less = metrics[metric].better === 'less'
    const met = found !== undefined && (less ? found.ratio <= wanted : found.ratio >= wanted)
    return [metric, scope, peer, `${less ? '≤' : '≥'} ${wanted}`, found?.ratio.toFixed(2) ?? '-', met ? 'met' : '**not met**']
  })
  return table(['metric', 'scope', 'against', 'target', 'this run', ''], rows)
}

function scenarioTable({ conditions, peers, loadBefore, missing }: ScenarioResult): string {
  const names = Object.keys(metrics) as MetricName[]
  const rows = Object.entries(peers).map(([peer, values]) => [
    peer === ours ? `**${peer}**` : peer,
    ...names.map((name) => {
      const value = values[name]
      return value === undefined ? '-' : `${short(value.median)} (${short(value.min)}-${short(value.max)})`
    }),
  ])
  const load = `Load before the rounds: ${loadBefore.map((value) => value.toFixed(1)).join(', ')}.`
  const absent = Object.entries(missing).map(([peer, why]) => ` ${peer}: ${why}.`)
  const header = ['', ...names.map((name) => `${name}, ${metrics[name].unit}`)]
  return `### ${describe(conditions)}\n\n${table(header, rows)}\n\n${load}${absent.join('')}`
}

/** Where ours is worse than a bridge with vxlan, by the medians of the run. */
function worse(ratios: readonly Ratio[]): string {
  const found = ratios.filter(
    ({ peer, metric, ratio }) => peer === 'bridge-vxlan' && (metrics[metric].better === 'less' ? ratio > 1 : ratio < 1),
  )
  if (found.length === 0) return 'No metric is worse than bridge + vxlan under any of the conditions.'
  const items = found.map(({ metric, ratio, ...conditions }) => `- ${metric}, ${describe(conditions)}: × ${ratio.toFixed(2)}`)
  return `Worse than bridge + vxlan by the medians of this run:\n\n${items.join('\n')}`
}

function entriesCost(scenarios: readonly ScenarioResult[]): string {
  const of = (entries: number) => scenarios.find(({ conditions }) => conditions.entries === entries)?.peers[ours]
  const [one, many] = [of(1), of(100_000)]
  if (one === undefined || many === undefined) return ''
  const shown = (['tcp-1', 'udp-64', 'connections'] as const).map(
    (name) => `${name} × ${(many[name]!.median / one[name]!.median).toFixed(2)}`,
  )
  return `100 000 entries against 1, ours: ${shown.join(', ')}.`
}

function machineTable({ peers, loadBefore }: MachineResult): string {
  const cell = (value: { median: number; min: number; max: number }): string =>
    `${short(value.median)} (${short(value.min)}-${short(value.max)})`
  const rows = Object.entries(peers).map(([peer, values]) => [peer, cell(values['tcp-1']), cell(values['latency-p50'])])
  const load = `Load before the rounds: ${loadBefore.map((value) => value.toFixed(1)).join(', ')}.`
  return `### container to virtual machine (QEMU, emulated), across hosts\n\n${table(['', 'tcp-1, Gb/s', 'half a ping, µs'], rows)}\n\n${load}`
}

/** The results as Markdown. */
export function markdown({ date, machine, rounds, seconds, costs, scenarios, toMachine, ratios }: Results): string {
  const where = `${date.slice(0, 16)}Z, ${machine.cpus} CPUs (${machine.model}), Linux ${machine.kernel}, ${rounds} rounds of ${seconds} s. Median (least-greatest).`
  const programs = table(
    ['program', 'packet', 'ns'],
    costs.map(({ program, packet, nanoseconds }) => [`\`${program}\``, packet, nanoseconds.toFixed(0)]),
  )
  const parts = [where, `### Targets\n\n${targetTable(ratios)}`, worse(ratios), entriesCost(scenarios), ...scenarios.map(scenarioTable)]
  return [...parts, ...(toMachine ? [machineTable(toMachine)] : []), `### Programs\n\n${programs}`].filter(Boolean).join('\n\n')
}

/** Replace what stands between the marks. Throws when they are not there. */
export function intoDocument(document: string, tables: string): string {
  const [begin, end] = marks.map((mark) => document.indexOf(mark)) as [number, number]
  if (begin < 0 || end < begin) throw new Error(`the document has no ${marks.join(' … ')}`)
  return `${document.slice(0, begin + marks[0].length)}\n\n${tables}\n\n${document.slice(end)}`
}
