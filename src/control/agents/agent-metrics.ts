/** What the API counts about hosts: their states, feeds, and certificates that should have been renewed. */
import { Gauge, type Registry } from 'prom-client'
import { hostState } from '../model/host-life.ts'
import type { Model } from '../model/model.ts'
import type { AgentServer } from './server.ts'

/** An agent renews when half of a week is over; one whose certificate has less left than this has failed for a day. */
export const overdueMs = 2.5 * 86_400_000

/** Add them to a registry. */
export function countHosts(registry: Registry, model: Model, server: AgentServer, now: () => number): void {
  const add = (name: string, help: string, value: () => number): void => {
    const collect = function (this: Gauge): void {
      this.set(value())
    }
    registry.registerMetric(new Gauge({ name, help, registers: [], collect }))
  }
  const endsSoon = (notAfter: number): boolean => notAfter - now() <= overdueMs
  registry.registerMetric(hostsByState(model, now))
  add('vpc_api_hosts_connected', 'Hosts that have a request under way at this API: a feed, mostly.', () => server.peers().size)
  add(
    'vpc_api_host_certificates_overdue',
    'Of those: whose certificate should have been renewed a day ago.',
    () => [...server.peers().values()].filter(endsSoon).length,
  )
  add('vpc_api_agent_port_certificate_seconds', 'How long the certificate of the port for agents is good.', () =>
    Math.round((server.certificateEnds() - now()) / 1000),
  )
}

function hostsByState({ mirror }: Model, now: () => number): Gauge {
  const collect = function (this: Gauge<'state'>): void {
    this.reset()
    for (const id of mirror.objects.ids('host')) {
      const { record } = mirror.objects.get('host', id)!
      this.inc({ state: hostState(record, { mirror, now: now() }) })
    }
  }
  return new Gauge({ name: 'vpc_api_hosts', help: 'Hosts by state.', labelNames: ['state'], registers: [], collect })
}
