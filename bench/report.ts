/** The tables that a person reads: a scenario each, a row a peer, medians with their range and our ratio to them. */
import { metrics, type MetricName } from './metrics/metric.ts'
import { ours, type ScenarioResult, type Spread } from './measure.ts'
import type { Conditions } from './peer.ts'
import type { MachineResult } from './machine.ts'
import type { ProgramCost } from './program-cost.ts'

const names = Object.keys(metrics) as MetricName[]

/** Three significant digits at the most. */
export const short = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3))))

/** `across hosts, MTU 1450, offloads on, 1 entry`. */
export function describe({ scope, mtu, offload, entries }: Conditions): string {
  const where = scope === 'cross-host' ? 'across hosts' : 'on one host'
  const table = entries === 1 ? '1 entry' : `${entries} entries`
  return scope === 'same-host' ? `${where}, MTU ${mtu}` : `${where}, MTU ${mtu}, offloads ${offload ? 'on' : 'off'}, ${table}`
}

const cell = (value: Spread | undefined): string =>
  value === undefined ? '-' : `${short(value.median)} (${short(value.min)}-${short(value.max)})`

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

/** One scenario as text: the medians, then what ours is in relation to each peer. */
export function report(result: ScenarioResult): string {
  const header = ['', ...names.map((name) => `${name} ${metrics[name].unit}`)]
  const rows = Object.entries(result.peers).map(([peer, values]) => [peer, ...names.map((name) => cell(values[name]))])
  const own = result.peers[ours]
  const relative = Object.entries(result.peers)
    .filter(([peer]) => own !== undefined && peer !== ours)
    .map(([peer, values]) => [
      `${ours} / ${peer}`,
      ...names.map((name) => (own![name] && values[name]?.median ? `× ${(own![name].median / values[name].median).toFixed(2)}` : '-')),
    ])
  const missing = Object.entries(result.missing).map(([peer, why]) => `${peer}: ${why}`)
  const load = `load before the rounds: ${result.loadBefore.map((value) => value.toFixed(1)).join(' ')}`
  return [describe(result.conditions), table([header, ...rows, ...relative]), load, ...missing].join('\n')
}

/** What each program costs, as text. */
export const reportCosts = (costs: readonly ProgramCost[]): string =>
  `programs, ns per packet\n${table(costs.map(({ program, packet, nanoseconds }) => [program, packet, nanoseconds.toFixed(0)]))}`

/** A container and a virtual machine, as text. */
export const reportMachine = ({ peers }: MachineResult): string =>
  `container to virtual machine, across hosts\n${table([
    ['', 'tcp-1 Gb/s', 'latency-p50 µs'],
    ...Object.entries(peers).map(([peer, values]) => [peer, cell(values['tcp-1']), cell(values['latency-p50'])]),
  ])}`
