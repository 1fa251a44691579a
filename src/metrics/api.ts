/** The metrics of the API. No tenant's name or id is in them. */
import type { Metric } from './metric.ts'

const metric = (
  name: string,
  type: Metric['type'],
  help: string,
  { unit = '1', labels = [], bound = 'one' }: Partial<Pick<Metric, 'unit' | 'labels' | 'bound'>> = {},
): Metric => ({ name: `vpc_api_${name}`, type, labels, help, unit, source: 'api', bound })

/** By what src/control calls them. */
export const apiMetrics = {
  requests: metric('requests_total', 'counter', 'Requests by method, kind and status.', {
    unit: 'events',
    labels: ['method', 'kind', 'status'],
    bound: '6 methods, one more than there are kinds of resources, and the statuses of the API',
  }),
  seconds: metric('request_seconds', 'histogram', 'How long requests took.', {
    unit: 'seconds',
    labels: ['method'],
    bound: '8 buckets, sum and count for each of 6 methods',
  }),
  streams: metric('watch_streams', 'gauge', 'Open watches.'),
  revision: metric('store_revision', 'gauge', 'Revision that the mirror has reached.'),
  attempts: metric('write_attempts_total', 'counter', 'Attempts at writes in the store.', { unit: 'events' }),
  writes: metric('write_requests_total', 'counter', 'Requests that write.', { unit: 'events' }),
  commitSeconds: metric('store_commit_seconds', 'histogram', 'How long the store took for a transaction.', {
    unit: 'seconds',
    bound: '8 buckets, sum and count',
  }),
  storeUsed: metric('store_bytes', 'gauge', 'Bytes that the store has used.', { unit: 'bytes' }),
  storeMost: metric('store_most_bytes', 'gauge', 'Bytes that the store can have: its quota, or what its disk has.', { unit: 'bytes' }),
  storeFull: metric('store_full', 'gauge', 'Whether the store takes no writes for want of room: 0 or 1.'),
  repairs: metric('mirror_repairs_total', 'counter', 'Keys of the mirror that a comparison with the store repaired. Should stay 0.', {
    unit: 'events',
  }),
  objects: metric('objects', 'gauge', 'Objects by kind.', { labels: ['kind'], bound: 'one for each kind of resource' }),
  hosts: metric('hosts', 'gauge', 'Hosts by state.', { labels: ['state'], bound: 'one for each state that a host can be in' }),
  connected: metric('hosts_connected', 'gauge', 'Hosts that have a request under way at this API: a feed, mostly.'),
  failing: metric('hosts_failing', 'gauge', 'Hosts connected to this API that have said that something fails.'),
  overdue: metric('host_certificates_overdue', 'gauge', 'Connected hosts whose certificate should have been renewed a day ago.'),
  certificate: metric('agent_port_certificate_seconds', 'gauge', 'How long the certificate of the port for agents is good.', {
    unit: 'seconds',
  }),
} as const satisfies Readonly<Record<string, Metric>>
