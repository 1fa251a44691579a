/** A metric as data. Exporter, API, docs/metrics.md and the checks of dashboard and alerts are made from these. */

/** Who has it: the exporter of a host, from vpcd or from the agent; or the API. */
export type MetricSource = 'vpcd' | 'agent' | 'exporter' | 'api'

export interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** One sentence. */
  readonly help: string
  /** Of its values, as docs/metrics.md says it. */
  readonly unit: 'packets' | 'bytes' | 'seconds' | 'flows' | 'events' | '1'
  readonly source: MetricSource
  /** How many series there can be, in words. */
  readonly bound: string
}

/** A value of a metric, with values of its labels in the metric's order. */
export interface Sample {
  readonly metric: Metric
  readonly labels: readonly string[]
  readonly value: number
}
