/** Samples from the status of the agent. */
import type { AgentStatus } from '#agent/status.ts'
import * as table from '#metrics/agent.ts'
import type { Metric, Sample } from '#metrics/metric.ts'

const sample = (metric: Metric, value: number, ...labels: string[]): Sample => ({ metric, labels, value })

/** `status`: undefined when no agent runs. */
export function* agentSamples(status: AgentStatus | undefined, now: number): Generator<Sample> {
  yield sample(table.agentUp, status === undefined ? 0 : 1)
  if (status === undefined) return
  const { connected, items, errors, revision, applied, waitingSince, runs, cache } = status
  yield sample(table.agentConnected, 'trouble' in connected ? 0 : 1)
  yield sample(table.agentSince, Date.parse(connected.since) / 1000)
  yield sample(table.agentItems, items)
  for (const [code, of] of Map.groupBy(errors, ({ code }) => code)) yield sample(table.agentErrors, of.length, code)
  if (revision !== null) yield sample(table.agentRevision, Number(revision))
  if (applied !== null) yield sample(table.agentApplied, Number(applied))
  yield sample(table.agentLag, waitingSince === null ? 0 : Math.max(0, now - Date.parse(waitingSince)) / 1000)
  yield sample(table.agentRuns, runs.all)
  yield sample(table.agentFailures, runs.failed)
  yield sample(table.agentRunTime, runs.seconds)
  yield sample(table.agentCache, cache.trouble === null ? 1 : 0)
}
