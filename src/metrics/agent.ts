/** The metrics that the exporter of a host has from its agent, and of itself. */
import type { Metric, MetricSource } from './metric.ts'

const make =
  (source: MetricSource) =>
  (name: string, type: 'counter' | 'gauge', unit: Metric['unit'], help: string, labels: readonly string[] = [], bound = 'one'): Metric => ({
    name: `vpc_${name}`,
    type,
    labels,
    help,
    unit,
    source,
    bound,
  })

const agent = make('agent')
export const agentUp = agent('agent_up', 'gauge', '1', 'Whether the agent of the host runs; no series on a host without one.')
export const agentConnected = agent('agent_connected', 'gauge', '1', 'Whether its feed from the API is open.')
export const agentSince = agent('agent_connection_change_time_seconds', 'gauge', 'seconds', 'When that changed last.')
export const agentItems = agent('agent_items', 'gauge', '1', 'Items that the API has told.')
export const agentErrors = agent(
  'agent_errors',
  'gauge',
  '1',
  'Items that the host cannot do.',
  ['code'],
  'one for each code of an error; the list is closed',
)
export const agentRevision = agent('agent_revision', 'gauge', '1', 'Revision of the cloud that the API has told.')
export const agentApplied = agent('agent_applied_revision', 'gauge', '1', 'Revision that vpcd has been made to do.')
export const agentLag = agent('agent_lag_seconds', 'gauge', 'seconds', 'How long the oldest revision waits that vpcd does not do yet.')
export const agentRuns = agent('agent_runs_total', 'counter', 'events', 'Runs that had vpcd do what the API told.')
export const agentFailures = agent('agent_failed_runs_total', 'counter', 'events', 'Those of them that failed as a whole.')
export const agentRunTime = agent('agent_run_seconds_total', 'counter', 'seconds', 'How long they took together.')
export const agentCache = agent('agent_cache_writable', 'gauge', '1', 'Whether the agent can write its cache.')

const exporter = make('exporter')
export const exporterSeconds = exporter('exporter_gather_seconds', 'gauge', 'seconds', 'How long it took to gather these metrics.')
export const exporterLeftOut = exporter(
  'exporter_left_out_series',
  'gauge',
  '1',
  'Series that a metric has beyond --max-series; they are left out.',
  ['metric'],
  'one for each metric that has too many',
)
/** All of them. */
export const agentMetrics: readonly Metric[] = [
  agentUp,
  agentConnected,
  agentSince,
  agentItems,
  agentErrors,
  agentRevision,
  agentApplied,
  agentLag,
  agentRuns,
  agentFailures,
  agentRunTime,
  agentCache,
]
export const exporterMetrics: readonly Metric[] = [exporterSeconds, exporterLeftOut]
