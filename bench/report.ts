/** The tables that a person reads: a scenario each, a row a peer, medians with their range and our ratio to them. */
import { metrics, type MetricName } from './metrics/metric.ts'
import type { Cost } from './cost.ts'
import type { ScenarioResult } from './measure.ts'
import { ours, pairedRatios, type PairedRatio } from './ratio.ts'
import type { Conditions } from './peer.ts'
import type { MachineResult } from './machine.ts'
import type { ProgramCost } from './program-cost.ts'
import type { Taken } from './rounds.ts'
import type { Spread } from './spread.ts'
import type { TableCost } from './table-cost.ts'
import type { SizeRatio, TableSizesResult } from './table-size.ts'

const names = Object.keys(metrics) as MetricName[]

/** Three significant digits at the most. */
export const short = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3))))

export const entriesText = (entries: number): string => (entries === 1 ? '1 entry' : `${entries} entries`)

/** `across hosts, MTU 1450, offloads on, 1 entry`. */
export function describe({ scope, mtu, offload, entries, groups = false, outside = false }: Conditions): string {
  if (outside) return `a guest and the outside, source NAT, MTU ${mtu}`
  const where = `${groups ? 'with security rules, ' : ''}${scope === 'cross-host' ? 'across hosts' : 'on one host'}`
  return scope === 'same-host'
    ? `${where}, MTU ${mtu}`
    : `${where}, MTU ${mtu}, offloads ${offload ? 'on' : 'off'}, ${entriesText(entries)}`
}

export const describeMachine = ({ mtu, offload }: Conditions): string =>
  `container to virtual machine (QEMU, emulated), across hosts, MTU ${mtu}, offloads ${offload ? 'on' : 'off'}`

/** A median with its range. */
export const cell = (value: Spread | undefined): string =>
  value === undefined ? '-' : `${short(value.median)} (${short(value.min)}-${short(value.max)})`

/** A ratio with the range of those of the single rounds. */
export const ratioCell = ({ ratio, rounds }: PairedRatio): string =>
  `× ${ratio.toFixed(2)} (${rounds.min.toFixed(2)}-${rounds.max.toFixed(2)})`

/** A ratio with the quartiles of those of the single rounds. */
export const sizeCell = ({ ratio, rounds }: SizeRatio): string => `× ${ratio.toFixed(3)} (${rounds.q1.toFixed(3)}-${rounds.q3.toFixed(3)})`

export const packetsOf = ({ entries, spread }: TableCost): string =>
  entries === 1 ? '1' : `${entries}, ${spread ? 'each packet another one' : 'all packets one of them'}`

/** When something was measured, how often, and beside what. */
export const describeTaken = ({ date, rounds, seconds, loadBefore }: Taken): string =>
  `${date.slice(0, 16)}Z, ${rounds} ${rounds === 1 ? 'round' : 'rounds'} of ${seconds} s, load before them ${loadBefore.map((value) => value.toFixed(1)).join(' ')}`

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const absent = (missing: Readonly<Record<string, string>>): string[] => Object.entries(missing).map(([peer, why]) => `${peer}: ${why}`)

/** One scenario as text: the medians, then what ours is in relation to each peer. */
export function report(result: ScenarioResult): string {
  const header = ['', ...names.map((name) => `${name} ${metrics[name].unit}`)]
  const rows = Object.entries(result.peers).map(([peer, values]) => [peer, ...names.map((name) => cell(values[name]))])
  const found = pairedRatios([result])
  const relative = Object.keys(result.peers)
    .filter((peer) => found.some((ratio) => ratio.peer === peer))
    .map((peer) => [
      `${ours} / ${peer}`,
      ...names.map((name) => {
        const ratio = found.find((one) => one.peer === peer && one.metric === name)
        return ratio === undefined ? '-' : ratioCell(ratio)
      }),
    ])
  const text = table([header, ...rows, ...relative])
  return [describe(result.conditions), text, describeTaken(result.taken), ...absent(result.missing)].join('\n')
}

/** What each program costs, as text. */
export const reportCosts = (costs: readonly ProgramCost[]): string =>
  `programs, ns per packet\n${table(costs.map(({ program, packet, nanoseconds }) => [program, packet, nanoseconds.toFixed(0)]))}`

/** What the programs cost with tables of several sizes, as text. */
export const reportTableCosts = (costs: readonly TableCost[]): string =>
  `programs by forwarding entries, ns per packet\n${table(
    costs.map((one) => [one.program, one.packet, packetsOf(one), one.nanoseconds.toFixed(0), `× ${one.ratio.toFixed(3)}`]),
  )}`

/** What security groups cost, as text. */
export const reportGroupCosts = (costs: readonly Cost[]): string =>
  `security groups\n${table(costs.map(({ what, value, unit }) => [what, short(value), unit]))}`

/** Tables of several sizes side by side, as text. */
export function reportTableSizes({ conditions, taken, sizes, ratios }: TableSizesResult): string {
  const shown = [...new Set(ratios.map(({ metric }) => metric))]
  const rows = Object.entries(sizes).map(([entries, values]) => [entriesText(Number(entries)), ...shown.map((name) => cell(values[name]))])
  const relative = [...new Set(ratios.map(({ entries }) => entries))].map((entries) => [
    `${entries} / 1`,
    ...shown.map((name) => sizeCell(ratios.find((one) => one.metric === name && one.entries === entries)!)),
  ])
  const header = ['', ...shown.map((name) => `${name} ${metrics[name].unit}`)]
  return `${ours} with tables of several sizes, MTU ${conditions.mtu}\n${table([header, ...rows, ...relative])}\n${describeTaken(taken)}`
}

/** A container and a virtual machine, as text. */
export function reportMachine({ conditions, taken, peers, missing }: MachineResult): string {
  const rows = Object.entries(peers).map(([peer, values]) => [peer, cell(values['tcp-1']), cell(values['latency-p50'])])
  const text = table([['', 'tcp-1 Gb/s', 'half a ping µs'], ...rows])
  return [describeMachine(conditions), text, describeTaken(taken), ...absent(missing)].join('\n')
}
