/** What the API counts, in Prometheus' form. No tenant's name or id is in it. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Model } from '../model/model.ts'
import { kinds } from '#resource/kinds.ts'

export class Metrics {
  readonly registry = new Registry()
  readonly requests = new Counter({
    name: 'vpc_api_requests_total',
    help: 'Requests by method, kind and status.',
    labelNames: ['method', 'kind', 'status'],
    registers: [this.registry],
  })
  readonly seconds = new Histogram({
    name: 'vpc_api_request_seconds',
    help: 'How long requests took.',
    labelNames: ['method'],
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
    registers: [this.registry],
  })
  readonly streams = new Gauge({ name: 'vpc_api_watch_streams', help: 'Open watches.', registers: [this.registry] })

  /** Kept for their collectors alone. */
  readonly gauges: readonly Gauge[]

  constructor(model: Model) {
    const registers = [this.registry]
    this.gauges = [
      new Gauge({
        name: 'vpc_api_store_revision',
        help: 'Revision that the mirror has reached.',
        registers,
        collect: set(() => model.mirror.revision),
      }),
      new Gauge({ name: 'vpc_api_write_attempts', help: 'Attempts at writes.', registers, collect: set(() => model.counts.tries) }),
      new Gauge({ name: 'vpc_api_write_requests', help: 'Requests that write.', registers, collect: set(() => model.counts.requests) }),
      new Gauge({
        name: 'vpc_api_mirror_repairs',
        help: 'Keys of the mirror that a comparison with the store repaired. Should stay 0.',
        registers,
        collect: set(() => model.mirror.repaired),
      }),
      new Gauge({
        name: 'vpc_api_objects',
        help: 'Objects by kind.',
        labelNames: ['kind'],
        registers,
        collect() {
          for (const { kind } of kinds) this.set({ kind }, model.mirror.objects.count(kind))
        },
      }),
    ]
  }
}

const set = (value: () => number) =>
  function (this: Gauge): void {
    this.set(value())
  }
