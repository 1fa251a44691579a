/** What the API counts about hosts: their states, feeds, and certificates that should have been renewed. */
import { apiMetrics } from '#metrics/api.ts'
import type { Metrics } from '../api/metrics.ts'
import { hostState } from '../model/host-life.ts'
import type { Model } from '../model/model.ts'
import type { AgentServer } from './server.ts'

/** An agent renews when half of a week is over; one whose certificate has less left than this has failed for a day. */
export const overdueMs = 2.5 * 86_400_000

/** Add them to the metrics of an API. */
export function countHosts(metrics: Metrics, { mirror }: Model, server: AgentServer, now: () => number): void {
  const endsSoon = (notAfter: number): boolean => notAfter - now() <= overdueMs
  metrics.gauge(apiMetrics.hosts, () => {
    const states = new Map<string, number>()
    for (const id of mirror.objects.ids('host')) {
      const state = hostState(mirror.objects.get('host', id)!.record, { mirror, now: now() })
      states.set(state, (states.get(state) ?? 0) + 1)
    }
    return states
  })
  metrics.gauge(apiMetrics.connected, () => server.peers().size)
  metrics.gauge(apiMetrics.overdue, () => [...server.peers().values()].filter(endsSoon).length)
  metrics.gauge(apiMetrics.certificate, () => Math.round((server.certificateEnds() - now()) / 1000))
}
