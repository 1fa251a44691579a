/** The table of all metrics. */
import { agentMetrics, exporterMetrics } from './agent.ts'
import { apiMetrics } from './api.ts'
import { hostMetrics } from './host.ts'
import type { Metric } from './metric.ts'

export const metrics: readonly Metric[] = [...hostMetrics, ...agentMetrics, ...exporterMetrics, ...Object.values(apiMetrics)]

const histogramSuffix = /_(bucket|sum|count)$/

/** The metric that a series belongs to: a histogram has three kinds of series. */
export function metricOf(series: string): Metric | undefined {
  const found = metrics.find(({ name }) => name === series)
  if (found !== undefined) return found
  const base = series.replace(histogramSuffix, '')
  return metrics.find(({ name, type }) => type === 'histogram' && name === base)
}
