/** Samples from what vpcd says. */
import type { Id } from '#abi/id.ts'
import type { SourceStats } from '#abi/info.ts'
import * as table from '#metrics/host.ts'
import type { Metric, Sample } from '#metrics/metric.ts'
import type { HostFacts } from './host-facts.ts'

/** Words of the cloud for an object; empty where there are none. */
export interface Place {
  readonly vnic: string
  readonly vpc: string
}

export interface HostSampleOptions {
  readonly placeOf: (id: Id) => Place
  readonly rules: boolean
  readonly queues: boolean
}

const none = { vnic: '', vpc: '' } as const
const sample = (metric: Metric, value: number, ...labels: string[]): Sample => ({ metric, labels, value })

/** All of them. */
export function* hostSamples(facts: HostFacts, options: HostSampleOptions): Generator<Sample> {
  const labels = labelsOf(facts, options)
  yield* unitSamples(facts.stats, labels)
  yield* flowSamples(facts, labels)
  if (options.rules) yield* ruleSamples(facts)
  if (options.queues) yield* queueSamples(facts, labels)
  yield* objectSamples(facts)
  const { info, memory } = facts
  yield sample(table.daemonUp, 1)
  yield sample(table.daemonInfo, 1, info.version)
  yield sample(table.daemonStart, Date.parse(info.startedAt) / 1000)
  yield sample(table.daemonDescriptors, info.descriptors)
  if (memory !== undefined) yield sample(table.daemonMemory, memory)
}

type Labels = ReadonlyMap<Id, readonly [unit: string, peer: string, vnic: string, vpc: string]>

/** The labels of each port, mux and NAT. */
function labelsOf({ stats }: HostFacts, { placeOf }: HostSampleOptions): Labels {
  return new Map(
    stats.map(({ id, unit, peerUnit }) => {
      const { vnic, vpc } = placeOf(id) ?? none
      return [id, [unit, peerUnit ?? '', vnic, vpc]]
    }),
  )
}

function* unitSamples(stats: readonly SourceStats[], labels: Labels): Generator<Sample> {
  for (const each of stats) {
    const own = labels.get(each.id)!
    for (const [key, metric] of Object.entries(table.unitCounters))
      yield sample(metric, each[key as keyof typeof table.unitCounters], ...own)
    for (const [reason, count] of Object.entries(each.drops)) yield sample(table.dropped, count, ...own, reason)
  }
}

function* flowSamples({ usage: { ports, young, nats } }: HostFacts, labels: Labels): Generator<Sample> {
  for (const { id, flows, maxFlows } of ports) {
    const own = labels.get(id)
    if (own === undefined) continue
    yield sample(table.flows, flows, ...own)
    yield sample(table.flowsLimit, maxFlows, ...own)
  }
  for (const { id, blocks, maxBlocks } of nats) {
    const own = labels.get(id)
    if (own === undefined) continue
    yield sample(table.natBlocks, blocks, ...own)
    yield sample(table.natBlocksLimit, maxBlocks, ...own)
  }
  yield sample(table.youngFlows, young.flows)
  yield sample(table.youngFlowsLimit, young.maxFlows)
}

function* ruleSamples({ usage: { rules }, headers, groupNames }: HostFacts): Generator<Sample> {
  const units = new Map(headers.map(({ id, unit }) => [id, unit]))
  for (const { group, rule, flows } of rules)
    yield sample(table.ruleFlows, flows, units.get(group) ?? group, groupNames.get(group) ?? '', rule)
}

function* queueSamples({ usage: { queues }, headers, stats }: HostFacts, labels: Labels): Generator<Sample> {
  const units = new Map(headers.map(({ id, unit }) => [id, unit]))
  const vnics = new Map(stats.map(({ id, peerUnit }) => [peerUnit, labels.get(id)![2]]))
  for (const { id, queue, ...counts } of queues) {
    const unit = units.get(id) ?? id
    for (const [key, metric] of Object.entries(table.queueCounters))
      yield sample(metric, counts[key as keyof typeof table.queueCounters], unit, String(queue), vnics.get(unit) ?? '')
  }
}

function* objectSamples({ headers, troubles, muxes }: HostFacts): Generator<Sample> {
  const typeOf = (unit: string): string => unit.replace(/\d+$/, '')
  const inTrouble = Map.groupBy(troubles, ({ unit }) => typeOf(unit))
  for (const [type, of] of Map.groupBy(headers, ({ type }) => type)) {
    yield sample(table.objects, of.length, type)
    yield sample(table.troubles, inTrouble.get(type)?.length ?? 0, type)
  }
  for (const { unit, entries, objections } of muxes) {
    yield sample(table.muxEntries, entries, unit)
    for (const way of ['out', 'in'] as const) yield sample(table.muxDirect, objections[way].length === 0 ? 1 : 0, unit, way)
  }
}
